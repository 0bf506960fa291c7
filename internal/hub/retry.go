package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxTries = 6                // of one request in a row, without progress
	maxDials = 3                // of these, where there is no connection at all
	maxPause = 30 * time.Second // between two of them
	maxAsked = 5 * time.Minute  // that the hub may ask to wait
)

// transient is an error that may be gone the next time.
type transient struct {
	error
	wait time.Duration // at least, as the hub asked
}

func (e transient) Unwrap() error { return e.error }

// try repeats a piece of work while it fails for reasons that pass. gained says
// that something was achieved since the last failure, so that a long download may
// be cut more often than a short one.
func (c *Client) try(ctx context.Context, gained func() bool, work func() error) error {
	for failures := 0; ; {
		err := work()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var passing transient
		if err == nil || !errors.As(err, &passing) {
			return err
		}
		if gained() {
			failures = 0
		}
		failures++
		limit := maxTries
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			limit = maxDials
		}
		if failures >= limit {
			return passing.error
		}
		pause := min(maxPause, time.Second<<(failures-1))
		pause = pause/2 + time.Duration(c.jitter()*float64(pause/2))
		if passing.wait > maxAsked {
			return withHint(passing.error, fmt.Sprintf("the hub asks to wait %s: try again then", passing.wait.Round(time.Second)))
		}
		if err := c.sleep(ctx, max(pause, passing.wait)); err != nil {
			return err
		}
	}
}

func never() bool { return false }

// networkError tells failures that pass from those that do not.
func networkError(ctx context.Context, err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnsafe), errors.Is(err, ErrAnswer):
		return err
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	return transient{error: withHint(err, "what came is kept; models in the cache need no network (hone pull --list)")}
}

// status makes an error of an answer that is not the one that was asked for.
func (c *Client) status(a *answer, ref Ref, what string) error {
	code := a.Header.Get("X-Error-Code")
	switch a.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return c.denied(a.StatusCode, code, ref)
	case http.StatusNotFound, http.StatusGone:
		err := fmt.Errorf("%s: %w", what, ErrNotFound)
		switch code {
		case "RevisionNotFound":
			return withHint(err, fmt.Sprintf("%s has no revision %q: leave out @%s for its main branch", ref.ID, ref.revision(), ref.revision()))
		case "EntryNotFound":
			return withHint(err, "the repository has no such file")
		}
		return withHint(err, "check the spelling of org/name and the revision")
	case http.StatusTooManyRequests:
		err := withHint(fmt.Errorf("%s: %w", what, ErrBusy), "wait a while, or set HF_TOKEN: the hub allows more to whom it knows")
		return transient{err, c.retryAfter(a)}
	}
	err := fmt.Errorf("%s: %w: status %d", what, ErrAnswer, a.StatusCode)
	if a.StatusCode >= 500 || a.StatusCode == http.StatusRequestTimeout {
		return transient{withHint(err, "the hub has a problem of its own: try again later; what came is kept"), c.retryAfter(a)}
	}
	return err
}

func (c *Client) denied(status int, code string, ref Ref) error {
	err := fmt.Errorf("%s: %w: status %d", ref, ErrDenied, status)
	page := c.settings.Endpoint + "/" + ref.ID
	switch {
	case code == "GatedRepo" && c.settings.Token == "":
		return withHint(err, "it is gated: accept its terms at "+page+", then set HF_TOKEN to a token of that account")
	case code == "GatedRepo":
		return withHint(err, "it is gated: accept its terms at "+page+" with the account that the token belongs to")
	case c.settings.Token == "":
		return withHint(err, "it does not exist, or it is private or gated: check the spelling, or set HF_TOKEN to a token that may read it")
	case !private(c.endpoint):
		return withHint(err, "the token was not sent, because HF_ENDPOINT is plain http")
	}
	return withHint(err, "it does not exist, or the token (HF_TOKEN, or the file that huggingface-cli login wrote) may not read it")
}

// retryAfter is how long the hub asks to wait: seconds or a date.
func (c *Client) retryAfter(a *answer) time.Duration {
	text := strings.TrimSpace(a.Header.Get("Retry-After"))
	if s, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(c.now()))
	}
	return 0
}
