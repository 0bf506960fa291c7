package experiments

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"hone/data"
	"hone/data/chat"
	"hone/engine/tokenizer"
	"hone/engine/weights"
)

// ChatML is the data.chat_template of models without a template of their own:
// taken when asked for, never in silence.
const ChatML = "chatml"

// Files beside a model that hold its chat template; the first has precedence.
const (
	chatTemplateFile    = "chat_template.jinja"
	tokenizerConfigFile = "tokenizer_config.json"
)

// tokenizerConfig is what of tokenizer_config.json templates are rendered with.
type tokenizerConfig struct {
	Template json.RawMessage `json:"chat_template"`
	BOS      json.RawMessage `json:"bos_token"`
	EOS      json.RawMessage `json:"eos_token"`
	Pad      json.RawMessage `json:"pad_token"`
	Unknown  json.RawMessage `json:"unk_token"`
}

// modelChat is what a model says of conversations.
type modelChat struct {
	source string            // of its template; "" = none
	from   string            // where that is from
	tokens map[string]string // bos_token and so on, which templates name
}

// chatOf reads a model's template: of a directory from its files, of a GGUF file from its
// metadata.
func chatOf(path string) (modelChat, error) {
	own := modelChat{tokens: map[string]string{}}
	files, err := embedded(path)
	if err != nil {
		return own, err
	}
	if files == nil {
		where, err := modelPath(path)
		if err != nil {
			return own, err
		}
		if info, err := os.Stat(where); err == nil && !info.IsDir() {
			m, err := weights.Open(where)
			if err != nil {
				return own, err
			}
			defer m.Close()
			c := m.Chat()
			return modelChat{c.Template, "tokenizer.chat_template", c.Tokens}, nil
		}
	}
	var config tokenizerConfig
	text, err := readModelText(path, tokenizerConfigFile)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &config); err != nil {
			return own, fmt.Errorf("reading %s of the model: %w", tokenizerConfigFile, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return own, err
	}
	for name, value := range map[string]json.RawMessage{"bos_token": config.BOS, "eos_token": config.EOS, "pad_token": config.Pad, "unk_token": config.Unknown} {
		if token := tokenText(value); token != "" {
			own.tokens[name] = token
		}
	}
	if text, err = readModelText(path, chatTemplateFile); err == nil {
		own.source, own.from = string(text), chatTemplateFile
		return own, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return own, err
	}
	own.source, own.from = defaultTemplate(config.Template), tokenizerConfigFile
	return own, nil
}

// openChat returns the chat template of an experiment.
func openChat(c Config, t *tokenizer.Tokenizer) (*chat.Template, error) {
	own, err := chatOf(c.Model.Path)
	if err != nil {
		return nil, err
	}
	source, from, err := chatSource(c, own)
	if err != nil {
		return nil, err
	}
	tpl, err := chat.Parse(source, own.tokens, t.SpecialTexts())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if c.Data.ChatTemplate == ChatML {
		for _, token := range []string{"<|im_start|>", "<|im_end|>"} {
			if id, ok := t.ID(token); !ok || !t.IsSpecial(id) {
				return nil, fmt.Errorf("data.chat_template %q: %s is no special token of the model: name a file with a template of its tokens", ChatML, token)
			}
		}
	}
	return tpl, nil
}

// rendering gives the encoder the experiment's chat template, and ends generations
// where it ends a turn.
func (w *Workspace) rendering() error {
	if w.Encoder.Chat() != nil {
		return nil
	}
	tpl, err := openChat(w.Config, w.Tokenizer)
	if err != nil {
		return err
	}
	w.Encoder = w.Encoder.WithChat(tpl, w.Config.Data.Turns != data.TurnsAll)
	if end, ok := w.Encoder.TurnEnd(); ok && !slices.Contains(w.EOS, end) {
		w.EOS = append(slices.Clone(w.EOS), end)
	}
	return nil
}

// ChatTemplate is the text of the chat template by which an experiment renders
// conversations, as it is now, and its hash as [runs.RunInfo] has it.
func ChatTemplate(c Config) (source, hash string, err error) {
	t, err := OpenTokenizer(c.Model.Path)
	if err != nil {
		return "", "", err
	}
	tpl, err := openChat(c, t)
	if err != nil {
		return "", "", err
	}
	return tpl.Source(), tpl.Hash(), nil
}

// HashChatTemplate is the name of the chat template among a run's hashes.
const HashChatTemplate = "chat template"

// chatSource returns the text of a template and where it is from.
func chatSource(c Config, own modelChat) (source, from string, err error) {
	switch name := c.Data.ChatTemplate; name {
	case ChatML:
		return chat.ChatML, ChatML, nil
	case "":
	default:
		text, err := readSmall(name)
		if err != nil {
			return "", "", fmt.Errorf("data.chat_template: %w", err)
		}
		return string(text), name, nil
	}
	if own.source != "" {
		return own.source, own.from, nil
	}
	return "", "", fmt.Errorf("%w: the model has neither %s nor one in %s, or it is a GGUF file without tokenizer.chat_template; set data.chat_template to a file, or to %q",
		data.ErrNoChatTemplate, chatTemplateFile, tokenizerConfigFile, ChatML)
}

// defaultTemplate reads a chat_template: a text, or a list of which one is named default.
func defaultTemplate(value json.RawMessage) string {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return one
	}
	var many []struct{ Name, Template string }
	if json.Unmarshal(value, &many) == nil {
		for _, t := range many {
			if t.Name == "default" {
				return t.Template
			}
		}
	}
	return ""
}

// tokenText reads a token: a text, or an object that has it as content.
func tokenText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var token struct{ Content string }
	if json.Unmarshal(value, &token) == nil {
		return token.Content
	}
	return ""
}

// maxModelText bounds the small files of a model directory: tokenizer_config.json
// of models with thousands of added tokens has a megabyte.
const maxModelText = 16 << 20

// readModelText is ReadModelFile of a file from outside.
func readModelText(model, name string) ([]byte, error) {
	if files, err := embedded(model); files != nil || err != nil {
		return ReadModelFile(model, name)
	}
	where, err := modelPath(model)
	if err != nil {
		return nil, err
	}
	return readSmall(where + string(os.PathSeparator) + name)
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxModelText+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxModelText {
		return nil, fmt.Errorf("reading %s: more than %d MB", name, maxModelText>>20)
	}
	return text, nil
}
