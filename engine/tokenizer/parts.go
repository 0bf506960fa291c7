package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The small sections of a tokenizer.json: what is done before and after the merges. Each reader
// accepts what is implemented and refuses all else by name.

// A part is any object with a "type": normalizer, pre-tokenizer, post-processor or decoder.
type part struct {
	Type string `json:"type"`

	// Sequence has one of these.
	Normalizers   []part `json:"normalizers"`
	Pretokenizers []part `json:"pretokenizers"`
	Processors    []part `json:"processors"`
	Decoders      []part `json:"decoders"`

	// ByteLevel
	AddPrefixSpace *bool `json:"add_prefix_space"` // of Metaspace in older files too
	UseRegex       *bool `json:"use_regex"`        // true where absent
	// Digits
	IndividualDigits bool `json:"individual_digits"`
	// Split
	Pattern  json.RawMessage `json:"pattern"`
	Behavior string          `json:"behavior"`
	Invert   bool            `json:"invert"`
	// Metaspace
	Replacement   string `json:"replacement"`
	PrependScheme string `json:"prepend_scheme"`
	Split         *bool  `json:"split"` // true where absent
	// Prepend, Replace, Strip
	Prepend string `json:"prepend"`
	Content string `json:"content"`
	Start   int    `json:"start"`
	Stop    int    `json:"stop"`
	// TemplateProcessing
	Single        []templateItem `json:"single"`
	SpecialTokens map[string]struct {
		IDs []int64 `json:"ids"`
	} `json:"special_tokens"`
}

type templateItem struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID string `json:"id"`
	} `json:"Sequence"`
}

// readPart reads a section; nil where it is absent or null.
func readPart(section string, raw []byte) (*part, error) {
	if isNull(raw) {
		return nil, nil
	}
	if len(raw) > maxPartBytes {
		return nil, fmt.Errorf("%s: more than %d KB", section, maxPartBytes>>10)
	}
	p := new(part)
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, fmt.Errorf("%s: %w", section, err)
	}
	return p, nil
}

// flat returns the parts of p, sequences within sequences resolved.
func (p *part) flat(within func(*part) []part) []*part {
	var all []*part
	var visit func(p *part)
	visit = func(p *part) {
		if p.Type != "Sequence" {
			all = append(all, p)
			return
		}
		inner := within(p)
		for i := range inner {
			visit(&inner[i])
		}
	}
	if p != nil {
		visit(p)
	}
	return all
}

// readNormalizer reads that of a byte-level tokenizer: none, or NFC.
func readNormalizer(raw []byte) (n rewriting, err error) {
	p, err := readPart("normalizer", raw)
	if err != nil {
		return n, err
	}
	for _, p := range p.flat(func(p *part) []part { return p.Normalizers }) {
		if p.Type != "NFC" {
			return n, fmt.Errorf("%w: normalizer %s", ErrUnsupported, p.Type)
		}
		n = composed
	}
	return n, nil
}

func checkDecoder(raw []byte) error {
	p, err := readPart("decoder", raw)
	if err != nil {
		return err
	}
	parts := p.flat(func(p *part) []part { return p.Decoders })
	for _, p := range parts {
		if p.Type != "ByteLevel" {
			return fmt.Errorf("%w: decoder %s", ErrUnsupported, p.Type)
		}
	}
	if len(parts) != 1 {
		return fmt.Errorf("%w: %d decoders where one ByteLevel is needed", ErrUnsupported, len(parts))
	}
	return nil
}

// The steps there are. Their names go into Hash: a step that cuts differently needs another name.
var (
	stepGPT2   = step{"gpt2", scanGPT2}
	stepLlama3 = step{"llama3", scanLlama3}
	stepQwen   = step{"qwen", scanQwen}
	stepMarked = step{"marked", scanMarked}
	stepDigit  = step{"digit", scanDigit}
	stepDigits = step{"digits", scanDigits}
)

