package weights

import (
	"os"
	"path/filepath"
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

func equalConfig(a, b Config) bool {
	sameEOS := slices.Equal(a.EOS, b.EOS)
	a.EOS, b.EOS = nil, nil
	type comparable = struct {
		s string
		i [8]int
		f [2]float64
		t bool
		b int32
	}
	key := func(c Config) comparable {
		return comparable{c.Architecture, [8]int{c.Hidden, c.Layers, c.Heads, c.KVHeads, c.HeadDim, c.FFN, c.Vocab, c.MaxPositions}, [2]float64{c.RopeTheta, c.NormEps}, c.Tied, c.BOS}
	}
	return sameEOS && key(a) == key(b)
}

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
