package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	adapterConfigFile = "adapter_config.json"
	adapterFile       = "adapter_model.safetensors"
	adapterPrefix     = "base_model.model.model."
)

// ReadAdapter reads a PEFT adapter directory: adapter_config.json and
// adapter_model.safetensors in F32, F16 or BF16. It is strict both ways: every
// module that the targets pick has A and B of its rank in the layers found, and
// nothing else is there, since a tensor under a name nobody looks for would silently
// leave the base model as it is. [Adapter.CheckModel] then compares with a base model.
//
// DoRA, biases, modules_to_save and everything else that is not LoRA of linear
// modules is [ErrUnsupported] by name; NaN and infinities are a
// [*NonFiniteError].
func ReadAdapter(dir string) (*Adapter, error) {
	a, err := readAdapter(dir)
	return a, wrapAdapter("reading", dir, err)
}

func readAdapter(dir string) (*Adapter, error) {
	data, err := place{dir: dir}.read(adapterConfigFile, maxConfig)
	if err != nil {
		return nil, err
	}
	parsed, err := parseAdapterConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", adapterConfigFile, err)
	}
	path := filepath.Join(dir, adapterFile)
	tensors, _, err := ReadSafetensors(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, pickle := os.Stat(filepath.Join(dir, "adapter_model.bin")); pickle == nil {
			return nil, unsupported("tensors in adapter_model.bin (what works: %s)", adapterFile)
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range tensors {
		name, ok := strings.CutPrefix(tensors[i].Name, adapterPrefix)
		if !ok {
			if !strings.HasPrefix(tensors[i].Name, "base_model.model.") {
				return nil, corrupt("tensor %s does not start with %s, no reader would apply it", clip(tensors[i].Name), adapterPrefix)
			}
			return nil, refuseTensor(tensors[i].Name)
		}
		tensors[i].Name = name
	}
	return parsed.adapter(tensors)
}

// adapterFields is an adapter_config.json with its targets still as written.
type adapterFields struct {
	config AdapterConfig // its Targets and Regex are target_modules
}

// layersBeyond is how many layers after those found are looked at to see whether
// targets pick the same modules in every layer: longer than the period or the
// digits of any sensible expression.
const layersBeyond = 128

// adapter resolves the targets against the tensors and checks both. Targets that
// pick the same modules in every layer become the names of these; others stay as
// they are written.
func (p adapterFields) adapter(tensors []Tensor) (*Adapter, error) {
	a := &Adapter{Config: p.config, Tensors: tensors}
	last := -1
	for _, t := range tensors {
		layer, _, _, ok := parseLoraName(t.Name)
		if !ok {
			return nil, refuseTensor(t.Name)
		}
		last = max(last, layer)
	}
	if last < 0 {
		return nil, corrupt("no targets: the adapter has no tensors (%s)", adapterWorks)
	}
	s, err := p.config.selection()
	if err != nil {
		return nil, err
	}
	s.Layers = nil // they choose after the names
	var same []string
	everywhere := true
	for _, linear := range Linears {
		picked := 0
		for layer := range last + 1 + layersBeyond {
			if _, ok := s.target(moduleName(layer, linear), layer); ok {
				picked++
			}
		}
		if picked > 0 {
			same = append(same, linear)
		}
		everywhere = everywhere && (picked == 0 || picked == last+1+layersBeyond)
	}
	switch {
	case len(same) == 0:
		return nil, corrupt("no targets (%s)", adapterWorks)
	case everywhere:
		a.Config.Targets, a.Config.Regex, a.Config.Exclude, a.Config.ExcludeRegex = same, "", nil, ""
	default:
		a.Config.Targets = slices.DeleteFunc(slices.Clone(a.Config.Targets), func(t string) bool { return !NamesLinear(t) })
	}
	if err := a.Config.validate(); err != nil {
		return nil, err
	}
	return a, a.check()
}

func parseAdapterConfig(data []byte) (adapterFields, error) {
	var p adapterFields
	f, err := parseFields(data)
	if err != nil {
		return p, err
	}
	if err := checkPlainLora(f); err != nil {
		return p, err
	}
	c := &p.config
	if c.R, err = f.integer("r", 8); err != nil {
		return p, err
	}
	if c.Alpha, err = f.number("lora_alpha", 8); err != nil {
		return p, err
	}
	if c.Dropout, err = f.number("lora_dropout", 0); err != nil {
		return p, err
	}
	if c.RSLoRA, err = f.boolean("use_rslora"); err != nil {
		return p, err
	}
	if c.Base, err = f.text("base_model_name_or_path", ""); err != nil {
		return p, err
	}
	if c.Layers, err = f.layers("layers_to_transform"); err != nil {
		return p, err
	}
	if c.Ranks, err = f.patterns("rank_pattern", CheckRank); err != nil {
		return p, err
	}
	if c.Alphas, err = f.patterns("alpha_pattern", CheckAlpha); err != nil {
		return p, err
	}
	if err := p.parseExclude(f); err != nil {
		return p, err
	}
	return p, p.parseTargets(f)
}

// parseExclude reads exclude_modules: a list of names, or a regular expression.
func (p *adapterFields) parseExclude(f fields) error {
	const key = "exclude_modules"
	c := &p.config
	switch {
	case !f.has(key):
		return nil
	case f[key][0] == '[':
		if err := json.Unmarshal(f[key], &c.Exclude); err != nil {
			return corrupt("%s is %s, not a list of names", key, clip(string(f[key])))
		}
		if len(c.Exclude) > maxPatterns {
			return unsupported("%s of %d entries (what works: up to %d)", key, len(c.Exclude), maxPatterns)
		}
		return nil
	}
	var err error
	if c.ExcludeRegex, err = f.text(key, ""); err != nil || c.ExcludeRegex == "" {
		return err
	}
	_, err = compilePattern(key, c.ExcludeRegex)
	return err
}

// layers returns an integer or a list of them, nil where the key is absent, null
// or an empty list, which all mean every layer.
func (f fields) layers(key string) ([]int, error) {
	if !f.has(key) {
		return nil, nil
	}
	var list []int
	if f[key][0] != '[' {
		one, err := f.integer(key, 0)
		return []int{one}, err
	}
	if err := json.Unmarshal(f[key], &list); err != nil {
		return nil, corrupt("%s is %s, not a list of layers", key, clip(string(f[key])))
	}
	if len(list) == 0 {
		return nil, nil
	}
	return slices.Compact(slices.Sorted(slices.Values(list))), nil
}

// parseTargets reads target_modules: a list of names, a regular expression, or
// "all-linear". PEFT's default for this architecture is q_proj and v_proj.
func (p *adapterFields) parseTargets(f fields) error {
	const key = "target_modules"
	c := &p.config
	if !f.has(key) {
		c.Targets = []string{"q_proj", "v_proj"}
		return nil
	}
	if f[key][0] == '[' {
		if err := json.Unmarshal(f[key], &c.Targets); err != nil {
			return corrupt("%s is %s, not a list of names", key, clip(string(f[key])))
		}
		return nil
	}
	pattern, err := f.text(key, "")
	if err != nil {
		return err
	}
	if pattern == "all-linear" {
		c.Targets = Linears
		return nil
	}
	c.Regex = pattern
	_, err = compilePattern(key, pattern)
	return err
}

// checkPlainLora refuses, by its key, everything that makes an adapter more than
// plain LoRA.
func checkPlainLora(f fields) error {
	kind, err := f.text("peft_type", "")
	switch {
	case err != nil:
		return err
	case kind == "":
		return corrupt("peft_type is missing")
	case kind != "LORA":
		return unsupported("peft_type %q (what works: LORA)", clip(kind))
	}
	task, err := f.text("task_type", "CAUSAL_LM")
	if err != nil {
		return err
	}
	if task != "CAUSAL_LM" {
		return unsupported("task_type %q (what works: CAUSAL_LM)", clip(task))
	}
	bias, err := f.text("bias", "none")
	if err != nil {
		return err
	}
	if bias != "none" {
		return unsupported("bias %q (what works: none)", clip(bias))
	}
	for _, key := range sortedKeys(f) {
		switch key {
		case "use_rslora", "layers_pattern":
			continue
		case "modules_to_save", "trainable_token_indices",
			"target_parameters", "layer_replication", "alora_invocation_tokens", "arrow_config":
			if v := strings.Join(strings.Fields(string(f[key])), ""); f.has(key) && v != "{}" && v != "[]" && v != `""` {
				return unsupported("%s %s (%s)", key, clip(v), adapterWorks)
			}
		case "fan_in_fan_out", "lora_bias":
			if on, err := f.boolean(key); err != nil {
				return err
			} else if on {
				return unsupported("%s true (%s)", key, adapterWorks)
			}
		case "init_lora_weights":
			if err := checkInit(f); err != nil {
				return err
			}
		default: // use_dora, use_qalora, and whatever comes next
			if strings.HasPrefix(key, "use_") && f.has(key) && string(f[key]) != "false" {
				return unsupported("%s %s (%s)", clip(key), clip(string(f[key])), adapterWorks)
			}
		}
	}
	return nil
}

// checkInit refuses initializations that also change the base model's weights, so
// that the adapter belongs to a base model nobody has.
func checkInit(f fields) error {
	v := string(f["init_lora_weights"])
	switch v {
	case "null", "true", "false", `"gaussian"`, `"eva"`, `"orthogonal"`:
		return nil
	}
	return unsupported("init_lora_weights %s, which changes the base model (what works: true, false, gaussian, eva, orthogonal)", clip(v))
}
