package testmodel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readShard reads a safetensors file with nothing but the format's description.
func readShard(t *testing.T, path string) map[string][]uint16 {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(raw)
	if n%8 != 0 {
		t.Errorf("%s: a header of %d bytes leaves the values unaligned", filepath.Base(path), n)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(raw[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	values := raw[8+n:]
	out := map[string][]uint16{}
	covered := 0
	for name, entry := range header {
		if name == "__metadata__" {
			continue
		}
		var e struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(entry, &e); err != nil {
			t.Fatal(err)
		}
		if size := (tensor{shape: e.Shape}).size(); e.DType != "BF16" || e.Offsets[1]-e.Offsets[0] != 2*size {
			t.Fatalf("%s: %+v", name, e)
		}
		part := make([]uint16, 0, len(values))
		for i := e.Offsets[0]; i < e.Offsets[1]; i += 2 {
			part = append(part, binary.LittleEndian.Uint16(values[i:]))
		}
		out[name] = part
		covered += e.Offsets[1] - e.Offsets[0]
	}
	if covered != len(values) {
		t.Fatalf("%s: the header covers %d of %d bytes", filepath.Base(path), covered, len(values))
	}
	return out
}

func TestShardsHoldTheSameTensorsAsOneFile(t *testing.T) {
	one, three := t.TempDir(), t.TempDir()
	if err := Write(one, Tiny, Options{Seed: 7}); err != nil {
		t.Fatal(err)
	}
	if err := Write(three, Tiny, Options{Seed: 7, Shards: 3}); err != nil {
		t.Fatal(err)
	}
	want := readShard(t, filepath.Join(one, "model.safetensors"))
	var index struct {
		Metadata struct {
			TotalSize int64 `json:"total_size"`
		} `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	raw, err := os.ReadFile(filepath.Join(three, "model.safetensors.index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.WeightMap) != len(want) || index.Metadata.TotalSize != 2*Tiny.Parameters() {
		t.Fatalf("index of %d tensors and %d bytes, want %d and %d", len(index.WeightMap), index.Metadata.TotalSize, len(want), 2*Tiny.Parameters())
	}
	shards := map[string]map[string][]uint16{}
	for name, file := range index.WeightMap {
		if shards[file] == nil {
			shards[file] = readShard(t, filepath.Join(three, file))
		}
		got := shards[file][name]
		if len(got) == 0 || len(got) != len(want[name]) {
			t.Fatalf("%s: %d values in %s, %d in the single file", name, len(got), file, len(want[name]))
		}
		for i := range got {
			if got[i] != want[name][i] {
				t.Fatalf("%s[%d] differs between shards and one file", name, i)
			}
		}
	}
	if len(shards) != 3 {
		t.Errorf("%d shards, want 3", len(shards))
	}
}

func TestWeightsFollowTheSeed(t *testing.T) {
	files := make([][]byte, 3)
	for i, seed := range []uint64{5, 5, 6} {
		dir := t.TempDir()
		if err := Write(dir, Tiny, Options{Seed: seed}); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		files[i] = raw
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("one seed gave two models")
	}
	if bytes.Equal(files[0], files[2]) {
		t.Error("two seeds gave one model")
	}
}

func TestValuesKeepTheSizeOfActivations(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, Tiny, Options{}); err != nil {
		t.Fatal(err)
	}
	tensors := readShard(t, filepath.Join(dir, "model.safetensors"))
	for _, c := range []struct {
		name            string
		mean, deviation float64
	}{
		{"model.embed_tokens.weight", 0, 1 / math.Sqrt(32)},
		{"model.layers.1.mlp.down_proj.weight", 0, 1 / math.Sqrt(64)},
		{"model.norm.weight", 1, 0.1},
	} {
		var sum, squares float64
		for _, bits := range tensors[c.name] {
			x := float64(math.Float32frombits(uint32(bits) << 16))
			sum += x
			squares += x * x
		}
		n := float64(len(tensors[c.name]))
		mean := sum / n
		deviation := math.Sqrt(squares/n - mean*mean)
		// Five standard errors of each figure, in samples of n.
		if math.Abs(mean-c.mean) > 5*c.deviation/math.Sqrt(n) || math.Abs(deviation-c.deviation) > 5*c.deviation/math.Sqrt(2*n) {
			t.Errorf("%s: mean %.4f and deviation %.4f, want %.4f and %.4f", c.name, mean, deviation, c.mean, c.deviation)
		}
	}
}

func TestParametersCountTheTensors(t *testing.T) {
	untied := Shape{Hidden: 24, Layers: 3, Heads: 6, KVHeads: 2, HeadDim: 8, FFN: 40, Vocab: 77}
	for _, s := range []Shape{Tiny, SmolLM135M, SmolLM360M, untied} {
		var n int64
		for _, w := range s.tensors() {
			n += int64(w.size())
		}
		if n != s.Parameters() {
			t.Errorf("%+v: %d weights in its tensors, Parameters says %d", s, n, s.Parameters())
		}
	}
	// As transformers counts the published models.
	if got := SmolLM135M.Parameters(); got != 134515008 {
		t.Errorf("SmolLM-135M has %d weights", got)
	}
	if got := SmolLM360M.Parameters(); got != 361821120 {
		t.Errorf("SmolLM-360M has %d weights", got)
	}
}

func TestSplitKeepsOrderAndLeavesNoPartEmpty(t *testing.T) {
	list := Tiny.tensors()
	for n := 1; n <= len(list); n++ {
		parts := split(list, n)
		if len(parts) != n {
			t.Fatalf("%d parts instead of %d", len(parts), n)
		}
		at := 0
		for i, part := range parts {
			if len(part) == 0 {
				t.Fatalf("part %d of %d is empty", i, n)
			}
			for _, w := range part {
				if w.name != list[at].name {
					t.Fatalf("part %d of %d has %s where %s belongs", i, n, w.name, list[at].name)
				}
				at++
			}
		}
		if at != len(list) {
			t.Fatalf("%d parts hold %d of %d tensors", n, at, len(list))
		}
	}
}

func TestImpossibleShapesAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Shape){
		"hidden is 0":          func(s *Shape) { s.Hidden = 0 },
		"layers is -1":         func(s *Shape) { s.Layers = -1 },
		"does not divide":      func(s *Shape) { s.Heads, s.KVHeads = 3, 3 },
		"do not divide":        func(s *Shape) { s.KVHeads = 3 },
		"is odd":               func(s *Shape) { s.HeadDim = 7 },
		"are more than":        func(s *Shape) { s.FFN, s.Layers = 1<<20, 1<<12 },
		"vocabulary is 999999": func(s *Shape) { s.Vocab = 999999999 },
	} {
		s := Tiny
		change(&s)
		if err := Write(t.TempDir(), s, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one that says %q", s, err, want)
		}
	}
	if err := Write(t.TempDir(), Tiny, Options{Shards: 1000}); err == nil {
		t.Error("more shards than tensors were accepted")
	}
}

func TestDirectoryInUseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, Tiny, Options{}); !errors.Is(err, errNotEmpty) {
		t.Errorf("error %v, want %v", err, errNotEmpty)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "config.json")); err != nil || string(raw) != "mine" {
		t.Errorf("config.json is now %q (%v)", raw, err)
	}
}

func TestBfloat16RoundsToNearestEven(t *testing.T) {
	for bits, want := range map[uint32]uint16{
		0x3f800000: 0x3f80, // 1
		0x3f807fff: 0x3f80, // just under half way
		0x3f808000: 0x3f80, // half way, even below
		0x3f818000: 0x3f82, // half way, even above
		0x3f808001: 0x3f81, // just over half way
		0xbf818000: 0xbf82, // negative
		0x00000000: 0x0000,
		0x80000000: 0x8000,
	} {
		if got := bfloat16(math.Float32frombits(bits)); got != want {
			t.Errorf("%#08x rounds to %#04x, want %#04x", bits, got, want)
		}
	}
}

func TestCheckEndsTheWriting(t *testing.T) {
	stop := errors.New("enough")
	calls := 0
	err := Write(t.TempDir(), Tiny, Options{Check: func() error {
		if calls++; calls == 3 {
			return stop
		}
		return nil
	}})
	if !errors.Is(err, stop) || calls != 3 {
		t.Errorf("error %v after %d tensors", err, calls)
	}
}

func TestThetaIsWritten(t *testing.T) {
	for _, c := range []struct{ theta, want float64 }{{0, 10000}, {130000, 130000}} {
		dir := t.TempDir()
		s := Tiny
		s.Theta = c.theta
		if err := Write(dir, s, Options{}); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Theta float64 `json:"rope_theta"`
		}
		if err := json.Unmarshal(raw, &got); err != nil || got.Theta != c.want {
			t.Errorf("theta %v written as %v (%v)", c.theta, got.Theta, err)
		}
	}
}
