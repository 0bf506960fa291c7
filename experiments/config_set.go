package experiments

import (
	"os"
	"path/filepath"
	"strings"

	"hone/data/builtin"
	"hone/internal/hub"
)

// Set applies one assignment, "train.lr=1e-3": the value is read by the key's
// type. Strings need no quotes (a value that is a whole TOML string in quotes is
// unquoted, for \n and the like), an integer serves as a float, lists are TOML:
// lora.targets=["q_proj", "v_proj"]. The error is a *[Problems]; c is unchanged
// then. Rules between keys are left to [Config.Validate].
func (c *Config) Set(assignment string) error {
	_, err := c.set(assignment)
	return err
}

// set is Set that also returns the key.
func (c *Config) set(assignment string) (string, error) {
	key, value, ok := strings.Cut(assignment, "=")
	key = strings.TrimSpace(key)
	if !ok {
		return "", &Problems{List: []Problem{{Message: "an assignment is key=value, not " + quote(assignment)}}}
	}
	return key, c.SetValue(key, value)
}

// SetValue is Set with key and value apart.
func (c *Config) SetValue(key, value string) error {
	k := findKey(key)
	if k == nil {
		return unknownKey(key)
	}
	next := c.Clone()
	v, err := k.read(value)
	if err == nil {
		err = k.assign(&next, v)
	}
	msg := ""
	if err != nil {
		msg = err.Error()
	} else {
		msg = k.check(&next)
	}
	if msg != "" {
		return &Problems{List: []Problem{{Key: key, Message: msg}}}
	}
	*c = next
	return nil
}

// read decodes the text of an assignment by the key's kind.
func (k *Key) read(text string) (any, error) {
	switch k.Kind {
	case KindString, KindPath, KindChoice, KindSize:
		if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
			if v, err := tomlValue(text); err == nil {
				return v, nil
			}
		}
		return text, nil
	}
	v, err := tomlValue(strings.TrimSpace(text))
	if err != nil {
		return nil, k.typeError(text)
	}
	return v, nil
}

func dirOf(path string) string { return filepath.Dir(path) }

// Resolve makes the relative paths of c absolute, as seen from dir. "builtin",
// "" and hub ids (org/name, where dir holds no such path) stay as they are.
func (c *Config) Resolve(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	c.Model.Path = resolvePath(dir, c.Model.Path, true)
	c.Data.Path = resolvePath(dir, c.Data.Path, false)
	c.LoRA.InitAdapter = resolvePath(dir, c.LoRA.InitAdapter, false)
	if c.Data.ChatTemplate != ChatML {
		c.Data.ChatTemplate = resolvePath(dir, c.Data.ChatTemplate, false)
	}
	return nil
}

func resolvePath(dir, path string, orHubID bool) string {
	if path == "" || path == builtin.Name || filepath.IsAbs(path) {
		return path
	}
	joined := filepath.Join(dir, path)
	if orHubID && IsHubID(path) {
		if _, err := os.Stat(joined); err != nil {
			return path
		}
	}
	return joined
}

// IsHubID reports whether a model path has the form of a hub id: org/name, with
// @revision or :file.gguf behind it or without.
func IsHubID(path string) bool {
	_, err := hub.ParseRef(path)
	return err == nil
}
