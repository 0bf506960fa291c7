package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// place puts a blob into a snapshot under its name: a relative link, and where
// links cannot be made the same file under a second name, or a copy.
func (c *Client) place(ctx context.Context, r repository, commit string, f remoteFile) error {
	path := filepath.Join(r.snapshot(commit), filepath.FromSlash(f.name))
	blob := r.blob(f.hash)
	if there, err1 := os.Stat(path); err1 == nil {
		if is, err2 := os.Stat(blob); err2 == nil && os.SameFile(there, is) {
			return nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Outside of snapshots/, where what a kill leaves would count as a file of the model.
	temp, err := os.MkdirTemp(r.dir(), ".tmp-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	beside := filepath.Join(temp, "file")
	up := strings.Repeat("../", strings.Count(f.name, "/")+2)
	err = errors.ErrUnsupported
	if !c.settings.NoSymlinks {
		err = c.symlink(filepath.FromSlash(up+"blobs/"+f.hash), beside)
	}
	if err != nil {
		err = c.link(blob, beside)
	}
	if err != nil {
		err = copyFile(ctx, blob, beside)
	}
	if err != nil {
		return fmt.Errorf("placing %s: %w", f.name, err)
	}
	if err := os.Rename(beside, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, contextReader{ctx, in})
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// present reports whether a file of a snapshot is the one that the hub has: its
// blob, which had its hash verified when it got its name, or a copy that is
// verified now.
func present(ctx context.Context, r repository, commit string, f remoteFile) bool {
	path := filepath.Join(r.snapshot(commit), filepath.FromSlash(f.name))
	if !hasSize(path, f.size) {
		return false
	}
	there, err1 := os.Stat(path)
	is, err2 := os.Stat(r.blob(f.hash))
	if err1 == nil && err2 == nil && os.SameFile(there, is) {
		return true
	}
	return verify(ctx, path, f) == nil
}

// writeRef says what a branch or tag means.
func writeRef(r repository, revision, commit string) error {
	path := r.ref(revision)
	if text, err := readSmall(path, 1024); err == nil && text == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Beside refs/, where Python would take it for a branch.
	temp, err := os.CreateTemp(r.dir(), ".tmp-ref-*")
	if err != nil {
		return err
	}
	_, err = temp.WriteString(commit)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if err == nil {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
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
