package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table writes rows in aligned columns.
type table struct{ w *tabwriter.Writer }

func (a *app) table() table {
	return table{tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)}
}

func (t table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = oneLine(c)
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t")) // a failure is kept by the output
}

func (t table) flush() { _ = t.w.Flush() } // as above

// oneLine keeps text from outside from moving the cursor: control characters
// are written as in Go source.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, unsafe) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafe(r) {
			q := fmt.Sprintf("%q", r)
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// cut shortens text to n characters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-3]) + "..."
}

// count writes a whole number with a space between thousands.
func count[T int | int64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// size writes a number of bytes in decimal units.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d kB", n/1000)
}

// seconds is a number of seconds as a duration, bounded to what that can hold.
func seconds(s float64) time.Duration {
	if !(s < 1e9) {
		s = 1e9
	}
	return time.Duration(s * float64(time.Second))
}

// share writes a share from 0 to 1.
func share(x float64) string { return fmt.Sprintf("%.3f", x) }

// terminalText is generated text for people: its lines stay, what else could
// move the cursor is written as in Go source.
func terminalText(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = oneLine(l)
	}
	return strings.Join(lines, "\n")
}
