package weights

import (
	"errors"
	"math"
	"path/filepath"
	"testing"
)

func TestScanSafetensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	data := make([]float32, 3*5000)
	for i := range data {
		data[i] = float32(i % 7)
	}
	data[9000], data[9001], data[14999] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	if err := WriteSafetensors(path, []Tensor{{Name: "a", Shape: []int{4}, Data: make([]float32, 4)}, {Name: "b", Shape: []int{3, 5000}, Data: data}}, nil); err != nil {
		t.Fatal(err)
	}
	scans, err := ScanSafetensors(path)
	if err != nil || len(scans) != 2 {
		t.Fatal(scans, err)
	}
	a, b := scans[0], scans[1]
	if a.Name != "a" || !a.Read || a.Zero != 4 || a.NaN+a.Inf != 0 || a.First != -1 {
		t.Errorf("%+v", a)
	}
	if b.NaN != 1 || b.Inf != 2 || b.First != 9000 || b.Values != 15000 {
		t.Errorf("%+v", b)
	}
	// The byte named holds that value.
	s, err := openSource(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	bytes, err := s.view(b.Offset, 4, make([]byte, 4))
	if err != nil {
		t.Fatal(err)
	}
	var x [1]float32
	f32.decode(x[:], bytes)
	if x[0] == x[0] {
		t.Errorf("byte %d holds %v", b.Offset, x[0])
	}
	if _, err := ScanSafetensors(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error")
	}
}

func TestScanRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	writeRaw(t, path, []byte("no safetensors"))
	if _, err := ScanSafetensors(path); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}
