package weights

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ggufName is the GGUF name of a Hugging Face tensor.
func ggufName(name string) string {
	for gguf, hf := range ggufTop {
		if hf == name {
			return gguf
		}
	}
	_, rest, _ := strings.Cut(name, "model.layers.")
	layer, part, _ := strings.Cut(rest, ".")
	for gguf, hf := range ggufLayer {
		if hf == part {
			return "blk." + layer + "." + gguf
		}
	}
	return ""
}

// permute is llama.cpp's W.reshape(heads, 2, rows/heads/2, cols).swapaxes(1, 2),
// index by index.
func permute(w []float32, rows, cols, heads int) []float32 {
	out := make([]float32, 0, len(w))
	half := rows / heads / 2
	for h := range heads {
		for j := range half {
			for p := range 2 {
				row := (h*2+p)*half + j
				out = append(out, w[row*cols:(row+1)*cols]...)
			}
		}
	}
	return out
}

// TestGGUFValues reads every tensor of a small file and compares with the
// reference, permuting the result instead of the source.
func TestGGUFValues(t *testing.T) {
	for _, tied := range []bool{true, false} {
		c := tinyConfig
		c.Tied = tied
		f := tinyGGUF(c)
		for _, version := range []uint32{2, 3} {
			f.version = version
			path := f.write(t)
			for _, mapped := range []bool{true, false} {
				m, err := open(path, mapped)
				if err != nil {
					t.Fatal(err)
				}
				if m.Config.Tied != tied || !slices.Equal(m.Config.EOS, c.EOS) || m.Config.NormEps != c.NormEps {
					t.Errorf("config %+v", m.Config)
				}
				for _, chunk := range []int{0, 1, 100} {
					m.chunkSize = chunk
					checkGGUF(t, m, f)
				}
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func checkGGUF(t *testing.T, m *Model, f *ggufFile) {
	t.Helper()
	if len(m.Names()) != len(f.tensors) {
		t.Fatalf("%d tensors of %d", len(m.Names()), len(f.tensors))
	}
	for _, name := range m.Names() {
		got := load(t, m, name)
		shape, _ := m.Shape(name)
		raw := f.tensor(ggufName(name))
		d := ggmlTypes[raw.kind]
		switch {
		case strings.Contains(name, "q_proj"):
			got = permute(got, shape[0], shape[1], m.Config.Heads)
		case strings.Contains(name, "k_proj"):
			got = permute(got, shape[0], shape[1], m.Config.KVHeads)
		}
		for i, v := range got {
			b := i / d.values
			if want := refDecode(d, raw.data[b*d.bytes:(b+1)*d.bytes], i%d.values); v != want {
				t.Fatalf("%s (%s): value %d is %v, want %v", name, d.name, i, v, want)
			}
		}
	}
}

func TestGGUFConcurrent(t *testing.T) {
	for _, mapped := range []bool{true, false} {
		m, err := open(tinyGGUF(tinyConfig).write(t), mapped)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]float32{}
		for _, name := range m.Names() {
			want[name] = load(t, m, name)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for _, name := range m.Names() {
					w := make([]float32, len(want[name]))
					if err := m.Float32(name, w); err != nil || !slices.Equal(w, want[name]) {
						t.Errorf("%s differs when read concurrently: %v", name, err)
					}
				}
			})
		}
		wg.Wait()
		m.Close()
	}
}

// TestGGUFNonFinite puts an infinite scale where the permutation moves it.
func TestGGUFNonFinite(t *testing.T) {
	f := tinyGGUF(tinyConfig)
	q := f.tensor("blk.1.attn_q.weight")
	rowBytes := 64 / 32 * q4_1.bytes
	copy(q.data[3*rowBytes:], []byte{0x00, 0x7c}) // GGUF row 3 is row 9 of the head: 3%2*8 + 3/2
	m, err := Open(f.write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	w := make([]float32, 64*64)
	err = m.Float32("model.layers.1.self_attn.q_proj.weight", w)
	var bad *NonFiniteError
	if !errors.Is(err, ErrNonFinite) || !errors.As(err, &bad) {
		t.Fatalf("got %v", err)
	}
	if bad.Tensor != "model.layers.1.self_attn.q_proj.weight" || bad.Index < 9*64 || bad.Index >= 9*64+32 || !sameFloat(bad.Value, w[bad.Index]) {
		t.Errorf("names %s[%d] = %v", bad.Tensor, bad.Index, bad.Value)
	}
	if i := firstNonFinite(w); i != bad.Index {
		t.Errorf("first is %d, reported %d", i, bad.Index)
	}
}

func TestGGUFEndTokens(t *testing.T) {
	f := tinyGGUF(tinyConfig)
	f.set("tokenizer.ggml.eot_token_id", uint32(7))
	f.set("tokenizer.ggml.eom_token_id", uint32(9))
	f.set("tokenizer.ggml.bos_token_id", uint32(math.MaxUint32)) // llama.cpp's "none"
	m, err := Open(f.write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if !slices.Equal(m.Config.EOS, []int32{2, 7, 9}) || m.Config.BOS != -1 {
		t.Errorf("eos %v, bos %d", m.Config.EOS, m.Config.BOS)
	}
}

func TestGGUFTokenizer(t *testing.T) {
	tokens := make([]string, tinyConfig.Vocab)
	types := make([]int32, tinyConfig.Vocab)
	for i := range tokens {
		tokens[i], types[i] = string(rune('a'+i)), 1
	}
	base := func() *ggufFile {
		f := tinyGGUF(tinyConfig)
		f.set("tokenizer.ggml.model", "gpt2")
		f.set("tokenizer.ggml.pre", "llama-bpe")
		f.set("tokenizer.ggml.tokens", tokens)
		f.set("tokenizer.ggml.merges", []string{"a b"})
		f.set("tokenizer.ggml.token_type", types)
		return f
	}
	m, err := Open(base().write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v, ok := m.Vocabulary()
	if !ok || !slices.Equal(v.Tokens, tokens) || !slices.Equal(v.Types, types) || !slices.Equal(v.Merges, []string{"a b"}) || v.Pre != "llama-bpe" || !v.AddBOS || v.BOS != 1 || v.EOS != 2 {
		t.Errorf("vocabulary %+v, %v", v, ok)
	}
	f := base()
	f.set("tokenizer.ggml.model", "t5")
	m, err = Open(f.write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, ok := m.Vocabulary(); ok || !errors.Is(m.TokenizerProblem(), ErrUnsupported) || !strings.Contains(m.TokenizerProblem().Error(), `"t5"`) {
		t.Errorf("a unigram vocabulary: %v, %v", ok, m.TokenizerProblem())
	}
	for name, spoil := range map[string]func(*ggufFile){
		"no merges":        func(f *ggufFile) { f.unset("tokenizer.ggml.merges") },
		"too few tokens":   func(f *ggufFile) { f.set("tokenizer.ggml.tokens", tokens[1:]) },
		"too few types":    func(f *ggufFile) { f.set("tokenizer.ggml.token_type", types[1:]) },
		"types of strings": func(f *ggufFile) { f.set("tokenizer.ggml.token_type", tokens) },
		"no scores":        func(f *ggufFile) { f.set("tokenizer.ggml.model", "llama") },
		"scores of ints":   func(f *ggufFile) { f.set("tokenizer.ggml.model", "llama"); f.set("tokenizer.ggml.scores", types) },
		"tokens of ints":   func(f *ggufFile) { f.set("tokenizer.ggml.tokens", types) },
	} {
		f := base()
		spoil(f)
		if _, err := Open(f.write(t)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGGUFCut cuts a file at every byte of its header and at many of its data.
func TestGGUFCut(t *testing.T) {
	c := tinyConfig
	c.Layers = 1
	f := tinyGGUF(c)
	whole := f.bytes()
	path := f.write(t)
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	header := int(m.headers[0][1])
	m.Close()
	for n := len(whole) - 1; n >= 0; n-- {
		if n > header && n < len(whole)-8 && n%61 != 0 {
			continue
		}
		if err := os.Truncate(path, int64(n)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d of %d: %v", n, len(whole), err)
		}
	}
}
