package experiments

import "strings"

// TrainCommand is the command line, in words quoted for a POSIX shell, that trains
// c: it names the file that holds saved ("" = none, and saved is not used), and
// whatever differs from it.
func TrainCommand(c Config, path string, saved Config) []string {
	words := []string{"hone", "train"}
	from := Basis(c)
	if path != "" {
		words = append(words, "--config", ShellWord(path))
		from = saved
	}
	for i := range keyTable {
		k := &keyTable[i]
		text := k.text(&c)
		if text == k.text(&from) {
			continue
		}
		switch k.Name { // paths are taken as they are, quotes and all
		case "model.path":
			words = append(words, "--model", ShellWord(c.Model.Path))
		case "data.path":
			words = append(words, "--data", ShellWord(c.Data.Path))
		default:
			if v, ok := k.at(&c).(*string); ok && !strings.HasPrefix(*v, `"`) && !strings.HasPrefix(*v, "'") && !strings.ContainsAny(text, `\`) {
				text = *v // --set takes strings without quotes
			}
			words = append(words, "--set", ShellWord(k.Name+"="+text))
		}
	}
	return words
}

// ShellWord quotes a word for a POSIX shell where it needs it.
func ShellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=,:@%+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
