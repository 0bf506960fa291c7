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
// The files are open, and should not be changed meanwhile: a file that becomes
// shorter is reported as [ErrCorrupt] by the next read that touches the missing
// part, one whose bytes are overwritten in place goes unnoticed. Files that are
// replaced by renaming do no harm.
type Model struct {
	Config Config
	Path   string // as given to Open; the name given to OpenFS
	Format string // "safetensors" or "gguf"

	names     []string // in the order of ExpectedTensors
	tensors   map[string]stored
	sources   []*source
	headers   [][2]int64 // per source: offset and length of its header, for Hash
	tokens    string     // tokenizer.json
	vocab     *tokenizer.Vocabulary
	noVocab   error // why vocab is nil in a GGUF
	chat      Chat  // of a GGUF
	mu        sync.RWMutex
	closed    bool
	chunkSize int // values decoded at a time; set by tests
}

// stored is a tensor of the model and where its bytes are.
type stored struct {
	region
	source *source
	heads  int // > 0: rows, of a vector values, are permuted as llama.cpp does, in this many heads
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

// DType names how a tensor is stored: F32, F16, BF16, Q8_0, Q4_K and so on; empty
// for an unknown name.
func (m *Model) DType(name string) string { return m.tensors[name].kind }

// TokenizerFile names the tokenizer.json beside safetensors, by its path unless the
// model was opened with [OpenFS]; empty if there is none.
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
	return m.read(t, 0, dst)
}

// Float32Rows is [Model.Float32] for consecutive rows of a matrix [out, in] (of a
// vector: values), as many as fill dst: so a large one is read through a small
// buffer.
func (m *Model) Float32Rows(name string, first int, dst []float32) error {
	t, err := m.find(name)
	if err != nil {
		return err
	}
	if cols := t.cols(); first < 0 || cols < 1 || len(dst)%cols != 0 || first > t.shape[0] || len(dst)/cols > t.shape[0]-first {
		return fmt.Errorf("reading %s: %d values from row %d do not lie in a tensor %v", name, len(dst), first, t.shape)
	}
	return m.read(t, first, dst)
}

// cols is how many values a row has: of a vector, one.
func (t stored) cols() int {
	if len(t.shape) == 2 {
		return t.shape[1]
	}
	return 1
}

func (m *Model) read(t stored, first int, dst []float32) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return fmt.Errorf("reading %s: %s is closed: %w", t.name, m.Path, fs.ErrClosed)
	}
	err := guard(t.source.path, func() error { return t.read(first, dst, m.chunkSize) })
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.name, err)
	}
	return nil
}

// read decodes the tensor from row first on in chunks that stay in the first
// cache level, looking for non-finite values while they are there.
func (t stored) read(first int, dst []float32, chunk int) error {
	bad := -1
	decode := func(from int, src []byte, n int) {
		t.dtype.decode(dst[from:from+n], src)
		if i := t.dtype.firstNonFinite(dst[from:from+n], src); i >= 0 && bad < 0 {
			bad = from + i
		}
	}
	var err error
	start := first * t.cols() // of dst in the tensor
	if t.heads == 0 {
		err = t.chunks(start, len(dst), chunk, decode)
	} else {
		cols := t.cols()
		buf := t.buffer(cols)
		for from := 0; from < len(dst) && err == nil; from += cols {
			row := permutedRow((start+from)/cols, t.shape[0], t.heads)
			var src []byte
			if src, err = t.view(row*cols, cols, buf); err == nil {
				decode(from, src, cols)
			}
		}
	}
	if err == nil && bad >= 0 {
		err = &NonFiniteError{Tensor: t.name, Index: start + bad, Value: dst[bad]}
	}
	return err
}

// chunks passes the n values of a tensor from the start-th on to f in order, in
// whole blocks.
func (t stored) chunks(start, n, chunk int, f func(from int, src []byte, n int)) error {
	if chunk <= 0 {
		chunk = 4096
	}
	step := max(chunk/t.dtype.values, 1) * t.dtype.values
	buf := t.buffer(min(step, n))
	for from := 0; from < n; from += step {
		k := min(step, n-from)
		src, err := t.view(start+from, k, buf)
		if err != nil {
			return err
		}
		f(from, src, k)
	}
	return nil
}

// buffer returns room for view to read n values, nil where none is needed.
func (t stored) buffer(n int) []byte {
	size, _ := t.dtype.size(int64(n))
	return t.source.scratch(size)
}

// view returns the bytes of n values from the start-th on: whole blocks.
func (t stored) view(start, n int, buf []byte) ([]byte, error) {
	off, whole := t.dtype.size(int64(start))
	size, ok := t.dtype.size(int64(n))
	if !whole || !ok {
		return nil, corrupt("%d values from %d on are not whole blocks of %s", n, start, t.kind)
	}
	return t.source.view(t.off+off, size, buf)
}

// permutedRow returns where a GGUF query or key matrix has a row of Hugging Face's.
// llama.cpp turns the pairs (j, j+half) of a head into neighbours (2j, 2j+1).
func permutedRow(row, rows, heads int) int {
	size := rows / heads
	head, in := row/size, row%size
	return head*size + in%(size/2)*2 + in/(size/2)
}
