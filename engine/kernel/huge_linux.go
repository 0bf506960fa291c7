package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages asks the system to back x with large pages where it fills some: a
// weight is read from end to end, and with small pages the processor spends a
// sixth of that time looking up addresses. It is a hint; refusal is harmless.
func hugePages(x []float32) {
	const page = 1 << 21
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*4)
	start := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (page - 1)
	if n := (len(b) - start) / page * page; n > 0 {
		_ = unix.Madvise(b[start:start+n], unix.MADV_HUGEPAGE)
	}
}
