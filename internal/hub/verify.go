package hub

import (
	"context"
	"crypto/sha1" //nolint:gosec // git names its objects so
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
)

// parseSize reads a number of bytes.
func parseSize(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %q is no size", ErrAnswer, clip(text))
	}
	return n, nil
}

// verify compares a file with the size and the hash that the hub stated. Its
// error wraps [ErrCorrupt] where they differ.
func verify(ctx context.Context, path string, want remoteFile) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var h hash.Hash
	if len(want.hash) == sha256Length {
		h = sha256.New()
	} else {
		h = sha1.New() //nolint:gosec // as above
		fmt.Fprintf(h, "blob %d\x00", want.size)
	}
	n, err := io.Copy(h, contextReader{ctx, f})
	if err != nil {
		return err
	}
	if n != want.size {
		return fmt.Errorf("%s: %w: %d bytes instead of %d", want.name, ErrCorrupt, n, want.size)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want.hash {
		return fmt.Errorf("%s: %w: its hash is %s, not %s", want.name, ErrCorrupt, got, want.hash)
	}
	return nil
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
