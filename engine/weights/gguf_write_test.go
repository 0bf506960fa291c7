package weights

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hone/engine/half"
	"hone/engine/tokenizer"
)

func tinyVocabulary(n int) tokenizer.Vocabulary {
	v := tokenizer.Vocabulary{Model: tokenizer.ModelBytes, Pre: "smollm", BOS: -1, EOS: -1}
	for i := range n {
		v.Tokens, v.Types = append(v.Tokens, fmt.Sprintf("t%d", i)), append(v.Types, 1)
	}
	return v
}

// What is written is read back: exactly as F16 says, and within half a step of a block.
func TestWriteGGUF(t *testing.T) {
	for _, tied := range []bool{true, false} {
		c := tinyConfig
		c.Tied = tied
		for dtype, steps := range map[string]float64{"F16": 1 << 11, "Q8_0": 253, "Q4_1": 29} {
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := WriteGGUF(path, c, dtype, GGUFText{Name: "tiny"}, tinyVocabulary(c.Vocab), tinyTensor); err != nil {
				t.Fatal(err)
			}
			m, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if !equalConfig(m.Config, c) {
				t.Errorf("the configuration is %+v, not %+v", m.Config, c)
			}
			if v, ok := m.Vocabulary(); !ok || len(v.Tokens) != c.Vocab || v.AddBOS || v.Pre != "smollm" || v.Model != tokenizer.ModelBytes || v.SpacePrefix {
				t.Errorf("the vocabulary is %+v", v)
			}
			for _, e := range ExpectedTensors(c) {
				want, got := tinyWeights(e.Name, e.Shape), load(t, m, e.Name)
				kind := m.DType(e.Name)
				if wanted := map[bool]string{true: "F32", false: dtype}[len(e.Shape) == 1]; kind != wanted && (kind != "Q8_0" || dtype != "Q4_1") {
					t.Errorf("%s is %s", e.Name, kind)
				}
				for i := range want {
					block := want[i/32*32 : min(i/32*32+32, len(want))]
					largest := 0.0
					for _, x := range block {
						largest = max(largest, math.Abs(float64(x)))
					}
					if kind == "F16" {
						largest = math.Abs(float64(want[i]))
					}
					if d := math.Abs(float64(got[i] - want[i])); kind != "F32" && d > 2.2*largest/steps+1e-7 || kind == "F32" && d != 0 {
						t.Fatalf("%s %s[%d] is %v, want %v", dtype, e.Name, i, got[i], want[i])
					}
				}
			}
			m.Close()
		}
	}
}

// A vocabulary with scores comes back as it was.
func TestWriteGGUFScores(t *testing.T) {
	want := tokenizer.Vocabulary{Model: tokenizer.ModelScores, Pre: "default", SpacePrefix: true, BOS: 1, AddBOS: true, EOS: 2}
	for i := range tinyConfig.Vocab {
		want.Tokens, want.Types, want.Scores = append(want.Tokens, fmt.Sprintf("t%d", i)), append(want.Types, 1), append(want.Scores, -float32(i))
	}
	for _, merges := range [][]string{nil, {"t 1"}} {
		want.Merges, want.Metaspace = merges, map[bool]string{true: "first"}[merges == nil]
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := WriteGGUF(path, tinyConfig, "F16", GGUFText{ChatTemplate: "{{ messages }}"}, want, tinyTensor); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := m.Vocabulary(); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v became %+v", want, got)
		}
		if chat := m.Chat(); chat.Template != "{{ messages }}" || !maps.Equal(chat.Tokens, map[string]string{"bos_token": "t1", "eos_token": "t2"}) {
			t.Errorf("%+v", chat)
		}
		m.Close()
	}
}

var llama31 = RopeScaling{Kind: ScaleLlama3, Factor: 8, LowFreq: 1, HighFreq: 4, Original: 8192}

// architectures are configurations with every part that some model has.
var architectures = map[string]func(*Config){
	"llama":      func(*Config) {},
	"llama 3.1":  func(c *Config) { c.RopeScaling, c.RopeTheta, c.HeadDim = llama31, 5e5, 64 },
	"all biases": func(c *Config) { c.QKVBias, c.OBias, c.MLPBias, c.Tied = true, true, true, false },
	"linear":     func(c *Config) { c.RopeScaling = RopeScaling{Kind: ScaleLinear, Factor: 2.5} },
	"mistral":    func(c *Config) { c.Architecture, c.Window, c.HeadDim, c.Tied = "mistral", c.MaxPositions, 24, false },
	"qwen2":      func(c *Config) { c.Architecture, c.QKVBias, c.RopeTheta = "qwen2", true, 1e6 },
	"qwen3":      func(c *Config) { c.Architecture, c.HeadNorm, c.HeadDim = "qwen3", true, 32 },
}

