package tui

import (
	"fmt"
	"strings"
	"testing"

	"hone/runs"
)

// What is printed meanwhile comes in whole lines, bounded, in order, each once;
// and none of it can do anything to the terminal afterwards.
func TestPrints(t *testing.T) {
	p := newPrints()
	p.read(strings.NewReader("one\ntwo\x1b[2J\n" + strings.Repeat("x", 3*maxPrintLine) + "\nlast"))
	got := p.next().(printedMsg).lines
	if len(got) != 4 || got[0] != "one" || len(got[2]) != maxPrintLine || got[3] != "last" {
		t.Errorf("%d lines, %.40q", len(got), got)
	}
	if more := p.take(); len(more) != 0 {
		t.Errorf("%q twice", more)
	}
	var text strings.Builder
	for i := range maxPrints + 10 {
		fmt.Fprintln(&text, "line", i)
	}
	p.read(strings.NewReader(text.String()))
	if got := p.take(); len(got) != maxPrints || got[0] != "line 10" {
		t.Errorf("%d lines from %q", len(got), got[0])
	}
	p = newPrints()
	p.read(strings.NewReader("\x1b]0;title\a\x1b[31mred"))
	var out strings.Builder
	p.report(&out, plainTheme(false))
	if strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "red") {
		t.Errorf("afterwards: %q", out.String())
	}
}

func TestPrintsStandInTheLog(t *testing.T) {
	b := trainBench(t, story(20, runs.Running), "", 120, 40)
	b.prints = newPrints()
	b.prints.add("a library has something to say")
	b.shell.Update(b.prints.next())
	b.sees("printed: a library has something to say")
}
