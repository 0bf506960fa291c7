package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// MaxSource is the longest template, in bytes: three times the longest in use.
const MaxSource = 64 << 10

// ChatML is a template for models that have none, taken only when asked for.
const ChatML = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}" +
	"{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}" +
	"{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}" +
	"{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

// today is what strftime_now tells: a row must read the same in a run and in
// its resumption on another day. It is the date that Llama's templates fall back to.
var today = time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC)

// Template is a chat template. It is safe for concurrent use.
type Template struct {
	parsed  *exec.Template
	names   map[string]string
	special []string
	source  string
}

// Parse reads a template. names are variables such as bos_token; special are the
// texts that the tokenizer takes for special tokens.
func Parse(source string, names map[string]string, special []string) (t *Template, err error) {
	defer recovered("parsing the chat template", &err)
	if len(source) > MaxSource {
		return nil, fmt.Errorf("chat template: %d bytes, at most %d are taken", len(source), MaxSource)
	}
	if !utf8.ValidString(source) || reserved(source) != 0 {
		return nil, errors.New("chat template: invalid UTF-8 or private characters")
	}
	c := config.New()
	// As transformers sets them.
	c.TrimBlocks, c.LeftStripBlocks = true, true
	if err := checkTokens(source, c); err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	loader, err := loaders.NewMemoryLoader(map[string]string{"/chat": source})
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	parsed, err := exec.NewTemplate("/chat", c, loader, environment())
	if err != nil {
		return nil, fmt.Errorf("chat template: %s", brief(err))
	}
	special = slices.DeleteFunc(slices.Clone(special), func(s string) bool { return s == "" })
	return &Template{parsed: parsed, names: maps.Clone(names), special: special, source: source}, nil
}

// Source is the template as it was given.
func (t *Template) Source() string { return t.source }

// Hash is the SHA-256, in hexadecimal, of all that decides how conversations are
// rendered: the source and its variables.
func (t *Template) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", t.source)
	for _, name := range slices.Sorted(maps.Keys(t.names)) {
		fmt.Fprintf(h, " %q=%q", name, t.names[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// maxJoins bounds how much larger than its parts one expression can be.
const maxJoins = 1000

// maxBrackets bounds the parser's recursion: a bracket takes it 10 KB of stack.
const maxBrackets = 100

// checkTokens refuses what the limits on steps and values cannot bound.
func checkTokens(source string, c *config.Config) error {
	joins, depth := 0, 0
	for s := tokens.LexAll(source, c); !s.End(); s.Next() {
		tok := s.Current()
		switch tok.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		}
		switch {
		case depth > maxBrackets:
			return fmt.Errorf("line %d: brackets nest deeper than %d", tok.Line, maxBrackets)
		case tok.Type == tokens.Multiply || tok.Type == tokens.Power:
			return fmt.Errorf("line %d: multiplication is not taken", tok.Line)
		case tok.Type == tokens.Addition || tok.Type == tokens.Tilde:
			joins++
		case tok.Type == tokens.Name && tok.Val == "recursive":
			return fmt.Errorf("line %d: recursive loops are not taken", tok.Line)
		}
	}
	if joins > maxJoins {
		return fmt.Errorf("%d additions, at most %d are taken", joins, maxJoins)
	}
	return nil
}

// Rendered is a conversation as the model reads it.
type Rendered struct {
	Text  string
	Spans []Span // of {% generation %}, in order
	user  []bool // by byte: the conversation wrote it
}

// Wrote reports whether the conversation wrote any byte of a span of the text.
func (r Rendered) Wrote(s Span) bool { return slices.Contains(r.user[s.Start:s.End], true) }

// Render renders a conversation, with generate up to where the assistant answers.
func (t *Template) Render(messages []Message, generate bool) (Rendered, error) {
	plain, err := t.run(messages, generate)
	if err != nil {
		return Rendered{}, err
	}
	text, spans := cutGeneration(plain)
	for _, mark := range markings {
		marked := slices.Clone(messages)
		for i := range marked {
			marked[i].Content = mark.apply(marked[i].Content, t.special)
		}
		out, err := t.run(marked, generate)
		if err != nil {
			continue
		}
		out, _ = cutGeneration(out)
		if back, user := unmark(out); back == text {
			return Rendered{Text: text, Spans: spans, user: user}, nil
		}
	}
	for i, m := range messages {
		for _, s := range t.special {
			if strings.Contains(m.Content, s) {
				return Rendered{}, fmt.Errorf("message %d holds the special token %q, and the chat template reads it: take it out of the text", i+1, s)
			}
		}
	}
	return Rendered{Text: text, Spans: spans, user: make([]bool, len(text))}, nil
}

func (t *Template) run(messages []Message, generate bool) (text string, err error) {
	defer recovered("rendering the chat template", &err)
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = map[string]any{"role": m.Role, "content": m.Content}
	}
	b := &budget{until: time.Now().Add(maxTime)}
	values := map[string]any{
		"messages": list, "add_generation_prompt": generate, "tools": nil, "documents": nil,
		budgetName: b,
	}
	for name, value := range t.names {
		values[name] = value
	}
	if err := t.parsed.Execute(b, exec.NewContext(values)); err != nil {
		if b.err != nil {
			err = b.err
		}
		return "", fmt.Errorf("chat template: %s", brief(err))
	}
	if out := b.out.String(); utf8.ValidString(out) {
		return out, nil
	}
	return "", errors.New("chat template: cuts a character of the conversation in two")
}

// recovered makes a panic of the template engine an error.
func recovered(doing string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: %v", doing, p)
	}
}

// brief is the cause in a message of the template engine, which quotes the whole
// template in front of it.
func brief(err error) string {
	var raised *raisedError
	if errors.As(err, &raised) {
		return raised.Error()
	}
	const most = 300
	s := err.Error()
	if len(s) > most {
		s = "..." + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	return s
}
