package kernel

import "unsafe"

// local returns the address of x's first element without making x escape to
// the heap: a call through a table of functions would otherwise force every
// slice that reaches a kernel onto the heap, small scratch arrays of the
// caller included. It is valid only for kernels that run to their end on the
// calling goroutine; what other goroutines see goes through shared.
func local[T float32 | float64 | uint32](x []T) *T {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	return *(**T)(unsafe.Pointer(&p))
}

// shared returns the address of x's first element for use by other goroutines.
func shared(x []float32) *float32 { return unsafe.SliceData(x) }

// at returns the address n elements after p.
func at(p *float32, n int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), n*4))
}

// from returns the n elements at p as a slice.
func from(p *float32, n int) []float32 { return unsafe.Slice(p, n) }

// aligned returns n zero values that start at a cache line.
func aligned(n int) []float32 {
	const line = 64 / 4
	x := make([]float32, n+line-1)
	hugePages(x)
	skip := 0
	if r := int(uintptr(unsafe.Pointer(unsafe.SliceData(x))) / 4 % line); r != 0 {
		skip = line - r
	}
	return x[skip : skip+n : skip+n]
}

// bytesOf returns the bytes of x to read and write, in the order of memory.
func bytesOf(x []float32) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
