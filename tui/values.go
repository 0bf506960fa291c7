package tui

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"hone/experiments"
)

// valueText writes a key's value as it is edited: strings without quotes unless
// they need them (new lines, quotes), everything else as TOML.
func valueText(c experiments.Config, key string) string {
	text, err := c.Get(key)
	if err != nil {
		return ""
	}
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' && !strings.ContainsRune(text, '\\') {
		return text[1 : n-1]
	}
	return text
}

// setText sets a key from edited text. A path may start with ~/.
func setText(c *experiments.Config, key, text string) error {
	k, ok := experiments.FindKey(key)
	if ok && k.Kind == experiments.KindPath {
		if rest, home := strings.CutPrefix(text, "~/"); home {
			dir, err := os.UserHomeDir()
			if err != nil {
				return err
			}
			text = filepath.Join(dir, rest)
		}
	}
	if ok && k.Kind == experiments.KindStrings && !strings.HasPrefix(strings.TrimSpace(text), "[") {
		text = listText(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }))
	}
	if err := c.SetValue(key, text); err != nil {
		return errors.New(why(err))
	}
	return nil
}

// why is the message of a refused value without its key, which stands beside it.
func why(err error) string {
	var p *experiments.Problems
	if errors.As(err, &p) && len(p.List) > 0 {
		return p.List[0].Message
	}
	return err.Error()
}

// listText writes strings as a TOML list.
func listText(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// listOf reads a list of strings that listText or the config wrote.
func listOf(c experiments.Config, key string) []string {
	switch key {
	case "lora.targets":
		return c.LoRA.Targets
	case "data.fields":
		return c.Data.Fields
	}
	return nil
}
