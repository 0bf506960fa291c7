package weights

import (
	"math"
	"path/filepath"
	"slices"
)

// WriteAdapter writes a PEFT adapter directory: adapter_config.json with the keys
// that PEFT writes, so that PEFT, AutoPeftModel, vLLM and llama.cpp's converter
// load it, and adapter_model.safetensors in F32.
//
// The adapter has to pass the checks of [ReadAdapter]; a value that is not finite
// is a [*NonFiniteError]. A dir that does not exist appears whole or not at all. In
// one that exists the two files are replaced one after the other, the tensors
// first.
func WriteAdapter(dir string, a *Adapter) error {
	checked := Adapter{Config: a.Config, Tensors: a.Tensors}
	err := checked.Config.validate()
	if err == nil {
		err = checked.check()
	}
	if err != nil {
		return wrapAdapter("writing", dir, err)
	}
	config, err := marshal(adapterJSON(checked.Config))
	if err != nil {
		return wrapAdapter("writing", dir, err)
	}
	named := slices.Clone(a.Tensors)
	for i := range named {
		named[i].Name = adapterPrefix + named[i].Name
	}
	return wrapAdapter("writing", dir, writeDir(dir, func(dir string) error {
		if err := WriteSafetensors(filepath.Join(dir, adapterFile), named, nil); err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, adapterConfigFile), config)
	}))
}

// adapterJSON has the keys of a file written by PEFT 0.17.
func adapterJSON(c AdapterConfig) map[string]any {
	var alpha any = c.Alpha
	if c.Alpha == math.Trunc(c.Alpha) {
		alpha = int64(c.Alpha) // Ollama reads an integer only
	}
	var layers, base, targets any = nil, nil, c.Targets
	if c.Regex != "" {
		targets = c.Regex
	}
	var exclude any
	switch {
	case c.ExcludeRegex != "":
		exclude = c.ExcludeRegex
	case len(c.Exclude) > 0:
		exclude = c.Exclude
	}
	if c.Layers != nil {
		layers = c.Layers
	}
	if c.Base != "" {
		base = c.Base
	}
	return map[string]any{
		"alpha_pattern": c.Alphas, "auto_mapping": nil, "base_model_name_or_path": base, "bias": "none", "corda_config": nil,
		"eva_config": nil, "exclude_modules": exclude, "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
		"layer_replication": nil, "layers_pattern": nil, "layers_to_transform": layers, "loftq_config": map[string]any{},
		"lora_alpha": alpha, "lora_bias": false, "lora_dropout": float(c.Dropout), "megatron_config": nil,
		"megatron_core": "megatron.core", "modules_to_save": nil, "peft_type": "LORA", "qalora_group_size": 16, "r": c.R,
		"rank_pattern": c.Ranks, "revision": nil, "target_modules": targets, "target_parameters": nil,
		"task_type": "CAUSAL_LM", "trainable_token_indices": nil, "use_dora": false, "use_qalora": false, "use_rslora": c.RSLoRA,
	}
}
