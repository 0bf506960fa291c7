package weights

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// Caps on what a GGUF header may hold, far above real files. They bound the memory
// that a hostile header can claim beside its own size.
const (
	ggufMagic      = 0x46554747 // "GGUF"
	maxGGUFEntries = 1 << 16    // metadata entries, tensors
	maxGGUFString  = 16 << 20
	maxGGUFName    = 1 << 10 // keys and tensor names
	maxGGUFArray   = 1 << 24 // elements
	maxGGUFDims    = 4
	maxGGUFAlign   = 1 << 20
)

// gguf is the header of a file: metadata and where the tensors are.
type gguf struct {
	values  map[string]any // uint64, int64, float32, float64, bool, string, ggufArray
	regions []region       // in file order, by GGUF name
	data    int64          // offset of the tensor data
	arch    string         // general.architecture, once it was checked
	file    *source
}

// key is a key of the architecture's own.
func (g *gguf) key(name string) string { return g.arch + "." + name }

// ggufArray is an array of metadata. Only the tokenizer's are kept.
type ggufArray struct {
	kind    uint32
	n       int
	strings []string
	ints    []int32
	floats  []float32
}

// keepArray tells the arrays that are read into memory.
func keepArray(key string) bool {
	switch key {
	case "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type", "tokenizer.ggml.scores":
		return true
	}
	return false
}

// ggmlTypes are the readable tensor types by their number in the file.
var ggmlTypes = map[uint32]*dtype{0: f32, 1: f16, 2: q4_0, 3: q4_1, 6: q5_0, 7: q5_1, 8: q8_0, 12: q4_k, 13: q5_k, 14: q6_k, 30: bf16}

