package experiments

import (
	"strings"
	"testing"
)

// marked writes a difference as git does.
func marked(words []Word) string {
	var b strings.Builder
	for _, w := range words {
		switch w.Kind {
		case Missing:
			b.WriteString("[-" + w.Text + "-]")
		case Extra:
			b.WriteString("{+" + w.Text + "+}")
		default:
			b.WriteString(w.Text)
		}
	}
	return b.String()
}

func TestDiffWords(t *testing.T) {
	long := strings.Repeat("word ", 1000)
	for _, test := range []struct{ target, got, want string }{
		{"Share updates", "Share updates", "Share updates"},
		{"Share updates", "Share updates w/ Liam", "Share updates{+ w/ Liam+}"},
		{"Plan a tour of the new facility", "Plan a tour", "Plan a tour[- of the new facility-]"},
		{"city library garden area", "city library park area", "city library [-garden-]{+park+} area"},
		{"report review meeting", "Set up a report review meeting", "{+Set up a +}report review meeting"},
		{"30 minutes", "30 min", "[-30 minutes-]{+30 min+}"},
		{"for 30 minutes", "for 30 min", "for 30 [-minutes-]{+min+}"},
		{"02/11/2026", "2/11/2026", "[-02-]{+2+}/11/2026"},
		{"01/11/2023", "2023-11-01", "[-01/11/2023-]{+2023-11-01+}"},
		{`["Ava", "Ben"]`, `["Ava"]`, `["Ava"[-, "Ben"-]]`},
		{"", "x", "{+x+}"},
		{"x", "", "[-x-]"},
		{"", "", ""},
		{"\u4f1a\u8bae", "\u4f1a\u8bae \u5ba4", "\u4f1a\u8bae{+ \u5ba4+}"},
		{long + "end", long + "last", long + "[-end-]{+last+}"},
		{"a \xff b c", "a \xff c", "a \xff [-b -]c"},
	} {
		words := DiffWords(test.target, test.got)
		if got := marked(words); got != test.want {
			t.Errorf("%q for %q: %s, want %s", test.got, test.target, got, test.want)
		}
	}
}

// The same and missing words make up the target, the same and extra ones what was
// written.
func FuzzDiffWords(f *testing.F) {
	f.Add("Share updates", "Share updates w/ Liam")
	f.Add("01/11/2023", "11/01/2023")
	f.Add(strings.Repeat("a b ", 300), strings.Repeat("b a ", 300))
	f.Add("\xff", "\xff\xfe e\u0301")
	f.Fuzz(func(t *testing.T, target, got string) {
		var a, b strings.Builder
		last := WordKind(-1)
		for _, w := range DiffWords(target, got) {
			if w.Text == "" || w.Kind == last {
				t.Errorf("%+v after one of kind %d", w, last)
			}
			last = w.Kind
			if w.Kind != Extra {
				a.WriteString(w.Text)
			}
			if w.Kind != Missing {
				b.WriteString(w.Text)
			}
		}
		if a.String() != target || b.String() != got {
			t.Errorf("%q and %q instead of %q and %q", a.String(), b.String(), target, got)
		}
	})
}
