package tokenizer

// Byte-level vocabularies write every byte as one printable character: printable Latin-1 as itself,
// the other 68 bytes as the characters from U+0100 on, in order. So a space is Ġ and a newline Ċ.
var (
	byteRune = newByteRunes()
	runeByte = newRuneBytes()
)

func newByteRunes() (runes [256]rune) {
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

// runeByte maps back; -1 where the character stands for no byte.
func newRuneBytes() (bytes [256 + 68]int16) {
	for i := range bytes {
		bytes[i] = -1
	}
	for b, r := range byteRune {
		bytes[r] = int16(b)
	}
	return bytes
}

// appendPieceBytes appends the bytes that a vocabulary piece stands for. Like the library of
// record, it takes a piece with any character outside the alphabet for plain text.
func appendPieceBytes(dst []byte, piece string) []byte {
	start := len(dst)
	for _, r := range piece {
		if int(r) >= len(runeByte) || runeByte[r] < 0 {
			return append(dst[:start], piece...)
		}
		dst = append(dst, byte(runeByte[r]))
	}
	return dst
}

// appendPiece appends text as the vocabulary writes it.
func appendPiece(dst []byte, text string) []byte {
	for i := range len(text) {
		// All of the alphabet lies below U+0800: one or two bytes.
		if r := byteRune[text[i]]; r < 0x80 {
			dst = append(dst, byte(r))
		} else {
			dst = append(dst, 0xc0|byte(r>>6), 0x80|byte(r)&0x3f)
		}
	}
	return dst
}
