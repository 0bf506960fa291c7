// Package bpe learns a byte-level byte pair encoding from text and writes it as the tokenizer.json
// that engine/tokenizer and Hugging Face's tokenizers read.
//
//	model, err := bpe.Learn(slices.Values(texts), bpe.Options{Vocab: 2048, Special: []string{"<|endoftext|>"}})
//	os.WriteFile("tokenizer.json", model.JSON(), 0o644)
//
// The same texts give the same bytes. The most frequent pair of neighbouring tokens is merged first;
// of equally frequent ones the pair with the smaller left id, then with the smaller right id.
//
// # Words copy as themselves
//
// The words are those of GPT-2's pattern with every digit alone, but in learning the space before
// letters is a word of its own. So no token holds a space and a letter, and a word is the same tokens
// wherever it stands: Liam in " Liam" and in "\"Liam". To copy is then to repeat, which a small model
// learns well. Encoding needs no special pre-tokenizer: GPT-2's joins the space to the word, and no
// merge crosses from one to the other.
package bpe
