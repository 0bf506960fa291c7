package tui

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"sync"

	tea "github.com/charmbracelet/bubbletea"
)

// While the workbench has the terminal, what anything else in the process prints
// would tear the frame. It is read from a pipe in the terminal's place, shown in
// the log of the Train screen, and printed after the workbench.

// Limits of what is kept of prints.
const (
	maxPrints    = 200
	maxPrintLine = 4 << 10
)

// prints are lines that were printed while the workbench had the terminal.
type prints struct {
	mu    sync.Mutex
	lines []string
	lost  int           // lines that were dropped, of the oldest
	told  int           // of lines and lost, how many were handed on
	news  chan struct{} // something is there to be handed on
}

// printedMsg are new lines.
type printedMsg struct{ lines []string }

func newPrints() *prints { return &prints{news: make(chan struct{}, 1)} }

// read takes lines until the end of r: it never waits for who looks at them, for
// the one who prints would wait, too.
func (p *prints) read(r io.Reader) {
	b := bufio.NewReaderSize(r, maxPrintLine)
	for {
		line, more, err := b.ReadLine()
		if len(line) > 0 {
			p.add(string(line))
		}
		for more && err == nil { // the rest of a line that is too long
			_, more, err = b.ReadLine()
		}
		if err != nil {
			return
		}
	}
}

func (p *prints) add(line string) {
	p.mu.Lock()
	p.lines = append(p.lines, line)
	if len(p.lines) > maxPrints {
		p.lines = slices.Delete(p.lines, 0, 1)
		p.lost++
	}
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// take is what was not handed on yet.
func (p *prints) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := slices.Clone(p.lines[max(p.told-p.lost, 0):])
	p.told = p.lost + len(p.lines)
	return lines
}

// next is a command that waits for lines.
func (p *prints) next() tea.Msg {
	<-p.news
	return printedMsg{p.take()}
}

// report writes what was printed, for the terminal as it is again.
func (p *prints) report(w io.Writer, t *theme) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) == 0 {
		return
	}
	fmt.Fprintln(w, "printed meanwhile:")
	if p.lost > 0 {
		fmt.Fprintf(w, "  (%s before these)\n", plural(p.lost, "line"))
	}
	for _, l := range p.lines {
		fmt.Fprintln(w, "  "+t.clean(l))
	}
}
