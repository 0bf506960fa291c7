package kernel

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// tile computes a few rows of C by one panel: C[rows, width] (+)= A[rows, k] *
// B[k, width]. Strides are in elements of 32 bits; k is at least 1; accumulate
// is 0 or 1. With every four rows of B it prefetches four rows of a packed B
// from ahead elements on, and advances that place by pace. The number of rows is
// fixed by the place in set.tiles.
type tile func(k int, a *float32, lda int, b *float32, ldb, ahead, pace int, c *float32, ldc, accumulate int)

// maxRows and maxWidth bound the tiles of all sets.
const (
	maxRows  = 12
	maxWidth = 32
	maxLanes = 16
)

// set is one implementation of the kernels. The vector functions take a
// length that is a multiple of lanes and at least lanes.
type set struct {
	name    string
	width   int               // columns of a tile, and of a packed panel
	rows    int               // rows of the tallest tile
	tiles   [maxRows + 1]tile // by the number of rows
	bf16    [maxRows + 1]tile // the same where B is [ceil(k/2), width] pairs of bf16
	bf16Dot [maxRows + 1]tile // the same where A is pairs too, with zero beside an odd last k; nil without native bf16
	int8    [maxRows + 1]tile // the same where B is blocks of int8; nil for heights that are not worth one
	// int8Two computes one row of C by two panels that are ldb apart.
	int8Two tile
	// copyPanel copies src[rows, width] to dst[rows, width] without gaps.
	copyPanel func(dst, src *float32, lds, rows int)

	// round sets dst to the pairs of src, n a positive multiple of 16; pairPanel
	// sets dst[pairs, width] to the pairs of rows of src[2*pairs, width];
	// expandPanel sets dst[2*pairs, width] to the values of src[pairs, width]. Sets
	// without them leave them nil.
	round       func(dst, src *float32, n int)
	pairPanel   func(dst, src *float32, lds, pairs int)
	expandPanel func(dst, src *float32, pairs int)
	// expandInt8 sets dst[k, width] to the values of the blocks of int8 at src. Sets
	// without it leave it nil.
	expandInt8 func(dst, src *float32, k int)

	lanes       int
	expSum      func(dst, src *float32, n int, scale, bias float32) float32
	siluMul     func(dst, gate, up *float32, n int)
	siluMulGrad func(dgate, dup, gate, up, dy *float32, n int)
	max         func(x *float32, n int, out *float32) // out[lanes]: the largest of every lane; NaN is not considered
	maxBits     func(x *float32, n int, out *uint32)  // out[lanes]: the largest bit pattern without the sign, of every lane
	index       func(x *float32, n int, value float32) int
	dot         func(a, b *float32, n int) float32
	sumSquares  func(x *float32, n int, out *float64) // out[lanes/2, at least 1]: partial sums
	axpy        func(y *float32, a float32, x *float32, n int)
	add         func(dst, a, b *float32, n int)
	scale       func(dst, x *float32, n int, a float32)
	// transpose turns 8 rows of src into 8 columns of dst: dst[cols, 8] =
	// src[8, cols]^T, cols a multiple of 8. Sets without one leave it nil.
	transpose func(dst *float32, ldd int, src *float32, lds, cols int)
}

var (
	available = supported() // best first; the plain set is last
	active    atomic.Pointer[set]
	startErr  error
)

func init() {
	active.Store(available[0])
	if name := os.Getenv("HONE_KERNELS"); name != "" {
		if err := Use(name); err != nil {
			startErr = fmt.Errorf("HONE_KERNELS: %w", err)
		}
	}
}

// Sets returns the names of the kernel sets that this CPU can run, best first.
func Sets() []string {
	names := make([]string, len(available))
	for i, s := range available {
		names[i] = s.name
	}
	return names
}

// Active returns the name of the set in use.
func Active() string { return active.Load().name }

// Use forces the set of that name; "" and "auto" choose the best. A matrix
// that is packed already keeps the set that packed it.
func Use(name string) error {
	if name == "" || name == "auto" {
		active.Store(available[0])
		return nil
	}
	for _, s := range available {
		if s.name == name {
			active.Store(s)
			return nil
		}
	}
	return fmt.Errorf("kernel set %q is unknown or not supported by this CPU; available: %s", name, strings.Join(Sets(), ", "))
}

// StartError tells what was wrong with HONE_KERNELS at start, nil if nothing
// was. The best set is in use then.
func StartError() error { return startErr }
