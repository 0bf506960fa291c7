package weights

import (
	"errors"
	"fmt"
)

var (
	// ErrUnsupported is wrapped where a sound file asks for something the engine
	// does not compute: another architecture or rope scaling, a dtype. The message
	// names it and lists what works.
	ErrUnsupported = errors.New("unsupported")
	// ErrCorrupt is wrapped where a file contradicts itself or its format: cut
	// short, sizes that do not add up, tensors missing or of the wrong shape.
	ErrCorrupt = errors.New("corrupt")
	// ErrNonFinite is wrapped by [NonFiniteError].
	ErrNonFinite = errors.New("non-finite weight")
)

// NonFiniteError names the first NaN or infinity of a tensor. It wraps [ErrNonFinite].
type NonFiniteError struct {
	Tensor string
	Index  int // row-major
	Value  float32
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%v: %s[%d] is %v", ErrNonFinite, e.Tensor, e.Index, e.Value)
}

// Unwrap returns [ErrNonFinite].
func (e *NonFiniteError) Unwrap() error { return ErrNonFinite }

const works = "what works: SmolLM, SmolLM2, Llama, Mistral, Qwen2, Qwen2.5 and Qwen3 models, rope scaling linear and llama3"

// unsupported wraps ErrUnsupported around a message.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

// corrupt wraps ErrCorrupt around a message.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
