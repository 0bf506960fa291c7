package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a lock that another process holds is tried.
const lockPoll = 200 * time.Millisecond

// lock takes the lock of a blob: the same file, locked by the same means, as
// Python's filelock. waiting is called once if another process holds it. The
// file stays: to remove it would take it from under others.
func (c *Client) lock(ctx context.Context, r repository, hash string, waiting func()) (unlock func() error, err error) {
	path := filepath.Join(r.cache, ".locks", r.folder(), hash+".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	for first := true; ; {
		l := flock.New(path, flock.SetPermissions(0o664))
		ok, err := l.TryLock()
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if ok {
			// Python removes lock files: then what is locked no longer stands at the path.
			held, err1 := l.Stat()
			there, err2 := os.Stat(path)
			if err1 == nil && err2 == nil && os.SameFile(held, there) {
				return l.Unlock, nil
			}
			if err := errors.Join(l.Unlock(), ctx.Err()); err != nil {
				return nil, err
			}
			continue
		}
		if first {
			waiting()
			first = false
		}
		if err := c.sleep(ctx, lockPoll); err != nil {
			return nil, err
		}
	}
}
