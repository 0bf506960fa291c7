package weights

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGGUFRefused spoils a sound file in one way each. says is what the message
// has to name.
func TestGGUFRefused(t *testing.T) {
	huge := func(kind uint32, n uint64) rawValue { return putU64(putU32(putU32(nil, ggufArrayType), kind), n) }
	for name, c := range map[string]struct {
		spoil func(*ggufFile)
		want  error
		says  string
	}{
		"version 1":             {func(f *ggufFile) { f.version = 1 }, ErrUnsupported, "version 1"},
		"version 4":             {func(f *ggufFile) { f.version = 4 }, ErrUnsupported, "version 4"},
		"big endian":            {func(f *ggufFile) { f.version = 3 << 24 }, ErrUnsupported, "big-endian"},
		"no architecture":       {func(f *ggufFile) { f.unset("general.architecture") }, ErrCorrupt, "general.architecture"},
		"gemma2":                {func(f *ggufFile) { f.set("general.architecture", "gemma2") }, ErrUnsupported, `"gemma2"`},
		"keys of another":       {func(f *ggufFile) { f.set("general.architecture", "qwen2") }, ErrCorrupt, "qwen2.embedding_length is missing"},
		"an adapter":            {func(f *ggufFile) { f.set("general.type", "adapter") }, ErrUnsupported, `"adapter"`},
		"split":                 {func(f *ggufFile) { f.set("split.count", uint32(3)) }, ErrUnsupported, "3 GGUF files"},
		"rope scaling":          {func(f *ggufFile) { f.set("llama.rope.scaling.type", "yarn") }, ErrUnsupported, "yarn"},
		"rope factor below 1":   {func(f *ggufFile) { f.set("llama.rope.scaling.factor", float32(0.5)) }, ErrCorrupt, "factor of 0.5"},
		"old rope scale is NaN": {func(f *ggufFile) { f.set("llama.rope.scale_linear", float32(math.NaN())) }, ErrCorrupt, "factor of NaN"},
		"partial rope":          {func(f *ggufFile) { f.set("llama.rope.dimension_count", uint32(8)) }, ErrUnsupported, "dimension_count"},
		"value length":          {func(f *ggufFile) { f.set("llama.attention.value_length", uint32(8)) }, ErrUnsupported, "value_length"},
		"experts":               {func(f *ggufFile) { f.set("llama.expert_count", uint32(8)) }, ErrUnsupported, "expert_count"},
		"unknown llama key":     {func(f *ggufFile) { f.set("llama.logit_scale", float32(2)) }, ErrUnsupported, "llama.logit_scale"},
		"heads per layer":       {func(f *ggufFile) { f.set("llama.attention.head_count_kv", []int32{2, 1}) }, ErrUnsupported, "one a layer"},
		"no layers":             {func(f *ggufFile) { f.set("llama.block_count", uint32(0)) }, ErrCorrupt, "block_count"},
		"a billion layers":      {func(f *ggufFile) { f.set("llama.block_count", uint32(1<<30)) }, ErrCorrupt, "layers"},
		"2^63 hidden":           {func(f *ggufFile) { f.set("llama.embedding_length", uint64(1)<<63) }, ErrCorrupt, "embedding_length"},
		"hidden is text":        {func(f *ggufFile) { f.set("llama.embedding_length", "64") }, ErrCorrupt, "embedding_length"},
		"no hidden":             {func(f *ggufFile) { f.unset("llama.embedding_length") }, ErrCorrupt, "embedding_length is missing"},
		"no epsilon":            {func(f *ggufFile) { f.unset("llama.attention.layer_norm_rms_epsilon") }, ErrCorrupt, "epsilon"},
		"theta is NaN":          {func(f *ggufFile) { f.set("llama.rope.freq_base", float32(math.NaN())) }, ErrCorrupt, "theta"},
		"7 kv heads":            {func(f *ggufFile) { f.set("llama.attention.head_count_kv", uint32(3)) }, ErrCorrupt, "heads"},
		"vocab size":            {func(f *ggufFile) { f.set("llama.vocab_size", uint32(41)) }, ErrCorrupt, "vocab_size"},
		"eos beyond":            {func(f *ggufFile) { f.set("tokenizer.ggml.eos_token_id", uint32(40)) }, ErrCorrupt, "eos_token_id"},
		"alignment 0":           {func(f *ggufFile) { f.set("general.alignment", uint32(0)) }, ErrCorrupt, "alignment"},
		"alignment 33":          {func(f *ggufFile) { f.set("general.alignment", uint32(33)) }, ErrCorrupt, "alignment"},
		"alignment 2^31":        {func(f *ggufFile) { f.set("general.alignment", uint32(1)<<31) }, ErrCorrupt, "alignment"},
		"array of 2^60":         {func(f *ggufFile) { f.set("x", huge(ggufU8, 1<<60)) }, ErrCorrupt, "limit"},
		"array beyond the end":  {func(f *ggufFile) { f.set("tokenizer.ggml.tokens", huge(ggufString, 1<<23)) }, ErrCorrupt, "file ends"},
		"array of arrays":       {func(f *ggufFile) { f.set("x", huge(ggufArrayType, 1)) }, ErrCorrupt, "array of the type"},
		"array of an unknown":   {func(f *ggufFile) { f.set("x", huge(99, 1)) }, ErrCorrupt, "array of the type"},
		"unknown type of value": {func(f *ggufFile) { f.set("x", rawValue(putU32(nil, 13))) }, ErrCorrupt, "unknown value type 13"},
		"string of 2^63":        {func(f *ggufFile) { f.set("x", rawValue(putU64(putU32(nil, ggufString), 1<<63))) }, ErrCorrupt, "limit"},
		"string beyond the end": {func(f *ggufFile) { f.set("x", rawValue(putU64(putU32(nil, ggufString), 10<<20))) }, ErrCorrupt, "within its header"},
		"a bool of 2":           {func(f *ggufFile) { f.set("x", rawValue(append(putU32(nil, ggufBool), 2))) }, ErrCorrupt, "truth value"},
		"key twice":             {func(f *ggufFile) { f.keys = append(f.keys, f.keys[0]) }, ErrCorrupt, "twice"},
		"key of 5000 bytes":     {func(f *ggufFile) { f.set(strings.Repeat("k", 5000), "v") }, ErrCorrupt, "limit"},
		"tensor twice":          {func(f *ggufFile) { f.tensors = append(f.tensors, f.tensors[0]) }, ErrCorrupt, "twice"},
		"tensor missing":        {func(f *ggufFile) { f.tensors = f.tensors[:len(f.tensors)-1] }, ErrCorrupt, "model.norm.weight is missing"},
		"embedding missing":     {func(f *ggufFile) { f.tensors = f.tensors[1:] }, ErrCorrupt, "token_embd"},
		"surplus layer":         {func(f *ggufFile) { f.tensor("blk.1.attn_q.weight").name = "blk.2.attn_q.weight" }, ErrCorrupt, "layers.1.self_attn.q_proj"},
		"layer 01":              {func(f *ggufFile) { f.tensor("blk.1.attn_q.weight").name = "blk.01.attn_q.weight" }, ErrUnsupported, "blk.01"},
		"a bias in one layer":   {func(f *ggufFile) { f.add("blk.1.attn_q.bias", 64) }, ErrCorrupt, "q_proj.bias is not part"},
		"biases of q alone":     {func(f *ggufFile) { f.add("blk.0.attn_q.bias", 64); f.add("blk.1.attn_q.bias", 64) }, ErrCorrupt, "biases"},
		"norms of heads":        {func(f *ggufFile) { f.add("blk.0.attn_q_norm.weight", 16) }, ErrCorrupt, "q_norm.weight is not part"},
		"too many factors":      {func(f *ggufFile) { f.add("rope_freqs.weight", 9) }, ErrCorrupt, "rope_freqs.weight is [9]"},
		"factors of no law":     {func(f *ggufFile) { f.add("rope_freqs.weight", 8, 1, 2, 1, 2, 1, 2, 1, 2) }, ErrUnsupported, "rope_freqs"},
		"a factor of 0":         {func(f *ggufFile) { f.add("rope_freqs.weight", 8) }, ErrCorrupt, "rope_freqs.weight[0] is 0"},
		"two rope scalings": {func(f *ggufFile) {
			f.set("llama.rope.scaling.factor", float32(2))
			f.add("rope_freqs.weight", 8, 1, 1, 1, 1, 1, 1, 1, 1)
		}, ErrUnsupported, "rope_freqs"},
		"an unknown tensor": {func(f *ggufFile) { f.tensor("blk.1.ffn_up.weight").name = "blk.1.ffn_gate_inp.weight" }, ErrUnsupported, "ffn_gate_inp"},
		"type Q3_K":         {func(f *ggufFile) { f.tensors[3].kind = 11 }, ErrUnsupported, "Q3_K"},
		"type 77":           {func(f *ggufFile) { f.tensors[3].kind = 77 }, ErrUnsupported, "type 77"},
		"5 dimensions":      {func(f *ggufFile) { f.tensors[1].dims = []uint64{64, 1, 1, 1, 1} }, ErrCorrupt, "5 dimensions"},
		"no dimensions":     {func(f *ggufFile) { f.tensors[1].dims = nil }, ErrCorrupt, "0 dimensions"},
		"dimension 0":       {func(f *ggufFile) { f.tensors[1].dims = []uint64{0} }, ErrCorrupt, "shape"},
		"dimension 2^63":    {func(f *ggufFile) { f.tensors[1].dims = []uint64{1 << 63} }, ErrCorrupt, "dimension"},
		"product overflows": {func(f *ggufFile) { f.tensors[1].dims = []uint64{1 << 32, 1 << 32} }, ErrCorrupt, "shape"},
		"size overflows":    {func(f *ggufFile) { f.tensors[1].dims = []uint64{1 << 62} }, ErrCorrupt, "too large"},
		"wrong shape": {func(f *ggufFile) {
			f.tensors[2].dims = []uint64{64, 32}
			f.tensors[2].data = f.tensors[2].data[:64*32/32*20]
		}, ErrCorrupt, "q_proj.weight is [32 64]"},
		"rows that split blocks": {func(f *ggufFile) { f.tensors[2].dims = []uint64{16, 256} }, ErrCorrupt, "do not fill blocks"},
		"a gap":                  {func(f *ggufFile) { f.tensors[2].data = append(f.tensors[2].data, make([]byte, 64)...) }, ErrCorrupt, "starts at"},
		"an overlap":             {func(f *ggufFile) { f.tensors[2].data = f.tensors[2].data[:320] }, ErrCorrupt, "starts at"},
	} {
		f := tinyGGUF(tinyConfig)
		c.spoil(f)
		m, err := Open(f.write(t))
		if err == nil {
			m.Close()
		}
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v naming %q", name, err, c.want, c.says)
		}
	}
}

