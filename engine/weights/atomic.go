package weights

import (
	"os"
	"path/filepath"
	"runtime"
)

// createBeside creates a file that is to become path, in the same directory so
// that renaming is atomic.
func createBeside(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
}

// commit closes a file of createBeside and puts it at path, synced with its
// directory. On an error nothing is left.
func commit(f *os.File, path string) error {
	if err := f.Sync(); err != nil {
		discard(f)
		return err
	}
	// CreateTemp makes files private; a model is read like any other file.
	if err := f.Chmod(0o644); err != nil && runtime.GOOS != "windows" {
		discard(f)
		return err
	}
	if err := f.Close(); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
}

// discard closes and removes a file of createBeside.
func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// writeFile writes a small file atomically.
func writeFile(path string, data []byte) error {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		discard(f)
		return err
	}
	return commit(f, path)
}

// syncDir makes renames in a directory durable. Windows has no such call and
// orders them itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// writeDir calls fill with a directory that becomes dir as a whole: made beside
// it and renamed. If dir exists already, fill gets dir itself and only each file
// is atomic.
func writeDir(dir string, fill func(dir string) error) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); err == nil {
		return fill(dir)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	beside, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(beside) }() // nothing is left there after the rename
	if err := os.Chmod(beside, 0o755); err != nil && runtime.GOOS != "windows" {
		return err
	}
	if err := fill(beside); err != nil {
		return err
	}
	if err := os.Rename(beside, dir); err != nil {
		return err
	}
	return syncDir(parent)
}
