package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
)

// progress is one line on a terminal that is drawn again and again. Elsewhere
// it is nothing.
type progress struct {
	file  *os.File
	on    bool
	shown bool
	drawn time.Time
	start time.Time
}

// redraw is how often the line changes at most.
const redraw = 100 * time.Millisecond

func newProgress(f *os.File) *progress {
	return &progress{file: f, start: time.Now()}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(f.Fd()) }

// allow turns the line on, if there is a terminal that can draw one.
func (p *progress) allow(yes bool) {
	p.on = yes && isTerminal(p.file) && os.Getenv("TERM") != "dumb"
	p.start = time.Now()
}

// show draws the line: a bar, the work, and the time left. total 0 is work of
// unknown length.
func (p *progress) show(text string, done, total int, left time.Duration) {
	now := time.Now()
	if !p.on || p.shown && now.Sub(p.drawn) < redraw && done < total {
		return
	}
	line := text
	if total > 0 {
		line = fmt.Sprintf("%s %3d%%  %s", bar(done, total, 20), 100*done/total, text)
		if left > 0 {
			line += "  " + clock(left) + " left"
		}
	}
	width := 80
	if w, _, err := term.GetSize(p.file.Fd()); err == nil && w > 0 {
		width = w
	}
	// The last column stays free: some terminals wrap when it is filled.
	fmt.Fprintf(p.file, "\r%s\x1b[K", ansi.Truncate(line, max(0, width-1), ""))
	p.shown, p.drawn = true, now
}

// count is show for done of total things of equal length.
func (p *progress) count(what string, done, total int) {
	var left time.Duration
	if done > 0 {
		left = time.Since(p.start) / time.Duration(done) * time.Duration(total-done)
	}
	p.show(fmt.Sprintf("%s %d/%d", what, done, total), done, total, left)
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.file, "\r\x1b[K")
		p.shown = false
	}
}

// bar is done of total in width cells.
func bar(done, total, width int) string {
	full := min(width, max(0, done*width/total))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// clock writes a duration as 1:02:03 or 2:03.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
