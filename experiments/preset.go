package experiments

import (
	"embed"
	"strings"

	"hone/data/builtin"
)

//go:embed presets/*.toml
var presetFiles embed.FS

// presetNames is the order in which presets are offered.
var presetNames = []string{"report", "quick", "careful", storyPreset}

// storyPreset is the recipe of the built-in model.
const storyPreset = "story"

// Preset is a named recipe: the sections [lora], [loss] and [train].
type Preset struct {
	Name string
	Doc  string // the comment at the head of its file
	// Config is the defaults with the preset over them.
	Config Config
	keys   []string // the keys that its file names
}

// Presets returns the embedded presets. "report" equals the defaults.
func Presets() []Preset {
	presets := make([]Preset, 0, len(presetNames))
	for _, name := range presetNames {
		text, err := presetFiles.ReadFile("presets/" + name + ".toml")
		if err != nil {
			panic("experiments: " + err.Error()) // embedded: only a wrong build can miss it
		}
		p := Preset{Name: name, Doc: headComment(string(text)), Config: Default()}
		problems := &Problems{File: name}
		places := parseInto(&p.Config, text, problems)
		addValidation(&p.Config, problems, places)
		if err := problems.orNil(); err != nil {
			panic("experiments: preset " + err.Error())
		}
		for i := range keyTable {
			if _, ok := places[keyTable[i].Name]; ok {
				p.keys = append(p.keys, keyTable[i].Name)
			}
		}
		presets = append(presets, p)
	}
	return presets
}

// Apply returns c with the preset's recipe: name, data, model and the rest of c
// stay.
func (p Preset) Apply(c Config) Config {
	c = c.Clone()
	from := p.Config.Clone()
	for _, name := range p.keys {
		k := findKey(name)
		switch to := k.at(&c).(type) {
		case *string:
			*to = *k.at(&from).(*string)
		case *bool:
			*to = *k.at(&from).(*bool)
		case *int:
			*to = *k.at(&from).(*int)
		case *uint64:
			*to = *k.at(&from).(*uint64)
		case *float64:
			*to = *k.at(&from).(*float64)
		case *[]string:
			*to = *k.at(&from).(*[]string)
		case *[3]float64:
			*to = *k.at(&from).(*[3]float64)
		}
	}
	return c
}

// Basis is what an experiment without a file begins with: the defaults, and for an
// adapter of the built-in model its own recipe over them.
func Basis(c Config) Config {
	if c.Model.Path != builtin.Name || c.Method != LoRA {
		return Default()
	}
	for _, p := range Presets() {
		if p.Name == storyPreset {
			return p.Apply(Default())
		}
	}
	panic("experiments: no preset " + storyPreset) // embedded: only a wrong build can miss it
}

// headComment joins the comment lines at the start of a file.
func headComment(text string) string {
	var words []string
	for _, line := range strings.Split(text, "\n") {
		rest, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.TrimSpace(rest))
	}
	return strings.Join(words, " ")
}
