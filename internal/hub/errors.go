package hub

import "errors"

// What a pull can fail with. The error that wraps one says what was being done;
// [Hint] says what would help.
var (
	ErrOffline     = errors.New("the network is switched off")
	ErrNotFound    = errors.New("not on the hub")
	ErrDenied      = errors.New("the hub refuses access")
	ErrBusy        = errors.New("the hub asks for fewer requests")
	ErrUnreachable = errors.New("the hub cannot be reached")
	ErrAnswer      = errors.New("not what a hub answers")
	ErrCorrupt     = errors.New("what came is not what the hub announced")
	ErrUnsafe      = errors.New("refused")
	ErrUnsupported = errors.New("not a model that can be used")
	ErrSpace       = errors.New("too little space on the disk")
	ErrNotCached   = errors.New("not in the cache")
	ErrSettings    = errors.New("a setting cannot be used")
)

type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

func withHint(err error, hint string) error { return hintError{err, hint} }

// Hint is the advice that came with an error of this package, "" if none did.
func Hint(err error) string {
	var h hintError
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}
