package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// realGGUF is SmolLM2-135M-Instruct: 210 tensors Q4_1, 61 F32, 1 Q8_0.
func realGGUF(t testing.TB) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "models", "SmolLM2-135M-Instruct-Q4_1.gguf")
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatalf("reference model is required: %v", err)
		}
		t.Skipf("reference model is absent: %v", err)
	}
	return path
}

func TestRealConfig(t *testing.T) {
	path := realGGUF(t)
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := Config{
		Architecture: "llama", Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, FFN: 1536, Vocab: 49152,
		MaxPositions: 8192, RopeTheta: 100000, NormEps: 1e-5, Tied: true, EOS: []int32{2}, BOS: 1,
	}
	if !equalConfig(m.Config, want) {
		t.Errorf("config %+v, want %+v", m.Config, want)
	}
	if c, err := OpenConfig(path); err != nil || !equalConfig(c, want) {
		t.Errorf("OpenConfig %+v, %v", c, err)
	}
	if n := m.Config.Parameters(); n != 134515008 {
		t.Errorf("%d parameters, want 134515008", n)
	}
	if n := len(m.Names()); n != 272 {
		t.Errorf("%d tensors, want 272", n)
	}
	for name, want := range map[string]string{
		"model.embed_tokens.weight": "Q8_0", "model.norm.weight": "F32",
		"model.layers.0.self_attn.q_proj.weight": "Q4_1", "model.layers.29.input_layernorm.weight": "F32", "lm_head.weight": "",
	} {
		if got := m.DType(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestRealValues compares with what the gguf Python package 0.19 de-quantizes, rows
// put back by W.reshape(heads, rows/heads/2, 2, cols).swapaxes(1, 2).
func TestRealValues(t *testing.T) {
	m, err := Open(realGGUF(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, want := range []struct {
		name  string
		shape []int
		first [3]float32
		last  float32
	}{
		{"model.embed_tokens.weight", []int{49152, 576}, [3]float32{-0.10654449462890625, 0.032978057861328125, 0.048198699951171875}, -0.0417022705078125},
		{"model.layers.0.self_attn.q_proj.weight", []int{576, 576}, [3]float32{-0.0963134765625, 0.1573486328125, -0.0963134765625}, -0.255859375},
		{"model.layers.3.self_attn.k_proj.weight", []int{192, 576}, [3]float32{0.1629638671875, 0.06451416015625, 0.015289306640625}, -0.5703125},
		{"model.layers.29.mlp.down_proj.weight", []int{576, 1536}, [3]float32{-0.2733154296875, 0.186279296875, 0.186279296875}, 0.056640625},
		{"model.norm.weight", []int{576}, [3]float32{1.7578125, 1.8203125, 1.78125}, 1.984375},
	} {
		shape, err := m.Shape(want.name)
		if err != nil || !slices.Equal(shape, want.shape) {
			t.Errorf("%s is %v, %v; want %v", want.name, shape, err, want.shape)
			continue
		}
		w := load(t, m, want.name)
		if [3]float32(w) != want.first || w[len(w)-1] != want.last {
			t.Errorf("%s starts with %v and ends with %v", want.name, w[:3], w[len(w)-1])
		}
	}
	// All 134,515,008 values to the bit: their little-endian float32 bytes in the
	// order of Names, hashed.
	const all = "2899813afdca87ee1adacf264547c2468ce3b70e8625a1b61650d3ced24a4e4c"
	h := sha256.New()
	var buf []byte
	for _, name := range m.Names() {
		w := load(t, m, name)
		if need := 4 * len(w); cap(buf) < need {
			buf = make([]byte, need)
		}
		buf = buf[:4*len(w)]
		encodeF32(buf, w)
		h.Write(buf)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != all {
		t.Errorf("all values hash to %s, want %s", got, all)
	}
}

func TestRealVocabulary(t *testing.T) {
	m, err := Open(realGGUF(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v, ok := m.Vocabulary()
	if !ok || m.TokenizerProblem() != nil {
		t.Fatalf("no vocabulary: %v", m.TokenizerProblem())
	}
	if len(v.Tokens) != 49152 || len(v.Merges) != 48900 || len(v.Types) != 49152 || v.Pre != "smollm" || v.BOS != 1 || v.EOS != 2 || v.AddBOS {
		t.Errorf("%d tokens, %d merges, %d types, pre %q, bos %d, eos %d, add bos %v", len(v.Tokens), len(v.Merges), len(v.Types), v.Pre, v.BOS, v.EOS, v.AddBOS)
	}
	if v.Tokens[2] != "<|im_end|>" || v.Merges[0] != "Ġ t" {
		t.Errorf("token 2 is %q, merge 0 %q", v.Tokens[2], v.Merges[0])
	}
}

// load reads a tensor, failing the test if it cannot.
func load(t testing.TB, m *Model, name string) []float32 {
	t.Helper()
	shape, err := m.Shape(name)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := elements(shape)
	w := make([]float32, n)
	if err := m.Float32(name, w); err != nil {
		t.Fatal(err)
	}
	return w
}

func equalConfig(a, b Config) bool { return reflect.DeepEqual(a, b) }

func BenchmarkRealModel(b *testing.B) {
	m, err := Open(realGGUF(b))
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	dst := make([]float32, 49152*576)
	for b.Loop() {
		for _, name := range m.Names() {
			shape, _ := m.Shape(name)
			n, _ := elements(shape)
			if err := m.Float32(name, dst[:n]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkRealOpen(b *testing.B) {
	path := realGGUF(b)
	for b.Loop() {
		m, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		m.Close()
	}
}
