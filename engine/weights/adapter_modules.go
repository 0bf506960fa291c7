package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// AdapterModule is a linear module that an adapter changes.
type AdapterModule struct {
	Layer  int
	Linear string  // one of Linears
	R      int     // its rank
	Alpha  float64 //
	Scale  float64 // Alpha/R, or Alpha/sqrt(R) for rsLoRA
}

// Name is the module's name in the model: model.layers.7.mlp.down_proj.
func (m AdapterModule) Name() string { return moduleName(m.Layer, m.Linear) }

func moduleName(layer int, linear string) string {
	return "model.layers." + strconv.Itoa(layer) + "." + linearModule[linear]
}

// Pattern gives the modules whose name it matches a value of their own.
type Pattern struct {
	Name  string // end of a module's name, or a regular expression of it
	Value float64
}

// Patterns are in the order in which they are tried: the first that matches counts.
type Patterns []Pattern

// MarshalJSON writes an object in the order of the patterns.
func (p Patterns) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, x := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Limits of what is matched with the names of modules.
const (
	maxPattern  = 1 << 14 // bytes
	maxPatterns = 4096
)

// compilePattern makes of PEFT's re.fullmatch a Go expression. What Python knows and
// Go does not (lookaround, back references) is refused.
func compilePattern(what, pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, unsupported("%s with a pattern of %d bytes (what works: up to %d)", what, len(pattern), maxPattern)
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, unsupported("%s %q, which is no regular expression known here (what works: a list of names)", what, clip(pattern))
	}
	return re, nil
}

// compiled are patterns ready to match: PEFT's get_pattern_key, which looks for
// (.*\.)?(pattern) as the whole name.
type compiled []struct {
	re *regexp.Regexp
	Pattern
}

func (p Patterns) compile(key string) (compiled, error) {
	if len(p) > maxPatterns {
		return nil, unsupported("%s of %d entries (what works: up to %d)", key, len(p), maxPatterns)
	}
	var out compiled
	for _, x := range p {
		re, err := compilePattern(key, `(?:.*\.)?(?:`+x.Name+`)`)
		if err != nil {
			return nil, err
		}
		out = append(out, struct {
			re *regexp.Regexp
			Pattern
		}{re, x})
	}
	return out, nil
}

// of is the value of the first pattern that matches, and its index; -1 for the
// default.
func (p compiled) of(module string, or float64) (float64, int) {
	for i, x := range p {
		if x.re.MatchString(module) {
			return x.Value, i
		}
	}
	return or, -1
}

// selection is what an adapter's configuration says of modules by their name.
type selection struct {
	AdapterConfig
	regex, exclude *regexp.Regexp // nil: names
	ranks, alphas  compiled
}

func (c AdapterConfig) selection() (s selection, err error) {
	s.AdapterConfig = c
	if c.Regex != "" {
		if s.regex, err = compilePattern("target_modules", c.Regex); err != nil {
			return s, err
		}
	}
	if c.ExcludeRegex != "" {
		if s.exclude, err = compilePattern("exclude_modules", c.ExcludeRegex); err != nil {
			return s, err
		}
	}
	if s.ranks, err = c.Ranks.compile("rank_pattern"); err != nil {
		return s, err
	}
	s.alphas, err = c.Alphas.compile("alpha_pattern")
	return s, err
}

// names reports whether an entry is a module's name, or the end of it after a dot.
func names(entry, module string) bool {
	return entry == module || strings.HasSuffix(module, "."+entry)
}

// excluded reports whether a module is left out whatever the targets say.
func (s selection) excluded(module string) bool {
	if s.exclude != nil {
		return s.exclude.MatchString(module)
	}
	return slices.ContainsFunc(s.Exclude, func(entry string) bool { return names(entry, module) })
}

// target is the entry of Targets that picks a module, -1 for none. PEFT picks a
// module by an entry that is its whole name or the end of it after a dot, the
// latter in the chosen layers only, or by an expression of the whole name; before
// that it leaves out what exclude_modules names.
func (s selection) target(module string, layer int) (entry int, ok bool) {
	if s.excluded(module) {
		return -1, false
	}
	if s.regex != nil {
		return -1, s.regex.MatchString(module)
	}
	if i := slices.Index(s.Targets, module); i >= 0 {
		return i, true
	}
	if s.Layers != nil && !slices.Contains(s.Layers, layer) {
		return -1, false
	}
	i := slices.IndexFunc(s.Targets, func(name string) bool { return strings.HasSuffix(module, "."+name) })
	return i, i >= 0
}

