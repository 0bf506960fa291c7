package runs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// ErrLocked is wrapped where another writer has the run directory open.
var ErrLocked = errors.New("the run has another writer")

// LockedError is the error of a directory that is being written.
type LockedError struct {
	Dir string
	PID int // the writer's process; 0 where it is not known
}

// Error names the directory and the process.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return e.Dir + " is being written by another process"
	}
	return fmt.Sprintf("%s is being written by process %d", e.Dir, e.PID)
}

// Unwrap is ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// lockDir takes the writer lock of a directory. The operating system releases it
// when the process ends, however it ends, so it is never left behind.
func lockDir(dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, lockName)
	for range 10 {
		lock := flock.New(path, flock.SetPermissions(0o644))
		ok, err := lock.TryLock()
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", dir, err)
		}
		if !ok {
			return nil, &LockedError{Dir: dir, PID: lockOwner(path)}
		}
		// The directory may have been removed between opening and locking: then
		// what is locked is no longer what stands at the path.
		held, err1 := lock.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(held, there) {
			// For the message of whoever finds it locked; the lock itself is what counts.
			if err := signLock(path); err != nil {
				return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), lock.Unlock())
			}
			return lock, nil
		}
		if err := lock.Unlock(); err != nil {
			return nil, fmt.Errorf("locking %s: %w", dir, err)
		}
	}
	return nil, fmt.Errorf("locking %s: the directory is being removed", dir)
}

// The process is named after the first byte of the lock file, in as many bytes as
// the longest number takes: the lock is on the first byte, and on Windows nobody
// else reads or writes what is locked.
const (
	ownerAt     = 1
	ownerFormat = "%-20d\n"
)

// signLock writes this process into a lock file.
func signLock(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, ownerFormat, os.Getpid()), ownerAt)
	return errors.Join(err, f.Close())
}

// lockOwner reads who wrote a lock file; 0 = not known.
func lockOwner(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	text := make([]byte, 32)
	n, err := f.ReadAt(text, ownerAt)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
