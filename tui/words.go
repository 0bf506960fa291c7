package tui

import "strings"

// wordPart is a run of words of a text that was changed: kept, taken out or put in.
type wordPart struct {
	text string
	how  wordChange
}

type wordChange int

const (
	wordKept wordChange = iota
	wordOut
	wordIn
)

// maxDiffWords bounds the work of a word-level difference; longer texts differ as
// a whole.
const maxDiffWords = 200

// diffWords says how one text became another, by words: a longest common
// subsequence, what was taken out before what was put in.
func diffWords(before, after string) []wordPart {
	a, b := strings.Fields(before), strings.Fields(after)
	var parts []wordPart
	add := func(how wordChange, words ...string) {
		if len(words) == 0 {
			return
		}
		text := strings.Join(words, " ")
		if n := len(parts); n > 0 && parts[n-1].how == how {
			parts[n-1].text += " " + text
			return
		}
		parts = append(parts, wordPart{text, how})
	}
	if len(a) > maxDiffWords || len(b) > maxDiffWords {
		add(wordOut, a...)
		add(wordIn, b...)
		return parts
	}
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	var out, in []string
	flush := func() {
		add(wordOut, out...)
		add(wordIn, in...)
		out, in = nil, nil
	}
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			flush()
			add(wordKept, a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, a[i])
			i++
		default:
			in = append(in, b[j])
			j++
		}
	}
	flush()
	return parts
}

// drawWords writes a difference of words: ~taken out~, +put in+, so that it reads
// without colour.
func (t *theme) drawWords(parts []wordPart) string {
	drawn := make([]string, len(parts))
	for i, p := range parts {
		text := t.clean(p.text)
		switch p.how {
		case wordOut:
			drawn[i] = t.bad.Render("~" + text + "~")
		case wordIn:
			drawn[i] = t.good.Render("+" + text + "+")
		default:
			drawn[i] = t.dim.Render(text)
		}
	}
	return strings.Join(drawn, " ")
}