func readPreTokenizer(raw []byte) ([]step, error) {
	p, err := readPart("pre_tokenizer", raw)
	if err != nil {
		return nil, err
	}
	parts := p.flat(func(p *part) []part { return p.Pretokenizers })
	if len(parts) > maxSteps {
		return nil, fmt.Errorf("pre_tokenizer: more than %d parts", maxSteps)
	}
	var steps []step
	for i, p := range parts {
		last := i == len(parts)-1
		switch {
		case p.Type == "ByteLevel" && (p.AddPrefixSpace != nil && *p.AddPrefixSpace):
			return nil, fmt.Errorf("%w: pre_tokenizer ByteLevel with add_prefix_space", ErrUnsupported)
		case p.Type == "ByteLevel" && !last:
			// What follows would see bytes in their alphabet, not text.
			return nil, fmt.Errorf("%w: pre_tokenizer %s after ByteLevel", ErrUnsupported, parts[i+1].Type)
		case p.Type == "ByteLevel":
			if p.UseRegex == nil || *p.UseRegex {
				steps = append(steps, stepGPT2)
			}
			return steps, nil
		case p.Type == "Digits" && p.IndividualDigits:
			steps = append(steps, stepDigit)
		case p.Type == "Digits":
			steps = append(steps, stepDigits)
		case p.Type == "Split":
			s, err := splitStep(p)
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
		default:
			return nil, fmt.Errorf("%w: pre_tokenizer %s", ErrUnsupported, p.Type)
		}
	}
	return nil, fmt.Errorf("%w: pre_tokenizer without ByteLevel", ErrUnsupported)
}

func splitStep(p *part) (step, error) {
	if p.Behavior != "Isolated" || p.Invert {
		return step{}, fmt.Errorf("%w: pre_tokenizer Split with behavior %s, invert %t", ErrUnsupported, p.Behavior, p.Invert)
	}
	var pattern struct {
		Regex *string
	}
	if err := json.Unmarshal(p.Pattern, &pattern); err != nil || pattern.Regex == nil {
		return step{}, fmt.Errorf("%w: pre_tokenizer Split on %s", ErrUnsupported, abbreviated(p.Pattern))
	}
	switch *pattern.Regex {
	case patternGPT2:
		return stepGPT2, nil
	case patternLlama3:
		return stepLlama3, nil
	case patternQwen:
		return stepQwen, nil
	}
	return step{}, fmt.Errorf("%w: pre_tokenizer Split pattern %q", ErrUnsupported, *pattern.Regex)
}

// readPostProcessor returns the token that a template puts before a single text, or -1. Tokens that
// it puts behind are the business of whoever ends an example.
func readPostProcessor(raw []byte) (int32, error) {
	const none = -1
	p, err := readPart("post_processor", raw)
	if err != nil {
		return none, err
	}
	bos := int32(none)
	templates := 0
	for _, p := range p.flat(func(p *part) []part { return p.Processors }) {
		switch p.Type {
		case "ByteLevel": // trims offsets, leaves ids alone
		case "TemplateProcessing":
			if templates++; templates > 1 {
				return none, fmt.Errorf("%w: more than one post_processor TemplateProcessing", ErrUnsupported)
			}
			if bos, err = p.templateBOS(); err != nil {
				return none, fmt.Errorf("post_processor TemplateProcessing: %w", err)
			}
		default:
			return none, fmt.Errorf("%w: post_processor %s", ErrUnsupported, p.Type)
		}
	}
	return bos, nil
}

func (p *part) templateBOS() (int32, error) {
	bos := int32(-1)
	texts := 0
	for _, item := range p.Single {
		switch {
		case item.Sequence != nil:
			if texts++; texts > 1 || item.Sequence.ID != "A" {
				return -1, fmt.Errorf("%w: a single text other than $A once", ErrUnsupported)
			}
		case item.SpecialToken == nil:
			return -1, errors.New("an item is neither a text nor a special token")
		case texts == 0:
			token, ok := p.SpecialTokens[item.SpecialToken.ID]
			if !ok {
				return -1, fmt.Errorf("special token %q is not defined", item.SpecialToken.ID)
			}
			if bos >= 0 || len(token.IDs) != 1 {
				return -1, fmt.Errorf("%w: more or less than one token before the text", ErrUnsupported)
			}
			if token.IDs[0] < 0 || token.IDs[0] >= maxTokens {
				return -1, fmt.Errorf("special token %q has id %d", item.SpecialToken.ID, token.IDs[0])
			}
			bos = int32(token.IDs[0])
		}
	}
	if texts != 1 {
		return -1, fmt.Errorf("%w: a single text other than $A once", ErrUnsupported)
	}
	return bos, nil
}

