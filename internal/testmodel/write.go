package testmodel

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write makes the model directory dir, which must be empty or absent. Equal
// arguments give equal bytes; a tensor's values depend on its name and the seed
// only, not on the other tensors or the number of shards.
func Write(dir string, s Shape, o Options) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("shape of a test model: %w", err)
	}
	list := s.tensors()
	if o.Shards < 0 || o.Shards > len(list) {
		return fmt.Errorf("%d shards for %d tensors", o.Shards, len(list))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the model directory: %w", err)
	}
	switch entries, err := os.ReadDir(dir); {
	case err != nil:
		return fmt.Errorf("reading the model directory: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("writing a test model to %s: %w", dir, errNotEmpty)
	}
	if err := writeConfigs(dir, s, o); err != nil {
		return err
	}
	return writeWeights(dir, list, o)
}

func writeConfigs(dir string, s Shape, o Options) error {
	eos := o.EOS
	if eos == 0 {
		eos = 2
	}
	theta := s.Theta
	if theta == 0 {
		theta = 10000
	}
	config := map[string]any{
		"architectures":           []string{"LlamaForCausalLM"},
		"model_type":              "llama",
		"hidden_act":              "silu",
		"attention_bias":          false,
		"mlp_bias":                false,
		"hidden_size":             s.Hidden,
		"num_hidden_layers":       s.Layers,
		"num_attention_heads":     s.Heads,
		"num_key_value_heads":     s.KVHeads,
		"head_dim":                s.headDim(),
		"intermediate_size":       s.FFN,
		"vocab_size":              s.Vocab,
		"max_position_embeddings": 2048,
		"rope_theta":              theta,
		"rope_scaling":            nil,
		"rms_norm_eps":            1e-5,
		"tie_word_embeddings":     s.Tied,
		"bos_token_id":            1,
		"eos_token_id":            eos,
		"dtype":                   "bfloat16",
	}
	if err := writeJSON(filepath.Join(dir, "config.json"), config); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, "generation_config.json"), map[string]any{"bos_token_id": 1, "eos_token_id": eos}); err != nil {
		return err
	}
	if o.Tokenizer == "" {
		return nil
	}
	raw, err := os.ReadFile(o.Tokenizer)
	if err != nil {
		return fmt.Errorf("reading the tokenizer of a test model: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), raw, 0o666); err != nil {
		return fmt.Errorf("writing the tokenizer of a test model: %w", err)
	}
	return nil
}

// writeWeights writes the tensors in o.Shards files of about equal size.
func writeWeights(dir string, list []tensor, o Options) error {
	if o.Shards <= 1 {
		return writeShard(filepath.Join(dir, "model.safetensors"), list, o)
	}
	files := map[string]string{} // tensor name -> file name
	var bytes int64
	for i, part := range split(list, o.Shards) {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, o.Shards)
		for _, t := range part {
			files[t.name] = name
			bytes += 2 * int64(t.size())
		}
		if err := writeShard(filepath.Join(dir, name), part, o); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(dir, "model.safetensors.index.json"), map[string]any{
		"metadata":   map[string]any{"total_size": bytes},
		"weight_map": files,
	})
}

// split cuts list, in order, into n parts of about equal size, none empty.
func split(list []tensor, n int) [][]tensor {
	total := 0
	for _, t := range list {
		total += t.size()
	}
	parts := make([][]tensor, 0, n)
	first, seen := 0, 0
	for i, t := range list {
		seen += t.size()
		left := n - len(parts) // parts still to close, this one included
		if left == 1 {
			break
		}
		full := float64(seen) >= float64(total)*float64(len(parts)+1)/float64(n)
		if full || len(list)-i == left {
			parts = append(parts, list[first:i+1])
			first = i + 1
		}
	}
	return append(parts, list[first:])
}

// writeShard writes one safetensors file: the header's length in eight bytes
// little endian, the header as JSON, the values end to end.
func writeShard(path string, list []tensor, o Options) (err error) {
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	at := 0
	for _, t := range list {
		end := at + 2*t.size()
		header[t.name] = entry{"BF16", t.shape, [2]int{at, end}}
		at = end
	}
	raw, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("encoding the header of %s: %w", path, err)
	}
	for len(raw)%8 != 0 {
		raw = append(raw, ' ') // so that the values are aligned
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing weights: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("writing weights: %w", closeErr))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	_ = binary.Write(w, binary.LittleEndian, uint64(len(raw))) // a bufio.Writer keeps its error for Flush
	_, _ = w.Write(raw)
	for _, t := range list {
		if o.Check != nil {
			if err := o.Check(); err != nil {
				return err
			}
		}
		writeValues(w, t, o.Seed)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing weights to %s: %w", path, err)
	}
	return nil
}

// writeValues draws a tensor: vectors, which are norms, around one; matrices
// normal with 1/sqrt(in), so that activations keep their size in any shape.
func writeValues(w io.Writer, t tensor, seed uint64) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, t.name)
	draw := rand.New(rand.NewPCG(seed, h.Sum64()))
	mean, deviation := 1.0, 0.1
	if len(t.shape) == 2 {
		mean, deviation = 0, 1/math.Sqrt(float64(t.shape[1]))
	}
	row := make([]byte, 2*t.shape[len(t.shape)-1])
	for range t.size() / (len(row) / 2) {
		for i := 0; i < len(row); i += 2 {
			binary.LittleEndian.PutUint16(row[i:], bfloat16(float32(mean+deviation*draw.NormFloat64())))
		}
		_, _ = w.Write(row)
	}
}

// bfloat16 rounds a finite number to the nearest bfloat16, ties to even.
func bfloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func writeJSON(path string, value any) error {
	raw, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o666); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
