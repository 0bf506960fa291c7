package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteModel writes a model directory that [Open] and transformers read:
// config.json and safetensors of dtype "F32" or "BF16", sharded with an index
// where one file would exceed shardBytes of tensor data (0: never; a larger tensor
// gets a shard of its own).
//
// tensor returns the values of a tensor of [ExpectedTensors]; they are not kept, so
// that only one tensor need be in memory. Its error ends the writing. A value that is not finite, or becomes
// so as BF16, ends the writing with a [*NonFiniteError]. A dir that does not exist
// appears whole or not at all; one that holds a model already is refused with
// [fs.ErrExist].
func WriteModel(dir string, c Config, shardBytes int64, dtype string, tensor func(name string, shape []int) ([]float32, error)) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("writing model %s: %w", dir, err)
	}
	for _, pattern := range []string{"config.json", "model*.safetensors", indexFile} {
		if there, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern)); len(there) > 0 {
			return fmt.Errorf("writing model %s: %s is there already: %w", dir, filepath.Base(there[0]), fs.ErrExist)
		}
	}
	config, err := configJSON(c, dtype)
	if err != nil {
		return fmt.Errorf("writing model %s: %w", dir, err)
	}
	err = writeDir(dir, func(dir string) error {
		files, err := writeShards(dir, ExpectedTensors(c), shardBytes, dtype, tensor)
		if err == nil {
			err = writeFile(filepath.Join(dir, "config.json"), config) // last: without it this is no model
		}
		if err != nil { // dir may have been there before
			for _, file := range files {
				_ = os.Remove(filepath.Join(dir, file))
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("writing model %s: %w", dir, err)
	}
	return nil
}

// escapeGlob quotes the characters that filepath.Glob takes for patterns.
func escapeGlob(path string) string {
	var b bytes.Buffer
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || (r == '\\' && os.PathSeparator != '\\') {
			b.WriteByte('[')
			b.WriteRune(r)
			b.WriteByte(']')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// writeShards writes the weights, and the index if there is more than one file. It
// returns the files it made, also on an error.
func writeShards(dir string, tensors []Tensor, shardBytes int64, dtype string, tensor func(string, []int) ([]float32, error)) (files []string, err error) {
	width := int64(4)
	if dtype == "BF16" {
		width = 2
	}
	var shards [][]Tensor
	total, size := int64(0), int64(0)
	for _, t := range tensors {
		n, _ := elements(t.Shape) // Validate has bounded it
		bytes := n * width
		if len(shards) == 0 || shardBytes > 0 && size > 0 && size+bytes > shardBytes {
			shards = append(shards, nil)
			size = 0
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], t)
		size += bytes
		total += bytes
	}
	where := map[string]string{}
	for i, shard := range shards {
		file := singleFile
		if len(shards) > 1 {
			file = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		}
		for _, t := range shard {
			where[t.Name] = file
		}
		if err := writeShard(filepath.Join(dir, file), shard, dtype, tensor); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	if len(shards) == 1 {
		return files, nil
	}
	index, err := marshal(map[string]any{"metadata": map[string]int64{"total_size": total}, "weight_map": where})
	if err == nil {
		files = append(files, indexFile)
		err = writeFile(filepath.Join(dir, indexFile), index)
	}
	return files, err
}

func writeShard(path string, tensors []Tensor, dtype string, tensor func(string, []int) ([]float32, error)) error {
	w, err := NewSafetensorsWriter(path, dtype, tensors, nil)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, t := range tensors {
		data, err := tensor(t.Name, t.Shape)
		if err != nil {
			return err
		}
		if err := ScanNonFinite(t.Name, data); err != nil {
			return err
		}
		if dtype == "BF16" {
			if err := scanOverflow(t.Name, data); err != nil {
				return err
			}
		}
		if err := w.Write(t.Name, data); err != nil {
			return err
		}
	}
	return w.Close()
}

// scanOverflow finds finite values that round to infinity as BF16.
func scanOverflow(name string, data []float32) error {
	for i, v := range data {
		if floatToBF16(v)&0x7f80 == 0x7f80 {
			return &NonFiniteError{Tensor: name, Index: i, Value: v}
		}
	}
	return nil
}

// configJSON returns a config.json as transformers writes it.
func configJSON(c Config, dtype string) ([]byte, error) {
	torch := map[string]string{"F32": "float32", "BF16": "bfloat16"}[dtype]
	if torch == "" {
		return nil, unsupported("writing dtype %q (what works: F32, BF16)", dtype)
	}
	var bos, eos any
	if c.BOS >= 0 {
		bos = c.BOS
	}
	switch len(c.EOS) {
	case 0:
	case 1:
		eos = c.EOS[0]
	default:
		eos = c.EOS
	}
	initial := c.InitializerRange
	if initial == 0 {
		initial = DefaultInitializerRange
	}
	config := map[string]any{
		"architectures": []string{families[c.Architecture].class}, "model_type": c.Architecture, "torch_dtype": torch,
		"hidden_size": c.Hidden, "num_hidden_layers": c.Layers, "num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads,
		"head_dim": c.HeadDim, "intermediate_size": c.FFN, "vocab_size": c.Vocab, "max_position_embeddings": c.MaxPositions,
		"hidden_act": "silu", "rms_norm_eps": c.NormEps, "rope_theta": float(c.RopeTheta), "rope_scaling": scalingJSON(c.RopeScaling),
		"attention_dropout": float(0), "tie_word_embeddings": c.Tied,
		"bos_token_id": bos, "eos_token_id": eos, "use_cache": true, "initializer_range": initial,
	}
	for _, key := range families[c.Architecture].biases {
		config[key] = map[string]bool{"attention_bias": c.OBias, "mlp_bias": c.MLPBias}[key]
	}
	switch c.Architecture {
	case "mistral":
		config["sliding_window"] = nil
		if c.Window > 0 {
			config["sliding_window"] = c.Window
		}
	case "qwen2", "qwen3":
		config["use_sliding_window"] = c.Window > 0
		if c.Window > 0 {
			types := make([]string, c.Layers)
			for layer := range types {
				types[layer] = attentionKinds[c.WindowOf(layer) > 0]
			}
			config["sliding_window"], config["layer_types"] = c.Window, types
		}
	}
	return marshal(config)
}

// scalingJSON is rope_scaling as transformers writes it.
func scalingJSON(s RopeScaling) any {
	switch s.Kind {
	case ScaleLinear:
		return map[string]any{"rope_type": s.Kind, "factor": float(s.Factor)}
	case ScaleLlama3:
		return map[string]any{
			"rope_type": s.Kind, "factor": float(s.Factor), "low_freq_factor": float(s.LowFreq), "high_freq_factor": float(s.HighFreq),
			"original_max_position_embeddings": s.Original,
		}
	}
	return nil
}

// float is a float64 that JSON shows with a fraction, as Python writes it.
type float float64

// MarshalJSON implements json.Marshaler.
func (f float) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(float64(f))
	if err == nil && !bytes.ContainsAny(b, ".eE") {
		b = append(b, ".0"...)
	}
	return b, err
}

// marshal writes JSON as Hugging Face's libraries do: indent 2, sorted keys, no
// HTML escapes.
func marshal(v map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
