package weights

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// ggufFile builds GGUF files for tests, sound ones and others.
type ggufFile struct {
	version uint32
	keys    []ggufKey
	tensors []ggufTensor
	align   int
}

type ggufKey struct {
	name  string
	value any // string, uint32, int32, uint64, float32, bool, []string, []int32, rawValue
}

// rawValue is a value with its type, spelled out.
type rawValue []byte

type ggufTensor struct {
	name string
	dims []uint64 // innermost first
	kind uint32
	data []byte
}

func (f *ggufFile) set(name string, value any) {
	for i := range f.keys {
		if f.keys[i].name == name {
			f.keys[i].value = value
			return
		}
	}
	f.keys = append(f.keys, ggufKey{name, value})
}

func (f *ggufFile) unset(name string) {
	for i := range f.keys {
		if f.keys[i].name == name {
			f.keys = append(f.keys[:i], f.keys[i+1:]...)
			return
		}
	}
}

func (f *ggufFile) tensor(name string) *ggufTensor {
	for i := range f.tensors {
		if f.tensors[i].name == name {
			return &f.tensors[i]
		}
	}
	return nil
}

// add adds a vector of float32 at the end; values that are not given are 0.
func (f *ggufFile) add(name string, n int, values ...float32) {
	t := ggufTensor{name: name, dims: []uint64{uint64(n)}, data: make([]byte, 4*n)}
	encodeF32(t.data, values)
	f.tensors = append(f.tensors, t)
}

func putU32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func putU64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }
func putStr(b []byte, s string) []byte { return append(putU64(b, uint64(len(s))), s...) }

func (f *ggufFile) bytes() []byte {
	b := putU32([]byte("GGUF"), f.version)
	b = putU64(putU64(b, uint64(len(f.tensors))), uint64(len(f.keys)))
	for _, k := range f.keys {
		b = putStr(b, k.name)
		switch v := k.value.(type) {
		case string:
			b = putStr(putU32(b, ggufString), v)
		case uint32:
			b = putU32(putU32(b, ggufU32), v)
		case int32:
			b = putU32(putU32(b, ggufI32), uint32(v))
		case uint64:
			b = putU64(putU32(b, ggufU64), v)
		case float32:
			b = putU32(putU32(b, ggufF32), math.Float32bits(v))
		case bool:
			b = append(putU32(b, ggufBool), map[bool]byte{true: 1}[v])
		case []string:
			b = putU64(putU32(putU32(b, ggufArrayType), ggufString), uint64(len(v)))
			for _, s := range v {
				b = putStr(b, s)
			}
		case []int32:
			b = putU64(putU32(putU32(b, ggufArrayType), ggufI32), uint64(len(v)))
			for _, n := range v {
				b = putU32(b, uint32(n))
			}
		case rawValue:
			b = append(b, v...)
		default:
			panic("unknown kind of value")
		}
	}
	pad := func(n int) int { return (n + f.align - 1) / f.align * f.align }
	at := 0
	for _, t := range f.tensors {
		b = putU32(putStr(b, t.name), uint32(len(t.dims)))
		for _, d := range t.dims {
			b = putU64(b, d)
		}
		b = putU64(putU32(b, t.kind), uint64(at))
		at = pad(at + len(t.data))
	}
	for i, t := range f.tensors {
		b = append(b, make([]byte, pad(len(b))-len(b))...)
		b = append(b, t.data...)
		if i == len(f.tensors)-1 {
			break
		}
	}
	return b
}

// write writes the file and returns its path.
func (f *ggufFile) write(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, f.bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyConfig is a model whose rows are whole blocks in every tensor.
var tinyConfig = Config{
	Architecture: "llama", Hidden: 64, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 96, Vocab: 40,
	MaxPositions: 128, RopeTheta: 10000, NormEps: 1e-5, Tied: true, EOS: []int32{2}, BOS: 1,
}

// kinds is the type of every tensor of tinyGGUF, so that all six are there.
var tinyKinds = map[string]uint32{
	"token_embd": 8, "output_norm": 0, "output": 1, "attn_norm": 0, "ffn_norm": 0,
	"attn_q": 3, "attn_k": 2, "attn_v": 8, "attn_output": 30, "ffn_gate": 1, "ffn_up": 3, "ffn_down": 2,
}

// tinyGGUF builds a sound file of c with random blocks.
func tinyGGUF(c Config) *ggufFile {
	f := &ggufFile{version: 3, align: 32}
	f.set("general.architecture", "llama")
	f.set("llama.embedding_length", uint32(c.Hidden))
	f.set("llama.block_count", uint32(c.Layers))
	f.set("llama.attention.head_count", uint32(c.Heads))
	f.set("llama.attention.head_count_kv", uint32(c.KVHeads))
	f.set("llama.feed_forward_length", uint32(c.FFN))
	f.set("llama.context_length", uint32(c.MaxPositions))
	f.set("llama.rope.freq_base", float32(c.RopeTheta))
	f.set("llama.attention.layer_norm_rms_epsilon", float32(c.NormEps))
	f.set("tokenizer.ggml.bos_token_id", uint32(c.BOS))
	f.set("tokenizer.ggml.eos_token_id", uint32(c.EOS[0]))
	r := newRandom(7)
	add := func(name, part string, out, in int) {
		kind := tinyKinds[part]
		d := ggmlTypes[kind]
		dims := []uint64{uint64(in)}
		n := in
		if out > 0 {
			dims = append(dims, uint64(out))
			n *= out
		}
		f.tensors = append(f.tensors, ggufTensor{name, dims, kind, r.blocks(d, n/d.values)})
	}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	add("token_embd.weight", "token_embd", c.Vocab, c.Hidden)
	for l := range c.Layers {
		p := "blk." + string(rune('0'+l)) + "."
		add(p+"attn_norm.weight", "attn_norm", 0, c.Hidden)
		add(p+"attn_q.weight", "attn_q", q, c.Hidden)
		add(p+"attn_k.weight", "attn_k", kv, c.Hidden)
		add(p+"attn_v.weight", "attn_v", kv, c.Hidden)
		add(p+"attn_output.weight", "attn_output", c.Hidden, q)
		add(p+"ffn_norm.weight", "ffn_norm", 0, c.Hidden)
		add(p+"ffn_gate.weight", "ffn_gate", c.FFN, c.Hidden)
		add(p+"ffn_up.weight", "ffn_up", c.FFN, c.Hidden)
		add(p+"ffn_down.weight", "ffn_down", c.Hidden, c.FFN)
	}
	add("output_norm.weight", "output_norm", 0, c.Hidden)
	if !c.Tied {
		add("output.weight", "output", c.Vocab, c.Hidden)
	}
	return f
}
