package tui

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDiffWords(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"5:00 PM", "17:00", "~5:00 PM~ +17:00+"},
		{"Talk with Ana", "Talk with Ben now", "Talk with ~Ana~ +Ben now+"},
		{"weekly sync", "sync", "~weekly~ sync"},
		{"", "no key", "+no key+"},
		{"same", "same", "same"},
		{strings.Repeat("a ", 300), "a", "~" + strings.TrimSpace(strings.Repeat("a ", 300)) + "~ +a+"},
	} {
		if got := plainTheme(false).drawWords(diffWords(c.before, c.after)); got != c.want {
			t.Errorf("%q to %q reads %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

// What was kept and taken out is the text before, what was kept and put in the
// one after; and no more is taken out than has to be.
func TestDiffWordsGivesBothTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	text := func() []string {
		words := make([]string, r.IntN(12))
		for i := range words {
			words[i] = string(rune('a' + r.IntN(4)))
		}
		return words
	}
	for range 500 {
		a, b := text(), text()
		var before, after []string
		for _, p := range diffWords(strings.Join(a, " "), strings.Join(b, " ")) {
			if p.how != wordIn {
				before = append(before, strings.Fields(p.text)...)
			}
			if p.how != wordOut {
				after = append(after, strings.Fields(p.text)...)
			}
		}
		if !slices.Equal(a, before) || !slices.Equal(b, after) {
			t.Fatalf("%q to %q gives %q and %q", a, b, before, after)
		}
	}
}
