package tokenizer

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Vocabularies that were SentencePiece's: pieces are characters, ▁ stands for a space, and a
// character that the vocabulary lacks is spelled with the tokens <0x00> to <0xFF> of its bytes
// (byte_fallback).

// byteToken is the token of a byte.
func byteToken(b int) string { return fmt.Sprintf("<0x%02X>", b) }

// tokenByte returns the byte that a piece stands for.
func tokenByte(piece string) (byte, bool) {
	if len(piece) != 6 || piece[:3] != "<0x" || piece[5] != '>' {
		return 0, false
	}
	b, err := hex.DecodeString(piece[3:5])
	if err != nil {
		return 0, false
	}
	return b[0], true
}

// appendMarkedBytes appends the bytes that a piece stands for.
func appendMarkedBytes(dst []byte, piece string) []byte {
	if b, ok := tokenByte(piece); ok {
		return append(dst, b)
	}
	return append(dst, strings.ReplaceAll(piece, spaceSign, " ")...)
}

// hasByteTokens tells whether every byte has a token.
func (d *definition) hasByteTokens() bool {
	for b := range 256 {
		if _, ok := d.ids[byteToken(b)]; !ok {
			return false
		}
	}
	return true
}

// characters sets e.symbols to the tokens of the characters of s, or of their bytes.
func (e *encoding) characters(s string) {
	t := e.t
	e.symbols = e.symbols[:0]
	for i, r := range s {
		end := i + utf8.RuneLen(r)
		if id, ok := t.vocabulary[s[i:end]]; ok {
			e.symbols = append(e.symbols, symbol{id, int32(i), int32(end)})
			continue
		}
		for ; i < end; i++ {
			e.symbols = append(e.symbols, symbol{t.byteID[s[i]], int32(i), int32(i + 1)})
		}
	}
}

// decodeMarked is decode for these vocabularies. Of neighbouring byte tokens that are not UTF-8
// together, the library makes every one a U+FFFD.
func (t *Tokenizer) decodeMarked(ids []int32, skip bool) string {
	var b []byte
	run := -1 // where neighbouring byte tokens begin
	flush := func() {
		if run >= 0 && !utf8.Valid(b[run:]) {
			b = append(b[:run], strings.Repeat(replacement, len(b)-run)...)
		}
		run = -1
	}
	for _, id := range ids {
		piece := t.bytesOf(id)
		if len(piece) == 0 || skip && t.IsSpecial(id) {
			continue
		}
		switch {
		case !t.isByte[id]:
			flush()
		case run < 0:
			run = len(b)
		}
		b = append(b, piece...)
	}
	flush()
	text := string(b)
	if t.strip {
		text = strings.TrimPrefix(text, " ")
	}
	return text
}
