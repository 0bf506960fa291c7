package weights

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"

	"hone/engine/tokenizer"
)

// ggufAlign is what tensors of a written file are aligned to, the default.
const ggufAlign = 32

// ggufEncoding is how values are written as a type of ggml.
type ggufEncoding struct {
	kind   uint32 // the type's number
	dtype  *dtype
	encode func(dst []byte, src []float32) // whole blocks
}

var (
	ggufF32Encoding  = ggufEncoding{0, f32, encodeF32}
	ggufF16Encoding  = ggufEncoding{1, f16, encodeF16}
	ggufBF16Encoding = ggufEncoding{30, bf16, encodeBF16}
	ggufQ8_0Encoding = ggufEncoding{8, q8_0, encodeQ8_0}
	ggufQ4_1Encoding = ggufEncoding{3, q4_1, encodeQ4_1}
)

// ggufEncodings are the types that a model is written in, with the number of
// general.file_type that says so.
var ggufEncodings = map[string]struct {
	matrices ggufEncoding
	embed    ggufEncoding // of the embedding and the head, which suffer most
	fileType uint32
}{
	"F32":  {ggufF32Encoding, ggufF32Encoding, 0},
	"BF16": {ggufBF16Encoding, ggufBF16Encoding, 32},
	"F16":  {ggufF16Encoding, ggufF16Encoding, 1},
	"Q8_0": {ggufQ8_0Encoding, ggufQ8_0Encoding, 7},
	"Q4_1": {ggufQ4_1Encoding, ggufQ8_0Encoding, 3},
}

// ggufTensorOut is a tensor on its way to a file: its name there, and that of what it is
// read from.
type ggufTensorOut struct {
	name, from string
	shape      []int // outermost first
	heads      int   // > 0: rows, of a vector values, are permuted in this many heads
	encoding   ggufEncoding
}

// GGUFText is what a GGUF file says beside configuration and tokenizer.
type GGUFText struct {
	Name         string // what the model is called
	ChatTemplate string // Jinja; "" = none
}