// ggmlNames names the other types of ggml for refusals.
var ggmlNames = map[uint32]string{
	9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K",
	16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
	24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

// parseGGUF reads a header. The tensors are checked against each other but not
// against the size of the file: place does that.
func parseGGUF(s *source) (*gguf, error) {
	r := &ggufReader{r: bufio.NewReaderSize(io.NewSectionReader(s, 0, s.size), 1<<16), left: s.size}
	magic, version := r.u32(), r.u32()
	if r.err != nil || magic != ggufMagic {
		return nil, corrupt("not a GGUF file")
	}
	switch {
	case version&0xffff == 0 && version != 0:
		return nil, unsupported("a big-endian GGUF file (what works: little-endian, version 2 and 3)")
	case version != 2 && version != 3:
		return nil, unsupported("GGUF version %d (what works: 2 and 3)", version)
	}
	tensors, entries := r.u64(), r.u64()
	if r.err == nil && (tensors > maxGGUFEntries || entries > maxGGUFEntries) {
		return nil, corrupt("%d tensors and %d metadata entries are more than the %d allowed", tensors, entries, maxGGUFEntries)
	}
	g := &gguf{values: map[string]any{}, file: s}
	for range entries {
		key := r.str(maxGGUFName)
		v := r.value(key)
		if r.err != nil {
			return nil, r.err
		}
		if _, twice := g.values[key]; twice {
			return nil, corrupt("metadata has the key %q twice", clip(key))
		}
		g.values[key] = v
	}
	names := map[string]bool{}
	for range tensors {
		t, err := r.tensor()
		if err != nil {
			return nil, err
		}
		if names[t.name] {
			return nil, corrupt("tensor %s is there twice", clip(t.name))
		}
		names[t.name] = true
		g.regions = append(g.regions, t)
	}
	if r.err != nil {
		return nil, r.err
	}
	return g, g.place(s.size-r.left, s.size)
}

// place checks that the tensors lie one after the other, each padded to the
// alignment, and makes their offsets absolute.
func (g *gguf) place(header, size int64) error {
	align, err := g.integer("general.alignment", 32)
	if err != nil {
		return err
	}
	if align < 8 || align > maxGGUFAlign || align&(align-1) != 0 {
		return corrupt("general.alignment is %d, not a power of two from 8 to %d", align, maxGGUFAlign)
	}
	pad := func(n int64) int64 { return (n + align - 1) &^ (align - 1) }
	g.data = pad(header)
	slices.SortStableFunc(g.regions, func(a, b region) int {
		if a.off == b.off {
			return 0
		}
		return cmp64(a.off, b.off)
	})
	at := int64(0)
	for i := range g.regions {
		t := &g.regions[i]
		if t.off != at {
			return corrupt("tensor %s starts at %d, the one before it ends at %d", clip(t.name), t.off, at)
		}
		if t.size > math.MaxInt64-g.data-at-align {
			return corrupt("tensor %s is too large", clip(t.name))
		}
		at = pad(at + t.size)
		t.off += g.data
	}
	return nil
}

// checkSize checks that all tensors are within a file of size bytes.
func (g *gguf) checkSize(size int64) error {
	for _, t := range g.regions {
		if t.off > size || t.size > size-t.off {
			return corrupt("the file ends within tensor %s: it needs %d bytes at %d, the file has %d", clip(t.name), t.size, t.off, size)
		}
	}
	return nil
}

// ggufReader reads a header front to back. After the first error, which stays in
// err, everything reads as zero.
type ggufReader struct {
	r    *bufio.Reader
	left int64 // bytes to the end of the file
	buf  [8]byte
	err  error
}

func (r *ggufReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// claim takes n bytes off what is left, failing if the file is shorter.
func (r *ggufReader) claim(n int64) bool {
	if r.err == nil && (n < 0 || n > r.left) {
		r.fail(corrupt("the file ends within its header"))
	}
	if r.err != nil {
		return false
	}
	r.left -= n
	return true
}

func (r *ggufReader) fill(b []byte) bool {
	if !r.claim(int64(len(b))) {
		return false
	}
	if _, err := io.ReadFull(r.r, b); err != nil {
		r.fail(err)
		return false
	}
	return true
}

func (r *ggufReader) take(n int) []byte {
	b := r.buf[:n]
	clear(b)
	r.fill(b)
	return b
}

func (r *ggufReader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *ggufReader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// str reads a string of at most limit bytes.
func (r *ggufReader) str(limit uint64) string {
	n := r.u64()
	if r.err == nil && n > limit {
		r.fail(corrupt("a string of %d bytes is over the limit of %d", n, limit))
	}
	if r.err != nil || int64(n) > r.left {
		r.claim(int64(n))
		return ""
	}
	b := make([]byte, n)
	r.fill(b)
	return string(b)
}

func (r *ggufReader) skip(n int64) {
	if !r.claim(n) {
		return
	}
	for n > 0 && r.err == nil {
		k, err := r.r.Discard(int(min(n, 1<<30)))
		n -= int64(k)
		if err != nil {
			r.fail(err)
		}
	}
}

// tensor reads one tensor info. GGUF lists the innermost dimension first.
func (r *ggufReader) tensor() (region, error) {
	t := region{name: r.str(maxGGUFName)}
	dims := r.u32()
	if r.err == nil && (dims < 1 || dims > maxGGUFDims) {
		return t, corrupt("tensor %s has %d dimensions", clip(t.name), dims)
	}
	for range dims {
		d := r.u64()
		if d > math.MaxInt {
			return t, corrupt("tensor %s has a dimension of %d", clip(t.name), d)
		}
		t.shape = append(t.shape, int(d))
	}
	kind, off := r.u32(), r.u64()
	if r.err != nil {
		return t, r.err
	}
	slices.Reverse(t.shape)
	t.dtype = ggmlTypes[kind]
	if t.dtype == nil {
		if name, ok := ggmlNames[kind]; ok {
			return t, unsupported("type %s of tensor %s (what works: F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_0, Q5_1, Q4_K, Q4_0, Q4_1)", name, clip(t.name))
		}
		return t, unsupported("type %d of tensor %s (what works: F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_0, Q5_1, Q4_K, Q4_0, Q4_1)", kind, clip(t.name))
	}
	t.kind = t.dtype.name
	n, ok := elements(t.shape)
	if !ok || n == 0 {
		return t, corrupt("tensor %s has the shape %v", clip(t.name), t.shape)
	}
	if t.shape[len(t.shape)-1]%t.dtype.values != 0 {
		return t, corrupt("rows of %d in tensor %s do not fill blocks of %s", t.shape[len(t.shape)-1], clip(t.name), t.kind)
	}
	if t.size, ok = t.dtype.size(n); !ok || off > math.MaxInt64 {
		return t, corrupt("tensor %s is too large: %v at %d", clip(t.name), t.shape, off)
	}
	t.off = int64(off)
	return t, nil
}
