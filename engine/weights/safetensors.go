package weights

import "fmt"

// Tensor is a named array in memory.
type Tensor struct {
	Name  string
	Shape []int     // outermost first; empty for a scalar
	Data  []float32 // row-major, product of Shape values
}

// ReadSafetensors reads all of a safetensors file: tensors in file order, as
// float32, and the file's metadata. F32 is exact to the bit, F16 and BF16 are
// widened, other dtypes are [ErrUnsupported]. Meant for small files: adapters,
// optimizer state. NaN and infinities are returned as they are.
func ReadSafetensors(path string) ([]Tensor, map[string]string, error) {
	s, err := openSource(path, true)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = s.close() }()
	var tensors []Tensor
	var metadata map[string]string
	err = guard(path, func() (err error) {
		tensors, metadata, err = readTensors(s)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return tensors, metadata, nil
}

func readTensors(s *source) ([]Tensor, map[string]string, error) {
	regions, metadata, err := parseSafetensors(s)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range regions {
		if r.dtype == nil {
			return nil, nil, unsupported("dtype %s of %s (what works: %s)", r.kind, clip(r.name), dtypeList)
		}
	}
	tensors := make([]Tensor, len(regions))
	for i, r := range regions {
		// The size is within the file, so at most twice its bytes are taken here.
		n, _ := elements(r.shape)
		t := Tensor{Name: r.name, Shape: r.shape, Data: make([]float32, n)}
		err := stored{region: r, source: s}.chunks(0, int(n), 0, func(from int, src []byte, n int) {
			r.dtype.decode(t.Data[from:from+n], src)
		})
		if err != nil {
			return nil, nil, err
		}
		tensors[i] = t
	}
	return tensors, metadata, nil
}

// WriteSafetensors writes tensors as F32 in the given order. The file is complete
// or not there: it is written beside path, synced and renamed. The metadata gets
// format=pt, without which PyTorch's readers refuse the file. Values are written
// to the bit, NaN included.
func WriteSafetensors(path string, tensors []Tensor, metadata map[string]string) error {
	w, err := NewSafetensorsWriter(path, "F32", tensors, metadata)
	if err != nil {
		return err
	}
	for _, t := range tensors {
		if err := w.Write(t.Name, t.Data); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close()
}
