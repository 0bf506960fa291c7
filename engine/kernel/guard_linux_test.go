package kernel

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded returns n values that end where a page begins that must not be
// touched, or, with front, that start where such a page ends. A kernel that
// reads or writes outside its slice dies there.
func guarded(t testing.TB, n int, front bool) []float32 {
	t.Helper()
	page := unix.Getpagesize()
	size := (max(n, 1)*4 + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{mem[:page], mem[page+size:]} {
		if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	x := unsafe.Slice((*float32)(unsafe.Pointer(&mem[page])), size/4)
	if front {
		return x[:n:n]
	}
	return x[size/4-n:]
}
