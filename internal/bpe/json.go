package bpe

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Byte-level vocabularies write every byte as one printable character: printable Latin-1 as itself,
// the other bytes as the characters from U+0100 on, in order.
var byteRune = newByteRunes()

func newByteRunes() (runes [byteTokens]rune) {
	next := rune(256)
	for b := range runes {
		switch {
		case '!' <= b && b <= '~', 0xa1 <= b && b <= 0xac, 0xae <= b:
			runes[b] = rune(b)
		default:
			runes[b] = next
			next++
		}
	}
	return runes
}

// byteOrder is the bytes in the order of their characters, as Hugging Face's trainer numbers them.
var byteOrder = newByteOrder()

func newByteOrder() []byte {
	order := make([]byte, byteTokens)
	for b := range order {
		order[b] = byte(b)
	}
	slices.SortFunc(order, func(a, b byte) int { return int(byteRune[a]) - int(byteRune[b]) })
	return order
}

// JSON returns the model as a tokenizer.json: digits alone, then GPT-2's pattern on bytes.
func (m *Model) JSON() []byte {
	var b bytes.Buffer
	b.WriteString("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [")
	for id, text := range m.Tokens[:m.special] {
		separate(&b, id)
		b.WriteString("\n    {\"id\": " + strconv.Itoa(id) + ", \"content\": ")
		b.Write(quoted(text))
		b.WriteString(`, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}`)
	}
	b.WriteString(`
  ],
  "normalizer": null,
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Digits", "individual_digits": true},
    {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
  ]},
  "post_processor": null,
  "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {
    "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
    "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
    "vocab": {`)
	for id := range m.Tokens {
		separate(&b, id)
		b.WriteString("\n      ")
		b.Write(m.piece(int32(id)))
		b.WriteString(": " + strconv.Itoa(id))
	}
	b.WriteString("\n    },\n    \"merges\": [")
	for i, merge := range m.Merges {
		separate(&b, i)
		b.WriteString("\n      [")
		b.Write(m.piece(merge.Left))
		b.WriteString(", ")
		b.Write(m.piece(merge.Right))
		b.WriteByte(']')
	}
	b.WriteString("\n    ]\n  }\n}\n")
	return b.Bytes()
}

func separate(b *bytes.Buffer, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

// piece returns a token as the vocabulary writes it, quoted.
func (m *Model) piece(id int32) []byte {
	text := m.Tokens[id]
	if int(id) < m.special {
		return quoted(text)
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = byteRune[text[i]]
	}
	return quoted(string(runes))
}

func quoted(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
