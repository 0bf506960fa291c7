package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"hone/engine/tokenizer"
)

// Model is an opened set of weights. Its methods may be called concurrently.
//
// The files are mapped while the model is open. They should not be changed
// meanwhile: a file that becomes shorter is reported as [ErrCorrupt] by the next
// read that touches the missing part, one whose bytes are overwritten in place
// goes unnoticed. Files that are replaced by renaming do no harm.
type Model struct {
	Config Config
	Path   string // as given to Open
	Format string // "safetensors" or "gguf"

	names     []string // in the order of ExpectedTensors
	tensors   map[string]stored
	sources   []*source
	headers   [][2]int64 // per source: offset and length of its header, for Hash
	tokens    string     // path of tokenizer.json
	vocab     *tokenizer.Vocabulary
	noVocab   error // why vocab is nil in a GGUF
	mu        sync.RWMutex
	closed    bool
	chunkSize int // values decoded at a time; set by tests
}

// stored is a tensor of the model and where its bytes are.
type stored struct {
	region
	source *source
	heads  int // > 0: rows are permuted as llama.cpp does, in this many heads
}

// Close releases the files. Reading afterwards is an error.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	var errs []error
	for _, s := range m.sources {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// Names lists the tensors by their Hugging Face names, in the order embedding,
// layers, final norm, head. A tied head is not listed.
func (m *Model) Names() []string { return slices.Clone(m.names) }

// Shape returns the shape of a tensor, outermost first: [out, in] of a linear
// layer, [vocab, hidden] of the embedding, [hidden] of a norm.
func (m *Model) Shape(name string) ([]int, error) {
	t, err := m.find(name)
	return slices.Clone(t.shape), err
}

// DType names how a tensor is stored: F32, F16, BF16, Q8_0, Q4_0 or Q4_1; empty
// for an unknown name.
func (m *Model) DType(name string) string { return m.tensors[name].kind }

// TokenizerFile returns the path of the tokenizer.json beside safetensors, empty
// if there is none.
func (m *Model) TokenizerFile() string { return m.tokens }

func (m *Model) find(name string) (stored, error) {
	t, ok := m.tensors[name]
	if !ok {
		return t, fmt.Errorf("%s has no tensor %q: %w", m.Path, name, fs.ErrNotExist)
	}
	return t, nil
}

// Float32 fills dst with a tensor: de-quantized, row-major in Hugging Face's
// orientation, the permutation of GGUF's query and key rows undone. dst has
// exactly the tensor's size.
//
// A tensor that holds a NaN or an infinity fills dst too, but returns a
// [*NonFiniteError] that names the first one.
func (m *Model) Float32(name string, dst []float32) error {
	t, err := m.find(name)
	if err != nil {
		return err
	}
	if n, _ := elements(t.shape); int64(len(dst)) != n {
		return fmt.Errorf("reading %s: %d values do not fit a tensor %v", name, len(dst), t.shape)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return fmt.Errorf("reading %s: %s is closed: %w", name, m.Path, fs.ErrClosed)
	}
	err = guard(t.source.path, func() error { return t.read(dst, m.chunkSize) })
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// read decodes the tensor in chunks that stay in the first cache level, looking
// for non-finite values while they are there.
func (t stored) read(dst []float32, chunk int) error {
	bad := -1
	err := t.chunks(chunk, len(dst), func(from int, src []byte, n int) {
		if t.heads == 0 {
			t.dtype.decode(dst[from:from+n], src)
			if i := t.dtype.firstNonFinite(dst[from:from+n], src); i >= 0 && bad < 0 {
				bad = from + i
			}
			return
		}
		cols := t.shape[1]
		rowBytes := len(src) / (n / cols)
		for r := from / cols; r < (from+n)/cols; r++ {
			at := unpermute(r, t.shape[0], t.heads) * cols
			row := dst[at : at+cols]
			t.dtype.decode(row, src[:rowBytes])
			if i := t.dtype.firstNonFinite(row, src[:rowBytes]); i >= 0 && (bad < 0 || at+i < bad) {
				bad = at + i
			}
			src = src[rowBytes:]
		}
	})
	if err == nil && bad >= 0 {
		err = &NonFiniteError{Tensor: t.name, Index: bad, Value: dst[bad]}
	}
	return err
}

// chunks passes the n values of a tensor to f in order, in whole blocks, and in
// whole rows if the rows are permuted.
func (t stored) chunks(chunk, n int, f func(from int, src []byte, n int)) error {
	unit := t.dtype.values
	if t.heads > 0 {
		unit = t.shape[1]
	}
	if chunk <= 0 {
		chunk = 4096
	}
	step := max(chunk/unit, 1) * unit
	most, _ := t.dtype.size(int64(min(step, n)))
	buf := t.source.scratch(most)
	off := t.off
	for from := 0; from < n; from += step {
		k := min(step, n-from)
		size, _ := t.dtype.size(int64(k))
		src, err := t.source.view(off, size, buf)
		if err != nil {
			return err
		}
		f(from, src, k)
		off += size
	}
	return nil
}

// unpermute returns the Hugging Face row of a row in a GGUF query or key matrix.
// llama.cpp turns the pairs (j, j+half) of a head into neighbours (2j, 2j+1).
func unpermute(row, rows, heads int) int {
	size := rows / heads
	head, in := row/size, row%size
	return head*size + in%2*(size/2) + in/2
}