// TestGGUFCounts lies about the number of entries and tensors.
func TestGGUFCounts(t *testing.T) {
	whole := tinyGGUF(tinyConfig).bytes()
	for _, at := range []int{8, 16} {
		for _, n := range []uint64{1 << 16, 1<<16 + 1, 1 << 40, math.MaxUint64} {
			b := bytes.Clone(whole)
			copy(b[at:], putU64(nil, n))
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path); err == nil {
				t.Errorf("count at byte %d of %d was accepted", at, n)
			}
		}
	}
}

// TestGGUFNeutral accepts keys that say what is so anyway, and files whose header
// lists tensors in another order than the data.
func TestGGUFNeutral(t *testing.T) {
	f := tinyGGUF(tinyConfig)
	f.set("llama.rope.scaling.type", "none")
	f.set("llama.rope.scaling.factor", float32(1))
	f.set("llama.rope.dimension_count", uint32(16))
	f.set("llama.attention.key_length", uint32(16))
	f.set("llama.expert_count", uint32(0))
	f.set("llama.vocab_size", uint32(40))
	f.set("general.alignment", uint32(64))
	f.align = 64
	f.set("some.list", []string{"a", "b"})
	f.set("some.numbers", []int32{1, 2})
	f.set("some.signed", int32(-1))
	m, err := Open(f.write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	checkGGUF(t, m, f)
}

func FuzzGGUF(f *testing.F) {
	c := Config{
		Architecture: "llama", Hidden: 32, Layers: 1, Heads: 2, KVHeads: 1, HeadDim: 16, FFN: 32, Vocab: 3,
		MaxPositions: 8, RopeTheta: 10000, NormEps: 1e-5, Tied: true, EOS: []int32{2}, BOS: 1,
	}
	f.Add(tinyGGUF(c).bytes())
	c.Tied = false
	g := tinyGGUF(c)
	g.set("tokenizer.ggml.model", "gpt2")
	g.set("tokenizer.ggml.tokens", []string{"a", "b"})
	g.version = 2
	f.Add(g.bytes())
	c.HeadDim = 16
	h := tinyGGUF(c)
	h.add("rope_freqs.weight", 8, 1, 1, 1, 2, 4, 8, 8, 8)
	f.Add(h.bytes())
	h.set("tokenizer.ggml.model", "llama")
	h.set("tokenizer.ggml.tokens", []string{"a", "b", "ab"})
	h.set("tokenizer.ggml.scores", rawValue(append(putU64(putU32(putU32(nil, ggufArrayType), ggufF32), 3), make([]byte, 12)...)))
	h.set("tokenizer.chat_template", "{{ messages }}")
	f.Add(h.bytes())
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := memorySource("fuzz", data)
		g, err := parseGGUF(s)
		if err == nil {
			var c Config
			if c, err = g.config(); err == nil {
				if _, _, err = g.tokenizer(c); err == nil {
					_, err = g.chat(c)
				}
			}
			if err == nil {
				err = g.checkSize(s.size)
			}
		}
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("an error of neither kind: %v", err)
			}
			return
		}
		for _, r := range g.regions {
			n, _ := elements(r.shape)
			if n*int64(r.dtype.bytes) > s.size*int64(r.dtype.values) {
				t.Fatalf("%s of %v in %d bytes", r.name, r.shape, s.size)
			}
			if err := (stored{region: r, source: s}).read(0, make([]float32, n), 0); err != nil && !errors.Is(err, ErrNonFinite) {
				t.Fatal(err)
			}
		}
	})
}

// memorySource serves bytes that are in memory already.
func memorySource(path string, data []byte) *source {
	if data == nil {
		data = []byte{}
	}
	return &source{path: path, size: int64(len(data)), data: data}
}
