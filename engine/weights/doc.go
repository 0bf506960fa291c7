// Package weights reads and writes what a model is made of: configurations,
// weight files and LoRA adapters.
//
// [Open] takes a directory in Hugging Face's layout (config.json with
// model.safetensors, or shards with model.safetensors.index.json) or a GGUF
// file. Weights are read piece by piece when a tensor is asked for.
//
//	m, err := weights.Open("SmolLM2-135M-Instruct-Q4_1.gguf")
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//	shape, _ := m.Shape("model.layers.0.self_attn.q_proj.weight") // [out, in]
//	w := make([]float32, shape[0]*shape[1])
//	err = m.Float32("model.layers.0.self_attn.q_proj.weight", w)
//
// Whatever the file, tensors have Hugging Face's names and orientation,
// row-major [out, in]: GGUF names are mapped, quantized blocks de-quantized and
// llama.cpp's permutation of query and key rows is undone.
//
// Everything that is read is taken as hostile. Sizes are checked before memory
// is taken, the tensors must be exactly those of the configuration, and a
// configuration that asks for arithmetic the engine does not do is refused by
// name rather than computed wrongly. Errors wrap [ErrCorrupt] for broken files,
// [ErrUnsupported] for sound files that ask for something else, and
// [ErrNonFinite] for NaN and infinite weights.
//
// Safetensors models are written by [WriteModel] and [SafetensorsWriter], small
// files by [WriteSafetensors], and LoRA adapters in PEFT's layout are read and
// written by [ReadAdapter] and [WriteAdapter]. All writing goes to a name beside
// the target, is synced and then renamed, so that a reader never sees half a file.
package weights
