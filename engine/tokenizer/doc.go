// Package tokenizer turns text into token ids and back: byte pair encoding, of bytes or of characters
// with bytes for what is missing, equal id for id to Hugging Face's tokenizers library.
//
//	t, err := tokenizer.Load("model/tokenizer.json")
//	ids, spans := t.EncodeSpans("two  spaces")
//	text := t.Decode(ids)
//
// A tokenizer comes from a tokenizer.json (Parse, Load) or from the vocabulary inside a GGUF file
// (FromVocabulary). Whatever decides ids and is not implemented is refused by name with
// ErrUnsupported: a tokenizer that is nearly right trains a model that is quietly wrong.
//
// # How a text becomes ids
//
//   - Added tokens such as <|im_start|> are found first, leftmost-longest, and stand for themselves.
//   - What lies between them is cut into words by the pre-tokenizer: hand-written scanners for the
//     patterns of GPT-2, Llama 3 and Qwen, and for single digits. Which characters are letters, numbers
//     and spaces is pinned in classes_table.go, taken from the library of record, because Go's own
//     Unicode tables change with its releases and token ids must not.
//   - The bytes of a word are merged pair by pair, the lowest rank first.
//
// Qwen's texts are composed (NFC) before they are cut. Vocabularies that were SentencePiece's (Llama
// 2, Mistral) write a space as ▁, most with one more in front of a text, and merge characters; one
// that has no token is spelled with byte tokens (byte_fallback). A completion goes on from its
// prompt: EncodeContinuation puts no ▁ before it.
//
// # Spans and lost bytes
//
// A Span is a range of byte offsets in the text as it was given. Spans are in order and do not
// overlap. They cover the whole text but for bytes that the vocabulary lacks: Hugging Face drops
// such a byte in silence, so do we, and it lies in a gap between two spans or, where the pieces on
// its two sides merge, inside one. A ▁ in front of the text stands for nothing in it and adds no bytes
// to its token's span; of what NFC rewrote, the first token covers the whole. Leading spaces belong to the token that holds them, whatever
// trim_offsets says. A token that is part of a character gets just its bytes.
//
// Text that is not UTF-8 is read as Python's bytes.decode("utf-8", "replace") reads it: every
// maximal ill-formed part counts as one U+FFFD. Spans still refer to the source: the first token of
// such a U+FFFD covers the whole part, further ones are empty and stand at its end.
package tokenizer
