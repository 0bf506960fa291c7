package weights

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"

	"github.com/edsrzf/mmap-go"
)

// source is a file of weights: mapped where the system allows it, else read
// piece by piece.
type source struct {
	path  string
	size  int64
	data  []byte    // the mapping; nil when the file is read
	file  file      // nil when the file is mapped
	unmap mmap.MMap // nil when the file is read
}

// openSource opens a regular file. The mapping is private to the source.
func openSource(path string, mapped bool) (*source, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, size: size, file: f}
	if mapped && size > 0 && size <= math.MaxInt {
		// A file system that cannot map (some network and FUSE mounts) is read instead.
		if m, err := mmap.MapRegion(f, int(size), mmap.RDONLY, 0, 0); err == nil {
			s.data, s.unmap, s.file = m, m, nil
			if err := f.Close(); err != nil {
				_ = s.close()
				return nil, err
			}
		}
	}
	return s, nil
}

// openRegular opens a file for reading, refusing directories, pipes and devices
// before opening them could block.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, corrupt("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		if err == nil {
			err = corrupt("%s is not a regular file", path)
		}
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// view returns n bytes at off: a part of the mapping, or buf filled from the
// file. buf has at least n bytes unless the source is mapped.
func (s *source) view(off, n int64, buf []byte) ([]byte, error) {
	if off < 0 || n < 0 || off > s.size || n > s.size-off {
		return nil, corrupt("%d bytes at %d are outside a file of %d", n, off, s.size)
	}
	if s.data != nil {
		return s.data[off : off+n : off+n], nil
	}
	buf = buf[:n]
	if k, err := s.file.ReadAt(buf, off); int64(k) < n {
		if err == io.EOF {
			return nil, corrupt("the file became shorter while it was open")
		}
		return nil, err
	}
	return buf, nil
}

// ReadAt implements io.ReaderAt. On a mapping it belongs inside guard.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), s.size-off)
	b, err := s.view(off, n, p)
	if err != nil {
		return 0, err
	}
	copy(p, b)
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// scratch returns a buffer for view, nil when the source is mapped.
func (s *source) scratch(n int64) []byte {
	if s.data != nil {
		return nil
	}
	return make([]byte, n)
}

func (s *source) close() error {
	var err error
	if s.unmap != nil {
		err = s.unmap.Unmap()
	}
	if s.file != nil {
		err = s.file.Close()
	}
	s.unmap, s.data, s.file = nil, nil, nil
	return err
}

// guard runs f, which reads from a mapping of the file at path. Reading a page
// that is gone, because another process cut the file short or its disk failed,
// raises a fault that would end the program; here it becomes ErrCorrupt.
func guard(path string, f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			if _, fault := r.(interface{ Addr() uintptr }); !fault {
				panic(r)
			}
			err = fmt.Errorf("reading %s: %w", path, corrupt("the file became shorter while it was open"))
		}
	}()
	return f()
}
