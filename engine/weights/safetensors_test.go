package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rawSafetensors puts a header and data together.
func rawSafetensors(header string, data []byte) []byte {
	return append(append(putU64(nil, uint64(len(header))), header...), data...)
}

func writeRaw(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSafetensorsRoundTrip writes every kind of value as F32 and reads it back.
func TestSafetensorsRoundTrip(t *testing.T) {
	edge := []float32{
		0, float32(math.Copysign(0, -1)), 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -1e-40, 1e-45,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0x7fc12345), math.Float32frombits(0xff812345), 0x1p-126, 3.14159,
	}
	r := newRandom(1)
	tensors := []Tensor{
		{"edge", []int{4, 4}, edge},
		{"scalar", nil, []float32{7}},
		{"empty", []int{0, 5}, nil},
		{"large", []int{3, 50001}, r.values(150003)},
		{"näme \"quoted\" <&>\n", []int{1}, []float32{2}},
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := WriteSafetensors(path, tensors, map[string]string{"step": "12", "format": "other"}); err != nil {
		t.Fatal(err)
	}
	got, metadata, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(metadata) != 2 || metadata["format"] != "pt" || metadata["step"] != "12" {
		t.Errorf("metadata %v", metadata)
	}
	if len(got) != len(tensors) {
		t.Fatalf("%d tensors of %d", len(got), len(tensors))
	}
	byName := map[string]Tensor{}
	for _, g := range got {
		byName[g.Name] = g
	}
	for _, want := range tensors {
		g := byName[want.Name]
		if !slices.Equal(g.Shape, want.Shape) || len(g.Data) != len(want.Data) {
			t.Fatalf("%q is %v with %d values", want.Name, g.Shape, len(g.Data))
		}
		for i := range want.Data {
			if math.Float32bits(g.Data[i]) != math.Float32bits(want.Data[i]) {
				t.Fatalf("%q[%d] is %x, want %x", want.Name, i, math.Float32bits(g.Data[i]), math.Float32bits(want.Data[i]))
			}
		}
	}
	raw, _ := os.ReadFile(path)
	if n := binary.LittleEndian.Uint64(raw); n%8 != 0 {
		t.Errorf("header of %d bytes: data is not aligned", n)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

// TestSafetensorsHalf reads every F16 and BF16 value.
func TestSafetensorsHalf(t *testing.T) {
	data := make([]byte, 0, 1<<18)
	for range 2 {
		for h := range 1 << 16 {
			data = binary.LittleEndian.AppendUint16(data, uint16(h))
		}
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	writeRaw(t, path, rawSafetensors(`{"h":{"dtype":"F16","shape":[256,256],"data_offsets":[0,131072]},"b":{"dtype":"BF16","shape":[65536],"data_offsets":[131072,262144]}}`, data))
	tensors, _, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for h := range 1 << 16 {
		if got, want := tensors[0].Data[h], refHalf(uint16(h)); !sameFloat(got, want) {
			t.Fatalf("F16 %04x is %v, want %v", h, got, want)
		}
		if got := math.Float32bits(tensors[1].Data[h]); got != uint32(h)<<16 {
			t.Fatalf("BF16 %04x is %08x", h, got)
		}
	}
}

// TestSafetensorsRefused has one fault in each header. The data is eight zeros.
func TestSafetensorsRefused(t *testing.T) {
	const tensor = `{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for name, c := range map[string]struct {
		header string
		want   error
		says   string
	}{
		"no JSON":               {`{"a":`, ErrCorrupt, "JSON"},
		"not an object":         {`[1]`, ErrCorrupt, "start with {"},
		"leading space":         {` {"a":` + tensor + `}`, ErrCorrupt, "start with {"},
		"empty":                 {``, ErrCorrupt, "start with {"},
		"text after":            {`{"a":` + tensor + `} x`, ErrCorrupt, ""},
		"two objects":           {`{"a":` + tensor + `}{}`, ErrCorrupt, ""},
		"not UTF-8":             {"{\"\xff\":" + tensor + "}", ErrCorrupt, "UTF-8"},
		"name twice":            {`{"a":` + tensor + `,"a":` + tensor + `}`, ErrCorrupt, "twice"},
		"name twice, escaped":   {`{"a":` + tensor + `,"\u0061":` + tensor + `}`, ErrCorrupt, "twice"},
		"field twice":           {`{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}`, ErrCorrupt, "twice"},
		"unknown field":         {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}`, ErrCorrupt, "unknown key"},
		"field in another case": {`{"a":{"DType":"F32","shape":[2],"data_offsets":[0,8]}}`, ErrCorrupt, "unknown key"},
		"no dtype":              {`{"a":{"shape":[2],"data_offsets":[0,8]}}`, ErrCorrupt, "lacks"},
		"no shape":              {`{"a":{"dtype":"F32","data_offsets":[0,8]}}`, ErrCorrupt, "lacks"},
		"no offsets":            {`{"a":{"dtype":"F32","shape":[2]}}`, ErrCorrupt, "lacks"},
		"three offsets":         {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}`, ErrCorrupt, "lacks"},
		"shape null":            {`{"a":{"dtype":"F32","shape":null,"data_offsets":[0,8]}}`, ErrCorrupt, "not an array"},
		"tensor is a number":    {`{"a":3}`, ErrCorrupt, "not an object"},
		"dtype is a number":     {`{"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}}`, ErrCorrupt, "not a string"},
		"unknown dtype":         {`{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}`, ErrUnsupported, "F33"},
		"dtype not read":        {`{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, ErrUnsupported, "I64"},
		"negative size":         {`{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`, ErrCorrupt, "-2"},
		"fractional size":       {`{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}`, ErrCorrupt, "2.0"},
		"size as text":          {`{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}`, ErrCorrupt, "not an integer"},
		"size of 2^63":          {`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}}`, ErrCorrupt, "9223372036854775808"},
		"product overflows":     {`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}`, ErrCorrupt, "too large"},
		"bits overflow":         {`{"a":{"dtype":"F32","shape":[2305843009213693954],"data_offsets":[0,8]}}`, ErrCorrupt, "too large"},
		"shape too small":       {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, ErrCorrupt, "does not fill"},
		"shape too large":       {`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, ErrCorrupt, "does not fill"},
		"half a byte":           {`{"a":{"dtype":"F4","shape":[15],"data_offsets":[0,8]}}`, ErrCorrupt, "does not fill"},
		"end before start":      {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, ErrCorrupt, "before it starts"},
		"beyond the end":        {`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, ErrCorrupt, "ends within"},
		"far beyond the end":    {`{"a":{"dtype":"F32","shape":[268435456],"data_offsets":[0,1073741824]}}`, ErrCorrupt, "ends within"},
		"bytes left over":       {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, ErrCorrupt, "at the end"},
		"a gap":                 {`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, ErrCorrupt, "belong to no tensor"},
		"an overlap":            {`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, ErrCorrupt, "overlaps"},
		"the same bytes":        {`{"a":` + tensor + `,"b":` + tensor + `}`, ErrCorrupt, "overlaps"},
		"metadata of numbers":   {`{"__metadata__":{"a":1},"a":` + tensor + `}`, ErrCorrupt, "not a string"},
		"metadata twice":        {`{"__metadata__":{},"__metadata__":{},"a":` + tensor + `}`, ErrCorrupt, "twice"},
		"metadata key twice":    {`{"__metadata__":{"k":"1","k":"2"},"a":` + tensor + `}`, ErrCorrupt, "twice"},
		"a shape of 65":         {`{"a":{"dtype":"F32","shape":[2` + strings.Repeat(",1", 64) + `],"data_offsets":[0,8]}}`, ErrCorrupt, "more than 64"},
		"nested deep":           {`{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, ErrCorrupt, ""},
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		writeRaw(t, path, rawSafetensors(c.header, make([]byte, 8)))
		_, _, err := ReadSafetensors(path)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
	for name, raw := range map[string][]byte{
		"nothing":           {},
		"7 bytes":           make([]byte, 7),
		"header of 2^63":    append(putU64(nil, 1<<63), '{'),
		"header of 200 MB":  append(putU64(nil, 200_000_000), '{'),
		"header past end":   append(putU64(nil, 99_000_000), '{'),
		"header of nothing": make([]byte, 8),
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		writeRaw(t, path, raw)
		if _, _, err := ReadSafetensors(path); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := ReadSafetensors(t.TempDir()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a directory: %v", err)
	}
}

func TestSafetensorsCut(t *testing.T) {
	r := newRandom(2)
	path := filepath.Join(t.TempDir(), "x.safetensors")
	err := WriteSafetensors(path, []Tensor{{"a", []int{3, 5}, r.values(15)}, {"b", []int{2}, r.values(2)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	for n := range whole {
		writeRaw(t, path, whole[:n])
		if _, _, err := ReadSafetensors(path); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d of %d: %v", n, len(whole), err)
		}
	}
	writeRaw(t, path, append(bytes.Clone(whole), 0))
	if _, _, err := ReadSafetensors(path); !errors.Is(err, ErrCorrupt) {
		t.Errorf("one byte too many: %v", err)
	}
}

func TestSafetensorsWriterMisuse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.safetensors")
	declared := []Tensor{{Name: "a", Shape: []int{2}}, {Name: "b", Shape: []int{1}}}
	for name, use := range map[string]func(w *SafetensorsWriter) error{
		"wrong order":  func(w *SafetensorsWriter) error { return w.Write("b", []float32{1}) },
		"wrong size":   func(w *SafetensorsWriter) error { return w.Write("a", []float32{1}) },
		"not finished": func(w *SafetensorsWriter) error { return w.Close() },
		"one too many": func(w *SafetensorsWriter) error {
			return errors.Join(w.Write("a", []float32{1, 2}), w.Write("b", []float32{1}), w.Write("c", []float32{1}))
		},
	} {
		w, err := NewSafetensorsWriter(path, "F32", declared, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := use(w); err == nil {
			t.Errorf("%s was accepted", name)
		}
		w.Abort()
	}
	for name, tensors := range map[string][]Tensor{
		"name twice":       {{Name: "a"}, {Name: "a"}},
		"name of metadata": {{Name: "__metadata__"}},
		"name not UTF-8":   {{Name: "\xff"}},
		"negative size":    {{Name: "a", Shape: []int{-1}}},
		"size overflows":   {{Name: "a", Shape: []int{1 << 40, 1 << 40}}},
		"sum overflows":    {{Name: "a", Shape: []int{1 << 60}}, {Name: "b", Shape: []int{1 << 60}}, {Name: "c", Shape: []int{1 << 60}}},
	} {
		if _, err := NewSafetensorsWriter(path, "F32", tensors, nil); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := NewSafetensorsWriter(path, "F16", declared, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("dtype F16: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(rawSafetensors(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}`, make([]byte, 12)))
	f.Add(rawSafetensors(`{"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"e":{"dtype":"I64","shape":[0],"data_offsets":[0,0]}}  `, make([]byte, 2)))
	f.Add(rawSafetensors(`{}`, nil))
	f.Add(rawSafetensors(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,2]}}`, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, _, err := readTensors(memorySource("fuzz", data))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error of neither kind: %v", err)
			}
			return
		}
		total := 0
		for _, x := range tensors {
			n, ok := elements(x.Shape)
			if !ok || n != int64(len(x.Data)) {
				t.Fatalf("%q %v has %d values", x.Name, x.Shape, len(x.Data))
			}
			total += len(x.Data)
		}
		if 2*total > len(data) {
			t.Fatalf("%d values from %d bytes", total, len(data))
		}
	})
}
