package weights

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// place is a directory with files of a model: one of the system's, or the root of
// a file system, such as what is embedded in the program.
type place struct {
	dir   string // a path of the system's; of a file system, what messages call it
	files fs.FS  // nil: the system's
}

// file is what a source reads. Pieces are read where they are, so that neither a
// large file nor an embedded one is copied whole.
type file interface {
	fs.File
	io.ReaderAt
}

// path is how messages name a file of the place and, on disk, its path.
func (p place) path(name string) string {
	if p.files != nil {
		return path.Join(p.dir, name)
	}
	return filepath.Join(p.dir, name)
}

func (p place) stat(name string) (fs.FileInfo, error) {
	if p.files != nil {
		return fs.Stat(p.files, name)
	}
	return os.Stat(p.path(name))
}

// open opens a regular file and returns its size. Anything else is refused before
// opening it could block.
func (p place) open(name string) (file, int64, error) {
	if p.files == nil {
		return openRegular(p.path(name))
	}
	info, err := fs.Stat(p.files, name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, corrupt("%s is not a regular file", p.path(name))
	}
	opened, err := p.files.Open(name)
	if err != nil {
		return nil, 0, err
	}
	f, ok := opened.(file)
	if !ok {
		_ = opened.Close()
		return nil, 0, unsupported("%s lies where files are only read from their beginning", p.path(name))
	}
	return f, info.Size(), nil
}

// source opens a file of weights, mapped if asked for and possible.
func (p place) source(name string, mapped bool) (*source, error) {
	if p.files == nil {
		return openSource(p.path(name), mapped)
	}
	f, size, err := p.open(name)
	if err != nil {
		return nil, err
	}
	return &source{path: p.path(name), size: size, file: f}, nil
}

// read reads a regular file of at most limit bytes.
func (p place) read(name string, limit int64) ([]byte, error) {
	f, size, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if size > limit {
		return nil, fmt.Errorf("reading %s: %w", p.path(name), corrupt("%d bytes are more than the %d it may have", size, limit))
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.path(name), err)
	}
	return data, nil
}