// Modules are what the adapter changes in a model of so many layers: layer by
// layer, in the order of [Linears].
func (c AdapterConfig) Modules(layers int) ([]AdapterModule, error) {
	s, err := c.selection()
	if err != nil {
		return nil, err
	}
	var out []AdapterModule
	for layer := range layers {
		for _, linear := range Linears {
			name := moduleName(layer, linear)
			if _, ok := s.target(name, layer); !ok {
				continue
			}
			r, _ := s.ranks.of(name, float64(c.R))
			alpha, _ := s.alphas.of(name, c.Alpha)
			m := AdapterModule{Layer: layer, Linear: linear, R: int(r), Alpha: alpha}
			if m.Scale = alpha / r; c.RSLoRA {
				m.Scale = alpha / math.Sqrt(r)
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// Idle names what the configuration says of modules that a model of so many layers
// does not have: targets, layers and patterns without effect.
func (c AdapterConfig) Idle(layers int) ([]string, error) {
	s, err := c.selection()
	if err != nil {
		return nil, err
	}
	targets, ranks, alphas := make([]bool, len(c.Targets)), make([]bool, len(c.Ranks)), make([]bool, len(c.Alphas))
	excludes := make([]bool, len(c.Exclude))
	picked, excluded := false, false
	for layer := range layers {
		for _, linear := range Linears {
			name := moduleName(layer, linear)
			for i, t := range c.Targets { // all that name it, not only the first, in any layer: of layers there is a word below
				targets[i] = targets[i] || names(t, name)
			}
			for i, entry := range c.Exclude {
				excludes[i] = excludes[i] || names(entry, name)
			}
			excluded = excluded || s.excluded(name)
			if _, ok := s.target(name, layer); !ok {
				continue
			}
			picked = true
			if _, i := s.ranks.of(name, 0); i >= 0 {
				ranks[i] = true
			}
			if _, i := s.alphas.of(name, 0); i >= 0 {
				alphas[i] = true
			}
		}
	}
	var idle []string
	if s.regex != nil {
		if !picked {
			idle = append(idle, fmt.Sprintf("the expression %q", clip(c.Regex)))
		}
	} else {
		for i, used := range targets {
			if !used {
				idle = append(idle, fmt.Sprintf("the target %q", clip(c.Targets[i])))
			}
		}
	}
	if s.exclude != nil && !excluded {
		idle = append(idle, fmt.Sprintf("the exclusion of %q", clip(c.ExcludeRegex)))
	}
	for i, used := range excludes {
		if !used {
			idle = append(idle, fmt.Sprintf("the exclusion of %q", clip(c.Exclude[i])))
		}
	}
	for _, l := range c.Layers {
		if l < 0 || l >= layers {
			idle = append(idle, fmt.Sprintf("layer %d", l))
		}
	}
	for i, used := range ranks {
		if !used {
			idle = append(idle, fmt.Sprintf("the rank of %q", clip(c.Ranks[i].Name)))
		}
	}
	for i, used := range alphas {
		if !used {
			idle = append(idle, fmt.Sprintf("the alpha of %q", clip(c.Alphas[i].Name)))
		}
	}
	return idle, nil
}

// NamesLinear reports whether an entry of Targets is a linear module's name or the
// end of one, in a model that has the layer: q_proj, mlp.up_proj,
// layers.3.self_attn.q_proj.
func NamesLinear(entry string) bool {
	parts := strings.Split(entry, ".")
	module, ok := linearModule[parts[len(parts)-1]]
	if !ok || len(parts) > 5 {
		return false
	}
	want := append([]string{"model", "layers", ""}, strings.Split(module, ".")...)
	want = want[len(want)-len(parts):]
	for i, p := range parts {
		if want[i] != "" && p != want[i] {
			return false
		}
		if n, err := strconv.Atoi(p); want[i] == "" && (err != nil || n < 0 || n >= maxLayers || strconv.Itoa(n) != p) {
			return false
		}
	}
	return true
}

// everyLayer reports whether all targets are names of Linears, which pick the same
// modules in every layer.
func (c *AdapterConfig) everyLayer() bool {
	return c.Regex == "" && len(c.Exclude) == 0 && c.ExcludeRegex == "" && !slices.ContainsFunc(c.Targets, func(t string) bool { return !slices.Contains(Linears, t) })
}

// patterns reads an object of names and numbers in the order of the file.
func (f fields) patterns(key string, check func(v float64) error) (Patterns, error) {
	if !f.has(key) {
		return nil, nil
	}
	w, err := newWalker(f[key])
	if err != nil {
		return nil, corrupt("%s: %v", key, err)
	}
	var out Patterns
	err = w.object(key, func(name string) error {
		var v float64
		if err := w.dec.Decode(&v); err != nil {
			return corrupt("%s of %s is no number: %v", key, clip(name), err)
		}
		if err := check(v); err != nil {
			return corrupt("%s of %s: %v", key, clip(name), err)
		}
		if len(out) >= maxPatterns {
			return unsupported("%s of more than %d entries", key, maxPatterns)
		}
		out = append(out, Pattern{name, v})
		return nil
	})
	return out, err
}

// CheckRank refuses what is no rank.
func CheckRank(v float64) error {
	if v != math.Trunc(v) || !(v >= 1 && v <= maxRank) {
		return fmt.Errorf("a rank is a whole number from 1 to %d, not %v", maxRank, v)
	}
	return nil
}

// CheckAlpha refuses what is no alpha.
func CheckAlpha(v float64) error {
	if !(v > 0 && v <= 1e9) {
		return fmt.Errorf("an alpha is a positive number, not %v", v)
	}
	return nil
}
