package weights

import (
	"fmt"
	"strconv"
	"strings"

	"hone/engine/tokenizer"
)

// ggufTop and ggufLayer map GGUF's tensor names to Hugging Face's.
var (
	ggufTop = map[string]string{
		"token_embd.weight": embeddingName, "output_norm.weight": normName, "output.weight": headName,
	}
	ggufLayer = map[string]string{
		"attn_norm.weight": "input_layernorm.weight", "ffn_norm.weight": "post_attention_layernorm.weight",
		"attn_q.weight": "self_attn.q_proj.weight", "attn_k.weight": "self_attn.k_proj.weight",
		"attn_v.weight": "self_attn.v_proj.weight", "attn_output.weight": "self_attn.o_proj.weight",
		"ffn_gate.weight": "mlp.gate_proj.weight", "ffn_up.weight": "mlp.up_proj.weight", "ffn_down.weight": "mlp.down_proj.weight",
		"attn_q.bias": "self_attn.q_proj.bias", "attn_k.bias": "self_attn.k_proj.bias",
		"attn_v.bias": "self_attn.v_proj.bias", "attn_output.bias": "self_attn.o_proj.bias",
		"ffn_gate.bias": "mlp.gate_proj.bias", "ffn_up.bias": "mlp.up_proj.bias", "ffn_down.bias": "mlp.down_proj.bias",
		"attn_q_norm.weight": "self_attn.q_norm.weight", "attn_k_norm.weight": "self_attn.k_norm.weight",
	}
)

// huggingFaceName maps a GGUF name; the part is the name within its layer, to tell
// queries and keys.
func huggingFaceName(name string) (mapped, part string, err error) {
	if mapped, ok := ggufTop[name]; ok {
		return mapped, "", nil
	}
	if rest, ok := strings.CutPrefix(name, "blk."); ok {
		number, part, _ := strings.Cut(rest, ".")
		layer, err := strconv.Atoi(number)
		if hf, ok := ggufLayer[part]; ok && err == nil && layer >= 0 && strconv.Itoa(layer) == number {
			return fmt.Sprintf("model.layers.%d.%s", layer, hf), part, nil
		}
	}
	return "", "", unsupported("tensor %s (%s)", clip(name), works)
}

// openGGUF maps a GGUF file and gives its tensors their Hugging Face names.
func (m *Model) openGGUF(mapped bool) error {
	m.Format = "gguf"
	s, err := openSource(m.Path, mapped)
	if err != nil {
		return fmt.Errorf("opening model: %w", err)
	}
	m.sources = append(m.sources, s)
	err = guard(m.Path, func() error {
		g, err := parseGGUF(s)
		if err != nil {
			return err
		}
		if m.Config, err = g.config(); err != nil {
			return err
		}
		if err := g.checkSize(s.size); err != nil {
			return err
		}
		m.headers = append(m.headers, [2]int64{0, min(g.data, s.size)})
		m.vocab, m.noVocab, err = g.tokenizer(m.Config)
		if err != nil {
			return err
		}
		if m.chat, err = g.chat(m.Config); err != nil {
			return err
		}
		return m.addGGUF(g, s)
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.Path, err)
	}
	return nil
}

func (m *Model) addGGUF(g *gguf, s *source) error {
	m.tensors = make(map[string]stored, len(g.regions))
	for _, r := range g.regions {
		if r.name == ggufRopeFactors {
			continue // the configuration has them
		}
		name, part, err := huggingFaceName(r.name)
		if err != nil {
			return err
		}
		t := stored{region: r, source: s, heads: ggufHeads(m.Config, part)}
		t.name = name
		m.tensors[name] = t
	}
	return nil
}

// ggufMetaspace is Hone's own: what a tokenizer.json says and llama.cpp does not know.
const ggufMetaspace = "hone.tokenizer.metaspace"

