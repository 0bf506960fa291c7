package weights

// ggufArch is an architecture as llama.cpp computes it.
type ggufArch struct {
	// permuted says that the rotary embedding turns neighbours of a head, not its
	// halves: rows of queries and keys are in another order than Hugging Face's.
	permuted bool
	// factors says that rope_freqs.weight divides the frequencies: rope scaling llama3.
	factors bool
	// outBias and mlpBias say that o_proj, or gate_proj, up_proj and down_proj, may
	// add a bias. Those of q_proj, k_proj and v_proj are known everywhere.
	outBias, mlpBias bool
	// square says that all heads together are as wide as the residual stream.
	square bool
}

// ggufArchs are the architectures by general.architecture.
var ggufArchs = map[string]ggufArch{
	"llama": {permuted: true, factors: true, outBias: true, mlpBias: true},
	"qwen2": {square: true},
	"qwen3": {},
}

const ggufWorks = "what works in GGUF: llama, qwen2 and qwen3"

// ggufArchName is the general.architecture of a model: a Mistral is a llama there.
func ggufArchName(c Config) string {
	if c.Architecture == "mistral" {
		return "llama"
	}
	return c.Architecture
}

// CheckGGUF says what of a configuration a GGUF file that Hone writes cannot hold. The
// error wraps [ErrUnsupported].
func CheckGGUF(c Config) error {
	name := ggufArchName(c)
	arch, known := ggufArchs[name]
	switch {
	case !known:
		return unsupported("architecture %s in a GGUF file (%s)", c.Architecture, ggufWorks)
	case c.Window > 0 && c.Window < c.MaxPositions:
		// llama.cpp's llama sees all positions before. A window that no text exceeds
		// changes nothing.
		return unsupported("a sliding window of %d positions in texts of up to %d in a GGUF file of architecture %s", c.Window, c.MaxPositions, name)
	case c.OBias && !arch.outBias:
		return unsupported("a bias of o_proj in a GGUF file of architecture %s", name)
	case c.MLPBias && !arch.mlpBias:
		return unsupported("biases of the MLP in a GGUF file of architecture %s", name)
	case c.RopeScaling.Kind == ScaleLlama3 && !arch.factors:
		return unsupported("rope scaling %s in a GGUF file of architecture %s", c.RopeScaling.Kind, name)
	case len(c.EOS) > len(ggufEnds):
		return unsupported("%d tokens that end a text in a GGUF file (what works: up to %d)", len(c.EOS), len(ggufEnds))
	case arch.square && c.Heads*c.HeadDim != c.Hidden:
		return unsupported("%d heads of %d, which are not %d together, in a GGUF file of architecture %s", c.Heads, c.HeadDim, c.Hidden, name)
	}
	return c.Validate()
}

// ggufHeads is in how many heads llama.cpp permutes the rows of a tensor, or of the B of
// its adapter; 0: not at all. part is GGUF's name within a layer.
func ggufHeads(c Config, part string) int {
	if !ggufArchs[ggufArchName(c)].permuted {
		return 0
	}
	switch part {
	case "attn_q.weight", "attn_q.bias":
		return c.Heads
	case "attn_k.weight", "attn_k.bias":
		return c.KVHeads
	}
	return 0
}
