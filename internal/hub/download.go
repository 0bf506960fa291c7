package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// fetch brings one file into blobs/, going on with what came before. came is told
// how many bytes of the file are there, each time there are more. fetched is
// false where another process has brought it meanwhile.
func (c *Client) fetch(ctx context.Context, r repository, ref Ref, commit string, want remoteFile, came func(int64), waiting func()) (fetched bool, err error) {
	unlock, err := c.lock(ctx, r, want.hash, waiting)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	blob := r.blob(want.hash)
	if hasSize(blob, want.size) {
		came(want.size)
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
		return false, err
	}
	path := blob + incompleteEnd
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, err
	}
	d := &download{client: c, file: f, url: c.address(ref.ID, commit, want.name), ref: ref, want: want, came: came}
	err = d.run(ctx)
	err = errors.Join(err, f.Close())
	if err != nil {
		return false, err
	}
	if err := os.Rename(path, blob); err != nil {
		return false, err
	}
	return true, syncDir(filepath.Dir(blob))
}

func hasSize(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// download fills an unfinished file.
type download struct {
	client *Client
	file   *os.File
	url    string
	ref    Ref
	want   remoteFile
	came   func(int64)
	have   int64 // bytes in the file
	marked int64 // of these, at the last failure
	skip   int64 // bytes to come that the file has already
	whole  bool  // the hub does not send parts of this file
}

// worthwhile is how much has to come between two failures for the next to count
// as the first.
const worthwhile = 1 << 20

// run ends with the file whole, verified and synced. Content that was verified as
// wrong is thrown away and fetched once more: what was there from before may have
// been to blame.
func (d *download) run(ctx context.Context) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	if d.have = info.Size(); d.have > d.want.size {
		if err := d.restart(); err != nil {
			return err
		}
	}
	for range 2 {
		d.marked = d.have
		d.came(d.have)
		if err := d.client.try(ctx, d.gained, func() error { return d.transfer(ctx) }); err != nil {
			return err
		}
		if err = verify(ctx, d.file.Name(), d.want); err == nil {
			return d.file.Sync()
		}
		if !errors.Is(err, ErrCorrupt) {
			return err
		}
		if restartErr := d.restart(); restartErr != nil {
			return restartErr
		}
	}
	return withHint(err, "it came twice and was wrong twice; nothing of it was kept: a proxy may change it, or the hub has it wrong")
}

func (d *download) gained() bool {
	grew := d.have-d.marked >= worthwhile
	d.marked = d.have
	return grew
}

func (d *download) restart() error {
	d.have, d.marked = 0, 0
	return d.file.Truncate(0)
}

// transfer asks for what is missing and writes it behind what is there.
func (d *download) transfer(ctx context.Context) error {
	if d.have == d.want.size {
		return nil
	}
	from := d.have
	if d.whole {
		from = 0
	}
	a, err := d.client.send(ctx, request{method: http.MethodGet, url: d.url, from: from})
	if err != nil {
		return networkError(ctx, err)
	}
	defer a.close()
	if err := d.accept(a); err != nil {
		return err
	}
	return d.copy(ctx, a)
}

// accept checks that an answer goes on where the file ends, or begins with what the
// file has already: that is passed over, and nothing is lost should it be cut again.
func (d *download) accept(a *answer) error {
	what := d.ref.ID + ": " + d.want.name
	d.skip = 0
	switch a.StatusCode {
	case http.StatusOK: // all of it, whatever was asked for
		d.skip = d.have
	case http.StatusPartialContent:
		if from, total, ok := contentRange(a.Header.Get("Content-Range")); !ok || from != d.have || total >= 0 && total != d.want.size {
			return transient{error: fmt.Errorf("%s: %w: another range than that asked for", what, ErrAnswer)}
		}
	case http.StatusRequestedRangeNotSatisfiable:
		d.whole = true
		return transient{error: fmt.Errorf("%s: %w: status %d", what, ErrAnswer, a.StatusCode)}
	default:
		return d.client.status(a, d.ref, what)
	}
	if e := a.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return fmt.Errorf("%s: %w: it is encoded as %q", what, ErrAnswer, clip(e))
	}
	if to := d.want.size - d.have + d.skip; a.ContentLength >= 0 && a.ContentLength != to {
		return transient{error: fmt.Errorf("%s: %w: %d bytes are offered where %d should come", what, ErrCorrupt, a.ContentLength, to)}
	}
	return nil
}

// contentRange reads "bytes 5-9/10"; total is -1 where it is not said.
func contentRange(text string) (from, total int64, ok bool) {
	rest, ok := strings.CutPrefix(text, "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	first, _, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, false
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 {
		return 0, 0, false
	}
	if size == "*" {
		return from, -1, true
	}
	total, err = strconv.ParseInt(size, 10, 64)
	return from, total, err == nil && total >= 0
}

// copy writes an answer's body as far as the file's size. What came before a failure
// stays; whether it is right its hash says in the end.
func (d *download) copy(ctx context.Context, a *answer) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := a.body.Read(buffer)
		fresh := buffer[min(d.skip, int64(n)):n]
		d.skip -= int64(n - len(fresh))
		fresh = fresh[:min(d.want.size-d.have, int64(len(fresh)))]
		if len(fresh) > 0 {
			written, err := d.file.WriteAt(fresh, d.have)
			d.have += int64(written)
			if err != nil {
				return d.writeError(err)
			}
			d.came(d.have)
		}
		if d.have == d.want.size {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return networkError(ctx, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return networkError(ctx, err)
		}
	}
}

func (d *download) writeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return withHint(fmt.Errorf("%w: writing %s: %w", ErrSpace, d.file.Name(), err), "what came is kept: make room and pull again")
	}
	return err
}
