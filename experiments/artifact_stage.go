package experiments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// checkFree refuses a path that is taken.
func checkFree(path string, overwrite bool) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !overwrite:
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return nil
}

// stage calls fill with a path beside path, in the same file system, and gives what is
// there its name once fill has succeeded. Nothing is left of what has failed.
func stage(path string, overwrite bool, fill func(staged string) error) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	beside, err := os.MkdirTemp(parent, ".hone-export-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(beside)) }()
	staged := filepath.Join(beside, filepath.Base(path))
	if err := fill(staged); err != nil {
		return err
	}
	if err := syncParent(staged); err != nil {
		return err
	}
	if err := checkFree(path, overwrite); err != nil { // it may have come meanwhile
		return err
	}
	if err := replaceable(path, staged); err != nil {
		return err
	}
	old := filepath.Join(beside, ".old")
	switch err := os.Rename(path, old); {
	case errors.Is(err, fs.ErrNotExist):
		old = ""
	case err != nil:
		return err
	}
	if err := os.Rename(staged, path); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, path))
		}
		return err
	}
	return syncParent(path)
}

// replaceable refuses to replace a directory that holds something else than an export:
// an overwrite must not take somebody's files away.
func replaceable(path, staged string) error {
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := os.Lstat(staged)
	switch {
	case err != nil:
		return err
	case before.IsDir() != now.IsDir() || !before.IsDir() && !before.Mode().IsRegular():
		return fmt.Errorf("%s is no export of this format and is not replaced: %w", path, fs.ErrExist)
	case !before.IsDir():
		return nil
	}
	there, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	mine, err := os.ReadDir(staged)
	if err != nil {
		return err
	}
	for _, e := range there {
		if !slices.ContainsFunc(mine, func(m fs.DirEntry) bool { return m.Name() == e.Name() }) {
			return fmt.Errorf("%s holds %s, which no export writes, and is not replaced: %w", path, e.Name(), fs.ErrExist)
		}
	}
	return nil
}

// syncParent makes a name in its directory durable. Windows orders renames itself.
func syncParent(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