// WriteGGUF writes a model as a GGUF file whose matrices are F32, BF16, F16, Q8_0 or Q4_1: what
// does not fill whole blocks is F16, norms and biases are F32, and beside Q4_1 the embedding is Q8_0.
// Query and key rows are permuted as llama.cpp wants them. A tied head is left out. v is
// the tokenizer, one text for each row of the embedding. tensor is as in [WriteModel].
func WriteGGUF(path string, c Config, dtype string, text GGUFText, v tokenizer.Vocabulary, tensor func(name string, shape []int) ([]float32, error)) error {
	err := CheckGGUF(c)
	as, known := ggufEncodings[dtype]
	switch {
	case err != nil:
	case !known:
		err = unsupported("writing GGUF of type %q (what works: F32, BF16, F16, Q8_0, Q4_1)", dtype)
	case v.Model != tokenizer.ModelBytes && v.Model != tokenizer.ModelScores:
		err = unsupported("writing a tokenizer model %q", v.Model)
	case len(v.Tokens) != c.Vocab:
		err = corrupt("a vocabulary of %d tokens for a model of %d", len(v.Tokens), c.Vocab)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	var h ggufHeader
	arch := ggufArchName(c)
	h.str("general.architecture", arch)
	h.str("general.type", "model")
	h.str("general.name", text.Name)
	h.u32("general.file_type", as.fileType)
	h.u32("general.quantization_version", 2)
	for _, k := range []struct {
		key   string
		value int
	}{
		{"vocab_size", c.Vocab},
		{"context_length", c.MaxPositions},
		{"embedding_length", c.Hidden},
		{"block_count", c.Layers},
		{"feed_forward_length", c.FFN},
		{"attention.head_count", c.Heads},
		{"attention.head_count_kv", c.KVHeads},
		{"attention.key_length", c.HeadDim},
		{"attention.value_length", c.HeadDim},
		{"rope.dimension_count", c.HeadDim},
	} {
		h.u32(arch+"."+k.key, uint32(k.value))
	}
	h.f32(arch+".rope.freq_base", float32(c.RopeTheta))
	h.f32(arch+".attention.layer_norm_rms_epsilon", float32(c.NormEps))
	if c.RopeScaling.Kind == ScaleLinear {
		h.str(arch+".rope.scaling.type", ScaleLinear)
		h.f32(arch+".rope.scaling.factor", float32(c.RopeScaling.Factor))
	}
	h.vocabulary(c, v)
	if text.ChatTemplate != "" {
		h.str("tokenizer.chat_template", text.ChatTemplate)
	}

	names := map[string]string{}
	for theirs, ours := range ggufTop {
		names[ours] = theirs
	}
	for theirs, ours := range ggufLayer {
		names[ours] = theirs
	}
	var tensors []ggufTensorOut
	if c.RopeScaling.Kind == ScaleLlama3 {
		factors := c.ropeFactors()
		tensors = append(tensors, ggufTensorOut{name: ggufRopeFactors, from: ggufRopeFactors, shape: []int{len(factors)}, encoding: ggufF32Encoding})
		of := tensor
		tensor = func(name string, shape []int) ([]float32, error) {
			if name == ggufRopeFactors {
				return factors, nil
			}
			return of(name, shape)
		}
	}
	for _, t := range ExpectedTensors(c) {
		out := ggufTensorOut{from: t.Name, shape: t.Shape, encoding: as.matrices, name: names[t.Name]}
		if rest, ok := strings.CutPrefix(t.Name, "model.layers."); ok {
			layer, part, _ := strings.Cut(rest, ".")
			out.name = "blk." + layer + "." + names[part]
			out.heads = ggufHeads(c, names[part])
		}
		switch {
		case len(t.Shape) == 1:
			out.encoding = ggufF32Encoding
		case t.Name == embeddingName || t.Name == headName:
			out.encoding = as.embed
		}
		if t.Shape[len(t.Shape)-1]%out.encoding.dtype.values != 0 {
			out.encoding = ggufF16Encoding
		}
		tensors = append(tensors, out)
	}
	return writeGGUF(path, h, tensors, tensor)
}

// vocabulary says the tokenizer.
func (h *ggufHeader) vocabulary(c Config, v tokenizer.Vocabulary) {
	h.str("tokenizer.ggml.model", v.Model)
	h.strs("tokenizer.ggml.tokens", v.Tokens)
	h.i32s("tokenizer.ggml.token_type", v.Types)
	if v.Model == tokenizer.ModelScores {
		h.str("tokenizer.ggml.pre", "default")
		h.f32s("tokenizer.ggml.scores", v.Scores)
		h.boolean("tokenizer.ggml.add_space_prefix", v.SpacePrefix)
		if v.Metaspace != "" {
			h.str(ggufMetaspace, v.Metaspace)
		}
	} else {
		h.str("tokenizer.ggml.pre", v.Pre)
	}
	if v.Model == tokenizer.ModelBytes || len(v.Merges) > 0 {
		h.strs("tokenizer.ggml.merges", v.Merges)
	}
	bos := int(c.BOS)
	if v.AddBOS {
		bos = v.BOS // what texts begin with counts
	}
	if bos >= 0 {
		h.u32("tokenizer.ggml.bos_token_id", uint32(bos))
	}
	for i, id := range c.EOS {
		h.u32(ggufEnds[i], uint32(id))
	}
	h.boolean("tokenizer.ggml.add_bos_token", v.AddBOS)
}

// writeGGUF writes header and tensors beside path, synced, and renames it.
func writeGGUF(path string, h ggufHeader, tensors []ggufTensorOut, tensor func(string, []int) ([]float32, error)) error {
	f, err := createBeside(path)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	w := &ggufWriter{out: bufio.NewWriterSize(f, 1<<20)}
	if err = w.all(h, tensors, tensor); err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		discard(f)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := commit(f, path); err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

type ggufWriter struct {
	out *bufio.Writer
	at  int64
	row []byte
}

func (w *ggufWriter) write(b []byte) error {
	w.at += int64(len(b))
	_, err := w.out.Write(b)
	return err
}

// pad fills up to the alignment.
func (w *ggufWriter) pad() error {
	return w.write(make([]byte, -w.at&(ggufAlign-1)))
}

func (w *ggufWriter) all(h ggufHeader, tensors []ggufTensorOut, tensor func(string, []int) ([]float32, error)) error {
	if err := w.write(h.bytes(tensors)); err != nil {
		return err
	}
	if err := w.pad(); err != nil {
		return err
	}
	for _, t := range tensors {
		data, err := tensor(t.from, t.shape)
		if err != nil {
			return err
		}
		if n, _ := elements(t.shape); n != int64(len(data)) {
			return corrupt("%d values do not fill %s %v", len(data), t.from, t.shape)
		}
		if err := ScanNonFinite(t.from, data); err != nil {
			return err
		}
		if err := w.tensor(t, data); err != nil {
			return err
		}
		if err := w.pad(); err != nil {
			return err
		}
	}
	return nil
}

// tensor writes the rows in the file's order.
func (w *ggufWriter) tensor(t ggufTensorOut, data []float32) error {
	cols := t.shape[len(t.shape)-1]
	if t.heads > 0 && len(t.shape) == 1 {
		cols = 1
	}
	rows := len(data) / cols
	from := make([]int, rows) // by row of the file
	for r := range from {
		if t.heads > 0 {
			from[permutedRow(r, rows, t.heads)] = r
		} else {
			from[r] = r
		}
	}
	size, _ := t.encoding.dtype.size(int64(cols))
	if int64(cap(w.row)) < size {
		w.row = make([]byte, size)
	}
	back := make([]float32, cols)
	for _, r := range from {
		b := w.row[:size]
		t.encoding.encode(b, data[r*cols:(r+1)*cols])
		t.encoding.dtype.decode(back, b)
		if i := t.encoding.dtype.firstNonFinite(back, b); i >= 0 { // too large for the type
			return &NonFiniteError{Tensor: t.from, Index: r*cols + i, Value: back[i]}
		}
		if err := w.write(b); err != nil {
			return err
		}
	}
	return nil
}

// ggufHeader collects metadata in the order in which it is written.
type ggufHeader struct {
	text []byte
	n    uint64
}

func (h *ggufHeader) key(name string, kind uint32) {
	h.n++
	h.text = appendGGUFString(h.text, name)
	h.text = binary.LittleEndian.AppendUint32(h.text, kind)
}

func appendGGUFString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

func (h *ggufHeader) str(key, v string) {
	h.key(key, ggufString)
	h.text = appendGGUFString(h.text, v)
}

func (h *ggufHeader) u32(key string, v uint32) {
	h.key(key, ggufU32)
	h.text = binary.LittleEndian.AppendUint32(h.text, v)
}

func (h *ggufHeader) f32(key string, v float32) {
	h.key(key, ggufF32)
	h.text = binary.LittleEndian.AppendUint32(h.text, math.Float32bits(v))
}

func (h *ggufHeader) boolean(key string, v bool) {
	h.key(key, ggufBool)
	b := byte(0)
	if v {
		b = 1
	}
	h.text = append(h.text, b)
}

func (h *ggufHeader) array(key string, kind uint32, n int) {
	h.key(key, ggufArrayType)
	h.text = binary.LittleEndian.AppendUint32(h.text, kind)
	h.text = binary.LittleEndian.AppendUint64(h.text, uint64(n))
}

func (h *ggufHeader) strs(key string, v []string) {
	h.array(key, ggufString, len(v))
	for _, s := range v {
		h.text = appendGGUFString(h.text, s)
	}
}

func (h *ggufHeader) i32s(key string, v []int32) {
	h.array(key, ggufI32, len(v))
	for _, x := range v {
		h.text = binary.LittleEndian.AppendUint32(h.text, uint32(x))
	}
}

func (h *ggufHeader) f32s(key string, v []float32) {
	h.array(key, ggufF32, len(v))
	for _, x := range v {
		h.text = binary.LittleEndian.AppendUint32(h.text, math.Float32bits(x))
	}
}

// bytes is the header with the places of the tensors.
func (h *ggufHeader) bytes(tensors []ggufTensorOut) []byte {
	b := binary.LittleEndian.AppendUint32(nil, ggufMagic)
	b = binary.LittleEndian.AppendUint32(b, 3)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(tensors)))
	b = binary.LittleEndian.AppendUint64(b, h.n)
	b = append(b, h.text...)
	at := int64(0)
	for _, t := range tensors {
		b = appendGGUFString(b, t.name)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.shape)))
		for i := len(t.shape) - 1; i >= 0; i-- { // innermost first
			b = binary.LittleEndian.AppendUint64(b, uint64(t.shape[i]))
		}
		b = binary.LittleEndian.AppendUint32(b, t.encoding.kind)
		b = binary.LittleEndian.AppendUint64(b, uint64(at))
		n, _ := elements(t.shape)
		size, _ := t.encoding.dtype.size(n)
		at += (size + ggufAlign - 1) &^ (ggufAlign - 1)
	}
	return b
}
