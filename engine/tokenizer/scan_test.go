package tokenizer

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func TestClassCounts(t *testing.T) {
	var letters, numbers, spaces, digits int
	for c := range rune(unicode.MaxRune + 1) {
		if 0xd800 <= c && c < 0xe000 {
			continue
		}
		k, n := classAt(string(c), 0)
		if n != len(string(c)) {
			t.Fatalf("U+%04X has length %d", c, n)
		}
		switch k & classMask {
		case letter:
			letters++
		case number:
			numbers++
		case space:
			spaces++
		}
		if k&digitFlag != 0 {
			digits++
		}
	}
	// Unicode 16.0: L, N and White_Space; 13 numerals more in Unicode 17.
	if letters != 141028 || numbers != 1911 || spaces != 25 || digits != 1924 {
		t.Errorf("%d letters, %d numbers, %d spaces, %d digits", letters, numbers, spaces, digits)
	}
	if len(classes.pages) > 256 {
		t.Errorf("%d pages do not fit a byte", len(classes.pages))
	}
}

// goKnows tells whether Go's Unicode tables have the same classes for all of s, so that Go's
// regular expressions may judge the scanners.
func goKnows(s string) bool {
	for i, r := range s {
		want := other
		switch {
		case unicode.IsLetter(r):
			want = letter
		case unicode.Is(unicode.N, r):
			want = number
		case unicode.Is(unicode.White_Space, r):
			want = space
		}
		if k, _ := kindAt(s, i); k != want || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// Go's regular expressions have no lookahead. The group matches \s+(?!\S)|\s+ as a whole run and
// byRegexp shortens it.
var (
	white    = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	reGPT2   = translated(patternGPT2)
	reLlama3 = translated(patternLlama3)
	reQwen   = translated(patternQwen)
)

func translated(pattern string) *regexp.Regexp {
	pattern = strings.Replace(pattern, `\s+(?!\S)|\s+`, `([`+white+`]+)`, 1)
	pattern = strings.ReplaceAll(pattern, `[^\s`, `[^`+white)
	pattern = strings.ReplaceAll(pattern, `\s*`, `[`+white+`]*`)
	return regexp.MustCompile(`^(?:` + pattern + `)`)
}

func byRegexp(re *regexp.Regexp, s string, i int) int {
	m := re.FindStringSubmatchIndex(s[i:])
	end := i + m[1]
	if run := []rune(s[i:end]); len(m) > 2 && m[2] >= 0 && end < len(s) && len(run) > 1 {
		end -= len(string(run[len(run)-1]))
	}
	return end
}

var scannerSeeds = []string{
	"", " ", "  a", "a  b", "\n\n a", " \r\n\r\n x", "it's IT'S it'ſ 'ſt 'Ll 'rE ''s '", "1234567 12½", "a\u00a0\u3000b\u2028",
	"...!!\n\n", " ...\r\n a", "-foo $1", "é\u0301日本 \U0001F600\u200d", "\t\tx \u0085y", "'", "a'", "'l", "' 're", "\v\f\n b", " \u0663\u0664a",
}

// FuzzScanners holds the hand-written scanners against regular expressions.
func FuzzScanners(f *testing.F) {
	for _, s := range scannerSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s, _ = repaired(s)
		known := goKnows(s)
		for _, c := range []struct {
			step
			re *regexp.Regexp
		}{
			{stepGPT2, reGPT2},
			{stepLlama3, reLlama3},
			{stepQwen, reQwen},
			{stepDigit, regexp.MustCompile(`^(?:\pN|\PN+)`)},
			{stepDigits, regexp.MustCompile(`^(?:\pN+|\PN+)`)},
		} {
			for i := 0; i < len(s); {
				end := c.scan(s, i)
				if end <= i || end > len(s) {
					t.Fatalf("%s: %q: from %d to %d", c.name, s, i, end)
				}
				if known {
					if want := byRegexp(c.re, s, i); end != want {
						t.Fatalf("%s: %q: %q, want %q", c.name, s, s[i:end], s[i:want])
					}
				}
				i = end
			}
		}
	})
}
