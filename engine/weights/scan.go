package weights

import (
	"fmt"
	"math"
)

// TensorScan is what the values of a stored tensor are like.
type TensorScan struct {
	Name   string
	DType  string // as the file calls it
	Shape  []int
	Values int64
	// Read is false for a dtype that cannot be read: nothing below is known then.
	Read     bool
	NaN, Inf int64
	First    int64 // index of the first value that is not finite, row-major; -1: none
	Offset   int64 // bytes from the file's beginning to that value
	Zero     int64
}

// ScanSafetensors looks at every value of a safetensors file, a small buffer at a
// time: so files of any size and of any architecture can be looked at. The
// tensors are in file order.
func ScanSafetensors(path string) ([]TensorScan, error) {
	s, err := openSource(path, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.close() }()
	var scans []TensorScan
	err = guard(path, func() error {
		regions, _, err := parseSafetensors(s)
		if err != nil {
			return err
		}
		for _, r := range regions {
			scan, err := scanRegion(s, r)
			if err != nil {
				return err
			}
			scans = append(scans, scan)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return scans, nil
}

func scanRegion(s *source, r region) (TensorScan, error) {
	n, _ := elements(r.shape)
	scan := TensorScan{Name: r.name, DType: r.kind, Shape: r.shape, Values: n, First: -1}
	if r.dtype == nil {
		return scan, nil
	}
	scan.Read = true
	var values [4096]float32
	err := stored{region: r, source: s}.chunks(0, int(n), len(values), func(from int, src []byte, n int) {
		r.dtype.decode(values[:n], src)
		for i, x := range values[:n] {
			nan, inf := x != x, math.IsInf(float64(x), 0)
			switch {
			case nan:
				scan.NaN++
			case inf:
				scan.Inf++
			case x == 0:
				scan.Zero++
			}
			if (nan || inf) && scan.First < 0 {
				scan.First = int64(from + i)
				size, _ := r.dtype.size(scan.First)
				scan.Offset = r.off + size
			}
		}
	})
	return scan, err
}
