package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Names of what is not finished yet: cleaned away when a writer opens the
// directory, since only a killed writer leaves them.
const (
	tempPrefix = ".tmp-"
	oldPrefix  = ".old-"
)

// WriteFile replaces a file so that readers see the old content or the new and
// nothing between, even through a crash: written beside, fsynced, renamed.
func WriteFile(path string, data []byte) error {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, tempPrefix+base+"-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = moveOver(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return syncDir(dir)
}

// moveOver renames a file over another. Windows refuses that while somebody reads
// the other, which readers of a run do for a moment now and then: that moment is
// waited for.
func moveOver(from, to string) error {
	err := os.Rename(from, to)
	for wait := time.Millisecond; runtime.GOOS == "windows" && errors.Is(err, fs.ErrPermission) && wait < time.Second; wait *= 2 {
		time.Sleep(wait)
		err = os.Rename(from, to)
	}
	return err
}

// replaceDir makes parent/name a directory with what write puts into it. Until
// write and all syncing are done the old directory stays; a crash at any point
// leaves the old one, the new one, or what recoverDirs turns into the old one.
func replaceDir(parent, name string, write func(dir string) error) (err error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(parent, tempPrefix+name+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := write(temp); err != nil {
		return err
	}
	if err := syncTree(temp); err != nil {
		return err
	}
	path, old := filepath.Join(parent, name), filepath.Join(parent, oldPrefix+name)
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	// A directory cannot be renamed over one that is not empty.
	if err := os.Rename(path, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, recoverDirs(parent))
	}
	if err := syncDir(parent); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// recoverDirs clears what a killed writer left in parent: half-written files
// and directories go, a directory that was moved away but never replaced
// comes back.
func recoverDirs(parent string) error {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if name, ok := strings.CutPrefix(e.Name(), oldPrefix); ok {
			now := filepath.Join(parent, name)
			if _, err := os.Lstat(now); errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, os.Rename(path, now))
			} else {
				errs = append(errs, os.RemoveAll(path))
			}
		} else if strings.HasPrefix(e.Name(), tempPrefix) {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// syncTree fsyncs every file and directory below and including dir.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return syncDir(path)
		case d.Type().IsRegular():
			return syncPath(path)
		}
		return nil
	})
}

func syncPath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes renames in dir durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
