package tokenizer

import "slices"

// Decode returns the text of ids, special tokens included. Where the bytes are not UTF-8, as in the
// middle of a character, every maximal ill-formed part becomes one U+FFFD. Ids that stand for
// nothing are left out.
func (t *Tokenizer) Decode(ids []int32) string { return t.decode(ids, false) }

// DecodeSkip is Decode without the special tokens.
func (t *Tokenizer) DecodeSkip(ids []int32) string { return t.decode(ids, true) }

func (t *Tokenizer) decode(ids []int32, skip bool) string {
	if t.fallback {
		return t.decodeMarked(ids, skip)
	}
	var b []byte
	for _, id := range ids {
		if skip && t.IsSpecial(id) {
			continue
		}
		b = append(b, t.bytesOf(id)...)
	}
	return lossy(b)
}

// Bytes returns the bytes that one token stands for, which need not be whole characters; of an added
// token its text. It is empty for an id that is not in use.
func (t *Tokenizer) Bytes(id int32) []byte {
	if text, ok := t.addedText[id]; ok {
		return []byte(text)
	}
	return slices.Clone(t.bytesOf(id))
}

// bytesOf returns what the library decodes a token to. It differs from Bytes for an added token
// written in the byte-level alphabet only: the library takes its text for a piece, é for a byte.
func (t *Tokenizer) bytesOf(id int32) []byte {
	if id < 0 || int(id) >= t.Size() {
		return nil
	}
	return t.decoded[t.starts[id]:t.starts[id+1]]
}
