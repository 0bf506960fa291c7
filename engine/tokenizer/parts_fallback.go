package tokenizer

import (
	"encoding/json"
	"fmt"
)

// The small sections of a tokenizer.json with byte_fallback.

// literal returns the text that a Replace looks for.
func (p *part) literal() (string, bool) {
	var pattern struct{ String *string }
	if err := json.Unmarshal(p.Pattern, &pattern); err != nil || pattern.String == nil {
		return "", false
	}
	return *pattern.String, true
}

func (p *part) replaces(from, to string) bool {
	text, ok := p.literal()
	return p.Type == "Replace" && ok && text == from && p.Content == to
}

// readMarkNormalizer reads the normalizer: none, or spaces become ▁, after one in front.
func readMarkNormalizer(raw []byte) (rewriting, error) {
	p, err := readPart("normalizer", raw)
	if err != nil {
		return rewriting{}, err
	}
	parts := p.flat(func(p *part) []part { return p.Normalizers })
	mark := markSpaces
	if len(parts) > 0 && parts[0].Type == "Prepend" && parts[0].Prepend == spaceSign {
		mark = markPrepend
		parts = parts[1:]
	}
	switch {
	case len(parts) == 0 && mark.name == markSpaces.name:
		return rewriting{}, nil
	case len(parts) == 1 && parts[0].replaces(" ", spaceSign):
		return mark, nil
	}
	name := "Prepend alone"
	if len(parts) > 0 {
		name = parts[len(parts)-1].Type
	}
	return rewriting{}, fmt.Errorf("%w: normalizer %s with byte_fallback (Prepend %s and Replace of a space by it are supported)", ErrUnsupported, name, spaceSign)
}

// readMetaspace reads the pre-tokenizer: none, or Metaspace.
func readMetaspace(raw []byte) (mark rewriting, steps []step, err error) {
	p, err := readPart("pre_tokenizer", raw)
	if err != nil {
		return mark, nil, err
	}
	parts := p.flat(func(p *part) []part { return p.Pretokenizers })
	if len(parts) == 0 {
		return mark, nil, nil
	}
	m := parts[0]
	if len(parts) > 1 || m.Type != "Metaspace" {
		return mark, nil, fmt.Errorf("%w: pre_tokenizer %s with byte_fallback", ErrUnsupported, parts[len(parts)-1].Type)
	}
	if m.Replacement != spaceSign {
		return mark, nil, fmt.Errorf("%w: pre_tokenizer Metaspace with replacement %s", ErrUnsupported, abbreviated([]byte(m.Replacement)))
	}
	scheme := m.PrependScheme
	if scheme == "" {
		scheme = "always"
		if m.AddPrefixSpace != nil && !*m.AddPrefixSpace { // of older files
			scheme = "never"
		}
	}
	switch scheme {
	case "first":
		mark = markFirst
	case "always":
		mark = markAlways
	case "never":
		mark = markSpaces
	default:
		return mark, nil, fmt.Errorf("%w: pre_tokenizer Metaspace with prepend_scheme %s", ErrUnsupported, abbreviated([]byte(scheme)))
	}
	if m.Split == nil || *m.Split {
		steps = []step{stepMarked}
	}
	return mark, steps, nil
}

// readMarkDecoder accepts the chain that undoes the marks and the byte tokens; strip tells whether it
// takes one space off the text's beginning.
func readMarkDecoder(raw []byte) (strip bool, err error) {
	p, err := readPart("decoder", raw)
	if err != nil {
		return false, err
	}
	parts := p.flat(func(p *part) []part { return p.Decoders })
	refuse := func(what string) (bool, error) {
		return false, fmt.Errorf("%w: %s with byte_fallback (Replace of %s by a space, ByteFallback, Fuse, Strip of one space at the start are supported)", ErrUnsupported, what, spaceSign)
	}
	for i, want := range []string{"Replace", "ByteFallback", "Fuse"} {
		if i >= len(parts) {
			return refuse("a decoder without " + want)
		}
		if parts[i].Type != want || i == 0 && !parts[i].replaces(spaceSign, " ") {
			return refuse("decoder " + abbreviated([]byte(parts[i].Type)))
		}
	}
	switch rest := parts[3:]; {
	case len(rest) == 0:
		return false, nil
	case len(rest) == 1 && rest[0].Type == "Strip" && rest[0].Content == " " && rest[0].Start == 1 && rest[0].Stop == 0:
		return true, nil
	default:
		return refuse("decoder " + abbreviated([]byte(rest[0].Type)))
	}
}

// readMarks reads all three sections.
func readMarks(d *definition, sections map[string][]byte) (err error) {
	if d.normalizer, err = readMarkNormalizer(sections["normalizer"]); err != nil {
		return err
	}
	if d.marks, d.steps, err = readMetaspace(sections["pre_tokenizer"]); err != nil {
		return err
	}
	if d.normalizer.name != "" && d.marks.name != "" {
		return fmt.Errorf("%w: a normalizer and pre_tokenizer Metaspace", ErrUnsupported)
	}
	d.strip, err = readMarkDecoder(sections["decoder"])
	return err
}