// readAdded reads the added tokens. The library ignores the ids in the file: a token that is in the
// vocabulary has its id there, the others are numbered on. A file that says otherwise would give
// other ids here than there and is refused.
func readAdded(d *definition, raw []byte) error {
	if isNull(raw) {
		return nil
	}
	ids := map[string]int32{}
	next := int32(-1) // the largest id of an added token
	err := elements(raw, func(value []byte) error {
		var token struct {
			ID         int64  `json:"id"`
			Content    string `json:"content"`
			SingleWord bool   `json:"single_word"`
			Lstrip     bool   `json:"lstrip"`
			Rstrip     bool   `json:"rstrip"`
			Normalized bool   `json:"normalized"`
			Special    bool   `json:"special"`
		}
		if err := json.Unmarshal(value, &token); err != nil {
			return err
		}
		if _, twice := ids[token.Content]; twice {
			return fmt.Errorf("token %q occurs twice", token.Content)
		}
		want, inVocabulary := d.ids[token.Content]
		if !inVocabulary {
			size := int32(len(d.ids))
			if want = next + 1; want <= size {
				want = size
			}
		}
		if token.ID != int64(want) {
			return fmt.Errorf("token %q has id %d where the order of tokens makes it %d", token.Content, token.ID, want)
		}
		taken := int(want) < len(d.pieces) && d.pieces[want] != ""
		if !inVocabulary && (taken || want >= maxTokens) {
			return fmt.Errorf("token %q: id %d is taken or too large", token.Content, want)
		}
		ids[token.Content] = want
		next = max(next, want)
		return d.addToken(addedToken{want, token.Content, token.Special, token.Normalized, reach{token.Lstrip, token.Rstrip, token.SingleWord}})
	})
	if err != nil {
		return err
	}
	return d.checkReach()
}

// addToken adds a token to those looked for in every text, within bounds.
func (d *definition) addToken(a addedToken) error {
	d.addedBytes += len(a.text)
	switch {
	case a.text == "":
		return errors.New("an added token without text")
	case d.addedBytes > maxAddedBytes:
		return fmt.Errorf("more than %d KB of added tokens", maxAddedBytes>>10)
	case !utf8.ValidString(a.text):
		return fmt.Errorf("added token %q is not UTF-8", a.text)
	}
	d.added = append(d.added, a)
	return nil
}

// checkReach refuses tokens of which one begins within the white space that another
// takes: the library then writes text twice.
func (d *definition) checkReach() error {
	taker := slices.IndexFunc(d.added, func(a addedToken) bool { return a.right })
	taken := slices.IndexFunc(d.added, func(a addedToken) bool {
		first, _ := utf8.DecodeRuneInString(a.text)
		return unicode.IsSpace(first)
	})
	if taker >= 0 && taken >= 0 {
		return fmt.Errorf("%w: added token %q with rstrip beside %q, which begins with white space", ErrUnsupported, d.added[taker].text, d.added[taken].text)
	}
	return nil
}

// has tells whether id is in use.
func (d *definition) has(id int32) bool {
	if int(id) < len(d.pieces) && d.pieces[id] != "" {
		return true
	}
	for _, a := range d.added {
		if a.id == id {
			return true
		}
	}
	return false
}

// splitMerge splits "a b". A piece has no space in it: the alphabet writes it as Ġ.
func splitMerge(text []byte) (left, right []byte, err error) {
	a, b, ok := strings.Cut(string(text), " ")
	if !ok || strings.Contains(b, " ") {
		return nil, nil, errors.New("not two tokens with a space between")
	}
	return []byte(a), []byte(b), nil
}

// isMergeHeader recognises the first line of a merges file, which some conversions left in the list.
func isMergeHeader(text string) bool { return strings.HasPrefix(text, "#version") }