// tokenizer takes the vocabulary from the metadata. problem says why there is
// none that can be used; err that the file contradicts itself.
func (g *gguf) tokenizer(c Config) (v *tokenizer.Vocabulary, problem, err error) {
	model, err := g.text("tokenizer.ggml.model", "")
	if err != nil {
		return nil, nil, err
	}
	tokens, ok := g.values["tokenizer.ggml.tokens"].(ggufArray)
	switch {
	case model == "" || !ok:
		return nil, unsupported("the GGUF file has no tokenizer"), nil
	case model != tokenizer.ModelBytes && model != tokenizer.ModelScores:
		return nil, unsupported("tokenizer model %q in the GGUF file (what works: %s and %s)", clip(model), tokenizer.ModelBytes, tokenizer.ModelScores), nil
	}
	merges, merged := g.values["tokenizer.ggml.merges"].(ggufArray)
	types, typed := g.values["tokenizer.ggml.token_type"].(ggufArray)
	scores, scored := g.values["tokenizer.ggml.scores"].(ggufArray)
	switch {
	case model == tokenizer.ModelBytes && !merged:
		return nil, nil, corrupt("tokenizer.ggml.merges is missing")
	case model == tokenizer.ModelScores && !scored:
		return nil, nil, corrupt("tokenizer.ggml.scores is missing")
	case tokens.kind != ggufString || merged && merges.kind != ggufString:
		return nil, nil, corrupt("tokenizer.ggml.tokens and merges are not lists of strings")
	case typed && (types.ints == nil && types.n > 0 || types.n != tokens.n):
		return nil, nil, corrupt("tokenizer.ggml.token_type is not one integer for each of %d tokens", tokens.n)
	case scored && (scores.floats == nil && scores.n > 0 || scores.n != tokens.n):
		return nil, nil, corrupt("tokenizer.ggml.scores is not one number for each of %d tokens", tokens.n)
	}
	v = &tokenizer.Vocabulary{
		Model: model, Tokens: tokens.strings, Merges: merges.strings, Scores: scores.floats, Types: types.ints, BOS: int(c.BOS), EOS: -1,
	}
	if v.Pre, err = g.text("tokenizer.ggml.pre", "default"); err != nil {
		return nil, nil, err
	}
	if v.SpacePrefix, err = g.boolean("tokenizer.ggml.add_space_prefix", model == tokenizer.ModelScores); err != nil {
		return nil, nil, err
	}
	if v.Metaspace, err = g.text(ggufMetaspace, ""); err != nil {
		return nil, nil, err
	}
	// llama.cpp adds a BOS with scores and with the Llama 3 pre-tokenizer unless told
	// otherwise.
	adds := v.Pre == "llama-bpe" || model == tokenizer.ModelScores && v.BOS >= 0
	if v.AddBOS, err = g.boolean("tokenizer.ggml.add_bos_token", adds); err != nil {
		return nil, nil, err
	}
	if len(c.EOS) > 0 {
		v.EOS = int(c.EOS[0])
	}
	return v, nil, nil
}

// Chat is what a GGUF file says of conversations.
type Chat struct {
	Template string            // Jinja; "" = none
	Tokens   map[string]string // texts of tokens by the names that templates have for them
}

// chat reads the template, and the tokens that it may name.
func (g *gguf) chat(c Config) (chat Chat, err error) {
	if chat.Template, err = g.text("tokenizer.chat_template", ""); err != nil {
		return chat, err
	}
	tokens, _ := g.values["tokenizer.ggml.tokens"].(ggufArray)
	chat.Tokens = map[string]string{}
	for name, key := range map[string]string{
		"bos_token": "tokenizer.ggml.bos_token_id", "eos_token": ggufEnds[0],
		"pad_token": "tokenizer.ggml.padding_token_id", "unk_token": "tokenizer.ggml.unknown_token_id",
	} {
		id, err := g.token(key, c.Vocab)
		if err != nil {
			return chat, err
		}
		if id >= 0 && int(id) < len(tokens.strings) {
			chat.Tokens[name] = tokens.strings[id]
		}
	}
	return chat, nil
}

// Chat returns what a GGUF file says of conversations; nothing for safetensors.
func (m *Model) Chat() Chat { return m.chat }

// Vocabulary returns the tokenizer data of a GGUF file; its slices are shared and
// not to be changed. ok is false for safetensors, and where the file has none
// that is known: [Model.TokenizerProblem] says which.
func (m *Model) Vocabulary() (v tokenizer.Vocabulary, ok bool) {
	if m.vocab == nil {
		return tokenizer.Vocabulary{}, false
	}
	return *m.vocab, true
}

// TokenizerProblem says why the model has neither a vocabulary nor a
// tokenizer.json, nil if it has one.
func (m *Model) TokenizerProblem() error {
	switch {
	case m.vocab != nil || m.tokens != "":
		return nil
	case m.noVocab != nil:
		return fmt.Errorf("tokenizer of %s: %w", m.Path, m.noVocab)
	}
	return fmt.Errorf("tokenizer of %s: %w", m.Path, unsupported("no tokenizer.json beside the weights"))
}
