package weights

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestFileShrinks cuts the file short while a model is open.
func TestFileShrinks(t *testing.T) {
	for _, mapped := range []bool{true, false} {
		c := tinyConfig
		c.Vocab = 4096 // a megabyte, so that whole pages go
		dir := writeTiny(t, c, 0, "F32")
		m, err := open(dir, mapped)
		if err != nil {
			t.Fatal(err)
		}
		if mapped && m.sources[0].data == nil {
			t.Skip("this file system cannot map files")
		}
		load(t, m, normName)
		if err := os.Truncate(filepath.Join(dir, singleFile), 1<<16); err != nil {
			m.Close()
			t.Skipf("a mapped file cannot be cut here: %v", err)
		}
		if err := m.Float32(normName, make([]float32, 64)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("mapped %v: reading what is gone: %v", mapped, err)
		}
		if _, err := m.Hash(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("mapped %v: hashing what is gone: %v", mapped, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestGuard lets panics that are no faults through.
func TestGuard(t *testing.T) {
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = guard("x", func() error { panic("mine") })
}

func TestView(t *testing.T) {
	s := memorySource("x", make([]byte, 10))
	for _, r := range [][2]int64{{-1, 1}, {0, 11}, {10, 1}, {11, 0}, {5, -1}, {5, 1<<63 - 1}} {
		if _, err := s.view(r[0], r[1], nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("view of %d bytes at %d: %v", r[1], r[0], err)
		}
	}
	if b, err := s.view(10, 0, nil); err != nil || len(b) != 0 {
		t.Errorf("nothing at the end: %v", err)
	}
}