// Every architecture comes back as it was: in F32 exactly, in BF16 as its rounding says.
func TestWriteGGUFArchitectures(t *testing.T) {
	for name, change := range architectures {
		c := tinyConfig
		change(&c)
		for _, dtype := range []string{"F32", "BF16"} {
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := WriteGGUF(path, c, dtype, GGUFText{Name: "tiny"}, tinyVocabulary(c.Vocab), tinyTensor); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m, err := Open(path)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := c
			if want.Architecture == "mistral" { // a llama, and the window is as wide as texts are long
				want.Architecture, want.Window = "llama", 0
			}
			if !equalConfig(m.Config, want) {
				t.Errorf("%s: the configuration is %+v, not %+v", name, m.Config, want)
			}
			if header, err := OpenConfig(path); err != nil || !equalConfig(header, want) {
				t.Errorf("%s: the header says %+v: %v", name, header, err)
			}
			if names := ExpectedTensors(c); len(m.Names()) != len(names) {
				t.Errorf("%s: %d tensors of %d", name, len(m.Names()), len(names))
			}
			for _, e := range ExpectedTensors(c) {
				want, got := slices.Clone(tinyWeights(e.Name, e.Shape)), load(t, m, e.Name)
				if dtype == "BF16" && len(e.Shape) > 1 {
					for i := range want {
						want[i] = math.Float32frombits(uint32(floatToBF16(want[i])) << 16)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s in %s: %s is not what was written", name, dtype, e.Name)
				}
			}
			m.Close()
		}
	}
}

// Rows lie as llama.cpp wants them, bit by bit: in a llama queries and keys with neighbours
// of a pair, in a Qwen as they were; low frequencies are divided by the factor, high ones not.
func TestGGUFLayout(t *testing.T) {
	for name, change := range architectures {
		c := tinyConfig
		change(&c)
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := WriteGGUF(path, c, "F32", GGUFText{}, tinyVocabulary(c.Vocab), tinyTensor); err != nil {
			t.Fatal(err)
		}
		s, err := openSource(path, false)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		g, err := parseGGUF(s)
		if err != nil {
			t.Fatal(err)
		}
		raw := map[string][]float32{}
		for _, r := range g.regions {
			n, _ := elements(r.shape)
			raw[r.name] = make([]float32, n)
			if err := (stored{region: r, source: s}).read(0, raw[r.name], 0); err != nil {
				t.Fatal(err)
			}
		}
		permuted := !strings.HasPrefix(name, "qwen")
		for _, e := range ExpectedTensors(c) {
			want := tinyWeights(e.Name, e.Shape)
			heads := 0
			switch {
			case strings.Contains(e.Name, "q_proj"):
				heads = c.Heads
			case strings.Contains(e.Name, "k_proj"):
				heads = c.KVHeads
			}
			if heads > 0 && permuted {
				want = permute(want, e.Shape[0], len(want)/e.Shape[0], heads)
			}
			if !slices.Equal(raw[ggufName(e.Name)], want) {
				t.Errorf("%s: %s lies otherwise", name, e.Name)
			}
		}
		factors := raw[ggufRopeFactors]
		if (factors != nil) != (name == "llama 3.1") || factors != nil && (len(factors) != c.HeadDim/2 || factors[0] != 1 || factors[len(factors)-1] != 8) {
			t.Errorf("%s: factors %v", name, factors)
		}
		wantArch := map[bool]string{true: "llama", false: name}[permuted]
		if arch, _ := g.text("general.architecture", ""); arch != wantArch {
			t.Errorf("%s is a %s", name, arch)
		}
	}
}

// The factors that llama.cpp divides frequencies by say which scaling they are of, and
// others are refused.
func TestLlama3OfFactors(t *testing.T) {
	for _, c := range []Config{
		{HeadDim: 128, RopeTheta: 5e5, RopeScaling: llama31},
		{HeadDim: 64, RopeTheta: 5e5, RopeScaling: RopeScaling{ScaleLlama3, 32, 1, 4, 8192}},
		{HeadDim: 16, RopeTheta: 500, RopeScaling: RopeScaling{ScaleLlama3, 4, 1, 4, 64}},
		{HeadDim: 96, RopeTheta: 1e6, RopeScaling: RopeScaling{ScaleLlama3, 16, 1, 2.5, 4096}},
		{HeadDim: 128, RopeTheta: 5e5},
	} {
		got, err := c.llama3Of(c.ropeFactors())
		if err != nil || got != c.RopeScaling {
			t.Errorf("%+v became %+v: %v", c.RopeScaling, got, err)
		}
	}
	// Twice the low bound with twice the others is the same law.
	c := Config{HeadDim: 128, RopeTheta: 5e5, RopeScaling: RopeScaling{ScaleLlama3, 8, 2, 8, 16384}}
	if got, err := c.llama3Of(c.ropeFactors()); err != nil || got != llama31 {
		t.Errorf("%+v: %v", got, err)
	}
	factors := c.ropeFactors()
	for i := range factors { // computed in float32
		factors[i] *= 1 + 3e-6*float32(i%3-1)
		factors[i] = min(8, max(1, factors[i]))
	}
	if got, err := c.llama3Of(factors); err != nil || got != llama31 {
		t.Errorf("%+v: %v", got, err)
	}
	factors[33] *= 1.001
	if got, err := c.llama3Of(factors); !errors.Is(err, ErrUnsupported) {
		t.Errorf("factors of no law: %+v, %v", got, err)
	}
	c = Config{HeadDim: 8, RopeTheta: 1e4, RopeScaling: RopeScaling{ScaleLlama3, 2, 1, 4, 8192}} // no frequency has the whole factor
	if got, err := c.llama3Of(c.ropeFactors()); !errors.Is(err, ErrUnsupported) {
		t.Errorf("factors that do not say theirs: %+v, %v", got, err)
	}
}

func TestWriteGGUFRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"sliding window":      func(c *Config) { c.Architecture, c.Window = "mistral", 8 },
		"a bias of o_proj":    func(c *Config) { c.Architecture, c.HeadNorm, c.QKVBias, c.OBias = "qwen3", true, true, true },
		"rope scaling llama3": func(c *Config) { c.Architecture, c.QKVBias, c.RopeScaling = "qwen2", true, llama31 },
		"4 tokens that end":   func(c *Config) { c.EOS = []int32{1, 2, 3, 4} },
		"4 heads of 8":        func(c *Config) { c.Architecture, c.QKVBias, c.HeadDim = "qwen2", true, 8 },
	} {
		c := tinyConfig
		change(&c)
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := WriteGGUF(path, c, "F16", GGUFText{Name: "tiny"}, tinyVocabulary(c.Vocab), tinyTensor); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := t.TempDir()
	var non *NonFiniteError
	err := WriteGGUF(filepath.Join(dir, "m.gguf"), tinyConfig, "F16", GGUFText{Name: "tiny"}, tinyVocabulary(tinyConfig.Vocab), func(name string, shape []int) ([]float32, error) {
		w := tinyWeights(name, shape)
		if name == "model.layers.1.mlp.up_proj.weight" {
			w[77] = 65520 // rounds to more than a half can be
		}
		return w, nil
	})
	if !errors.As(err, &non) || non.Tensor != "model.layers.1.mlp.up_proj.weight" || non.Index != 77 {
		t.Errorf("too large for F16: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// Every half is the nearest of itself, and what lies between two goes to the nearer, in
// the middle to the even one.
func TestFloatToHalf(t *testing.T) {
	for h := range uint16(0x7c00) {
		f := half.Float32(h)
		if got := half.Nearest(f); got != h {
			t.Fatalf("%v (%#x) became %#x", f, h, got)
		}
		if got := half.Nearest(-f); got != h|0x8000 {
			t.Fatalf("%v became %#x", -f, got)
		}
		if h == 0x7bff {
			break
		}
		middle := (f + half.Float32(h+1)) / 2 // exact
		even := h + h&1
		if got := half.Nearest(middle); got != even {
			t.Fatalf("%v became %#x, not %#x", middle, got, even)
		}
		if got := half.Nearest(math.Nextafter32(middle, 0)); got != h {
			t.Fatalf("just below %v became %#x, not %#x", middle, got, h)
		}
		if got := half.Nearest(math.Nextafter32(middle, 1e9)); got != h+1 {
			t.Fatalf("just above %v became %#x, not %#x", middle, got, h+1)
		}
	}
	for f, want := range map[float32]uint16{65519: 0x7bff, 65520: 0x7c00, float32(math.Inf(-1)): 0xfc00} {
		if got := half.Nearest(f); got != want {
			t.Errorf("%v became %#x, not %#x", f, got, want)
		}
	}
}
