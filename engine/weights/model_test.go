package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tinyWeights returns the values of a tensor by its name.
func tinyWeights(name string, shape []int) []float32 {
	n, _ := elements(shape)
	seed := uint64(len(name))
	for _, b := range []byte(name) {
		seed = seed*31 + uint64(b)
	}
	return newRandom(seed).values(int(n))
}

// tinyTensor is tinyWeights for the writers.
func tinyTensor(name string, shape []int) ([]float32, error) { return tinyWeights(name, shape), nil }

func writeTiny(t testing.TB, c Config, shardBytes int64, dtype string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := WriteModel(dir, c, shardBytes, dtype, tinyTensor); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestModelRoundTrip(t *testing.T) {
	for _, tied := range []bool{true, false} {
		for _, dtype := range []string{"F32", "BF16"} {
			for _, shard := range []int64{0, 1, 20000, 1 << 30} {
				if shard == 1 && (!tied || dtype == "F32") {
					continue // a file a tensor takes long to sync
				}
				c := tinyConfig
				c.Tied = tied
				if !tied {
					c.EOS, c.BOS = []int32{3, 4}, -1
				}
				dir := writeTiny(t, c, shard, dtype)
				for _, mapped := range []bool{true, false} {
					checkTiny(t, dir, mapped, c, dtype)
				}
			}
		}
	}
}

func checkTiny(t *testing.T, dir string, mapped bool, c Config, dtype string) {
	t.Helper()
	m, err := open(dir, mapped)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c.InitializerRange = DefaultInitializerRange // written where the config has none
	if !equalConfig(m.Config, c) || m.Format != "safetensors" || m.Path != dir {
		t.Errorf("opened %+v as %s", m.Config, m.Format)
	}
	expected := ExpectedTensors(c)
	if len(m.Names()) != len(expected) {
		t.Fatalf("%d tensors, want %d", len(m.Names()), len(expected))
	}
	for i, e := range expected {
		shape, err := m.Shape(e.Name)
		if m.Names()[i] != e.Name || err != nil || !slices.Equal(shape, e.Shape) || m.DType(e.Name) != dtype {
			t.Errorf("%s is %v %s, %v", e.Name, shape, m.DType(e.Name), err)
		}
		want := tinyWeights(e.Name, e.Shape)
		for i, got := range load(t, m, e.Name) {
			w := want[i]
			if dtype == "BF16" {
				w = math.Float32frombits(uint32(floatToBF16(w)) << 16)
			}
			if got != w {
				t.Fatalf("%s[%d] is %v, want %v", e.Name, i, got, w)
			}
		}
	}
	if _, ok := m.Vocabulary(); ok || m.TokenizerFile() != "" || !errors.Is(m.TokenizerProblem(), ErrUnsupported) {
		t.Errorf("a tokenizer from nowhere: %q, %v", m.TokenizerFile(), m.TokenizerProblem())
	}
}

func TestModelAccess(t *testing.T) {
	dir := writeTiny(t, tinyConfig, 0, "F32")
	tokens := filepath.Join(dir, "tokenizer.json")
	writeRaw(t, tokens, []byte("{}"))
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.TokenizerFile() != tokens || m.TokenizerProblem() != nil {
		t.Errorf("tokenizer %q, %v", m.TokenizerFile(), m.TokenizerProblem())
	}
	if err := m.Float32("model.norm.weight", make([]float32, 63)); err == nil {
		t.Error("63 values took a tensor of 64")
	}
	if err := m.Float32("lm_head.weight", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown tensor: %v", err)
	}
	if _, err := m.Shape("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("shape of an unknown tensor: %v", err)
	}
	shape, _ := m.Shape("model.norm.weight")
	shape[0] = 1
	if again, _ := m.Shape("model.norm.weight"); again[0] != 64 {
		t.Error("the caller changed a shape")
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Error(err)
	}
	if err := m.Float32("model.norm.weight", make([]float32, 64)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if _, err := m.Hash(); err == nil {
		t.Error("hash after Close")
	}
}

// TestModelRefused spoils a sound directory in one way each.
func TestModelRefused(t *testing.T) {
	single := func(dir string) string { return filepath.Join(dir, "model.safetensors") }
	// rewrite changes the tensors of the only file.
	rewrite := func(change func([]Tensor) []Tensor) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			tensors, _, err := ReadSafetensors(single(dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := WriteSafetensors(single(dir), change(tensors), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := func(ts []Tensor, name string) *Tensor {
		return &ts[slices.IndexFunc(ts, func(t Tensor) bool { return t.Name == name })]
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  error
		says  string
	}{
		"missing tensor": {rewrite(func(ts []Tensor) []Tensor {
			return slices.DeleteFunc(ts, func(t Tensor) bool { return t.Name == "model.norm.weight" })
		}), ErrCorrupt, "model.norm.weight is missing"},
		"surplus tensor": {rewrite(func(ts []Tensor) []Tensor {
			return append(ts, Tensor{"model.layers.0.self_attn.q_proj.bias", []int{1}, []float32{0}})
		}), ErrCorrupt, "q_proj.bias is not part"},
		"surplus layer": {rewrite(func(ts []Tensor) []Tensor {
			return append(ts, Tensor{"model.layers.2.input_layernorm.weight", []int{1}, []float32{0}})
		}), ErrCorrupt, "layers.2"},
		"wrong shape": {rewrite(func(ts []Tensor) []Tensor {
			at(ts, "model.layers.1.mlp.up_proj.weight").Shape = []int{64, 96}
			return ts
		}), ErrCorrupt, "[64 96], the configuration asks for [96 64]"},
		"another head": {rewrite(func(ts []Tensor) []Tensor {
			return append(ts, Tensor{"lm_head.weight", []int{40, 64}, make([]float32, 40*64)})
		}), ErrCorrupt, "lm_head.weight differs"},
		"no head": {func(t *testing.T, dir string) {
			text, _ := os.ReadFile(filepath.Join(dir, "config.json"))
			writeRaw(t, filepath.Join(dir, "config.json"), []byte(strings.Replace(string(text), `"tie_word_embeddings": true`, `"tie_word_embeddings": false`, 1)))
		}, ErrCorrupt, "tie_word_embeddings"},
		"integers": {func(t *testing.T, dir string) {
			raw, _ := os.ReadFile(single(dir))
			writeRaw(t, single(dir), []byte(strings.Replace(string(raw), `"dtype":"F32"`, `"dtype":"I32"`, 1)))
		}, ErrUnsupported, "I32"},
		"pickle": {func(t *testing.T, dir string) {
			if err := os.Rename(single(dir), filepath.Join(dir, "pytorch_model.bin")); err != nil {
				t.Fatal(err)
			}
		}, ErrUnsupported, "pytorch_model.bin"},
		"no config": {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "config.json")) }, fs.ErrNotExist, "config.json"},
		"weights are a directory": {func(t *testing.T, dir string) {
			os.Remove(single(dir))
			if err := os.Mkdir(single(dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "not a regular file"},
	} {
		dir := writeTiny(t, tinyConfig, 0, "F32")
		c.spoil(t, dir)
		m, err := Open(dir)
		if err == nil {
			m.Close()
		}
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
}

// TestModelHarmless accepts what old exporters leave in their files.
func TestModelHarmless(t *testing.T) {
	dir := writeTiny(t, tinyConfig, 0, "F32")
	path := filepath.Join(dir, "model.safetensors")
	tensors, _, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors = append(tensors, Tensor{"model.layers.0.self_attn.rotary_emb.inv_freq", []int{8}, make([]float32, 8)},
		Tensor{"lm_head.weight", []int{40, 64}, tensors[0].Data})
	if err := WriteSafetensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	checkTiny(t, dir, true, tinyConfig, "F32")
	checkTiny(t, dir, false, tinyConfig, "F32")
}

func TestShardsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(where map[string]string)
		says  string
	}{
		"a path":           {func(w map[string]string) { w["model.norm.weight"] = "../x.safetensors" }, "beside it"},
		"a sub-directory":  {func(w map[string]string) { w["model.norm.weight"] = "a/x.safetensors" }, "beside it"},
		"backslashes":      {func(w map[string]string) { w["model.norm.weight"] = `a\x.safetensors` }, "beside it"},
		"another kind":     {func(w map[string]string) { w["model.norm.weight"] = "config.json" }, "beside it"},
		"another shard":    {func(w map[string]string) { w["model.norm.weight"] = w["model.embed_tokens.weight"] }, "norm.weight"},
		"not in a file":    {func(w map[string]string) { w["x"] = w["model.norm.weight"] }, "tensor x is not in"},
		"not in the index": {func(w map[string]string) { delete(w, "model.norm.weight") }, "norm.weight"},
		"empty":            {func(w map[string]string) { clear(w) }, "no weight_map"},
	} {
		dir := writeTiny(t, tinyConfig, 20000, "F32")
		path := filepath.Join(dir, indexFile)
		where, err := readIndex(place{dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(where)
		text, _ := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 1}, "weight_map": where})
		writeRaw(t, path, text)
		if _, err := Open(dir); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := writeTiny(t, tinyConfig, 20000, "F32")
	if err := os.Remove(filepath.Join(dir, "model-00001-of-00014.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing shard: %v", err)
	}
}

func TestWriteModelRefused(t *testing.T) {
	dir := writeTiny(t, tinyConfig, 0, "F32")
	if err := WriteModel(dir, tinyConfig, 0, "F32", tinyTensor); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a model: %v", err)
	}
	for name, bad := range map[string]float32{"NaN": float32(math.NaN()), "infinity": float32(math.Inf(-1)), "overflow": math.MaxFloat32} {
		for _, exists := range []bool{false, true} {
			parent := t.TempDir()
			dir := filepath.Join(parent, "m")
			if exists {
				dir = parent
			}
			err := WriteModel(dir, tinyConfig, 20000, "BF16", func(name string, shape []int) ([]float32, error) {
				w := tinyWeights(name, shape)
				if name == "model.layers.1.mlp.up_proj.weight" {
					w[77] = bad
				}
				return w, nil
			})
			var e *NonFiniteError
			if !errors.As(err, &e) || e.Tensor != "model.layers.1.mlp.up_proj.weight" || e.Index != 77 {
				t.Errorf("%s: %v", name, err)
			}
			if files, _ := os.ReadDir(parent); len(files) != 0 {
				t.Errorf("%s: %d files are left", name, len(files))
			}
		}
	}
	c := tinyConfig
	c.KVHeads = 3
	if err := WriteModel(filepath.Join(t.TempDir(), "m"), c, 0, "F32", tinyTensor); !errors.Is(err, ErrCorrupt) {
		t.Errorf("heads that do not fit: %v", err)
	}
	if err := WriteModel(filepath.Join(t.TempDir(), "m"), tinyConfig, 0, "F16", tinyTensor); !errors.Is(err, ErrUnsupported) {
		t.Errorf("dtype F16: %v", err)
	}
}

func TestModelNonFinite(t *testing.T) {
	dir := writeTiny(t, tinyConfig, 0, "F32")
	path := filepath.Join(dir, "model.safetensors")
	tensors, _, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors[0].Data[2001] = float32(math.Inf(-1))
	tensors[0].Data[2002] = float32(math.NaN())
	if err := WriteSafetensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	err = m.Float32(tensors[0].Name, make([]float32, 40*64))
	var e *NonFiniteError
	if !errors.As(err, &e) || e.Tensor != tensors[0].Name || e.Index != 2001 || !math.IsInf(float64(e.Value), -1) || !strings.Contains(err.Error(), "[2001] is -Inf") {
		t.Errorf("got %v", err)
	}
}

func TestHash(t *testing.T) {
	hash := func(path string) string {
		t.Helper()
		m, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		h, err := m.Hash()
		if err != nil || !strings.HasPrefix(h, "sha256:") || len(h) != 71 {
			t.Fatalf("hash %q, %v", h, err)
		}
		return h
	}
	a := writeTiny(t, tinyConfig, 0, "F32")
	same := hash(a)
	if hash(writeTiny(t, tinyConfig, 0, "F32")) != same {
		t.Error("the same weights elsewhere hash to something else")
	}
	seen := map[string]string{same: "the original"}
	for name, path := range map[string]string{
		"bf16":    writeTiny(t, tinyConfig, 0, "BF16"),
		"sharded": writeTiny(t, tinyConfig, 20000, "F32"),
		"gguf":    tinyGGUF(tinyConfig).write(t),
		"theta":   writeTiny(t, func() Config { c := tinyConfig; c.RopeTheta = 5e5; return c }(), 0, "F32"),
	} {
		h := hash(path)
		if other := seen[h]; other != "" {
			t.Errorf("%s hashes like %s", name, other)
		}
		seen[h] = name
	}
	path := filepath.Join(a, "model.safetensors")
	tensors, _, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors[7].Data[0] += 1e-3
	if err := WriteSafetensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	if hash(a) == same {
		t.Error("other weights hash to the same")
	}
}

func TestOpenRefused(t *testing.T) {
	dir := writeTiny(t, tinyConfig, 0, "F32")
	for _, name := range []string{"config.json", "model.safetensors"} {
		if _, err := Open(filepath.Join(dir, name)); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "directory") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := OpenConfig(filepath.Join(dir, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no config.json") {
		t.Errorf("an empty directory: %v", err)
	}
	path := filepath.Join(dir, "text.gguf")
	writeRaw(t, path, []byte("not a model at all"))
	if _, err := Open(path); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "not a GGUF") {
		t.Errorf("a text file: %v", err)
	}
}

// Rows read piece by piece are those of the whole, also where GGUF permutes them.
func TestFloat32RowsArePartsOfTheWhole(t *testing.T) {
	m, err := Open(tinyGGUF(tinyConfig).write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	for _, name := range m.Names() {
		shape, err := m.Shape(name)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := elements(shape)
		whole := make([]float32, n)
		if err := m.Float32(name, whole); err != nil {
			t.Fatal(err)
		}
		cols := int(n) / shape[0]
		for first := 0; first < shape[0]; first += 3 {
			part := make([]float32, min(3, shape[0]-first)*cols)
			if err := m.Float32Rows(name, first, part); err != nil {
				t.Fatalf("%s from row %d: %v", name, first, err)
			}
			for i, x := range part {
				if x != whole[first*cols+i] {
					t.Fatalf("%s: value %d from row %d is %v, not %v", name, i, first, x, whole[first*cols+i])
				}
			}
		}
		for _, bad := range []struct{ first, n int }{{-1, cols}, {shape[0], cols}, {shape[0] + 1, 0}, {0, int(n) + cols}} {
			if m.Float32Rows(name, bad.first, make([]float32, bad.n)) == nil {
				t.Errorf("%s: %d values from row %d are read", name, bad.n, bad.first)
			}
		}
	}
}
