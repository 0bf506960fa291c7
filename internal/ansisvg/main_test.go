package main

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	red := plainStyle
	red.fore, red.bold = 0xff0000, true
	back := plainStyle
	back.back = 0x0a0b0c
	lines, err := parse("a\x1b[1;38;5;196mb会\x1b[0m c\n\x1b[48;2;10;11;12m  \x1b[m\n")
	want := [][]span{{{0, 1, "a", plainStyle}, {1, 3, "b会", red}, {4, 2, " c", plainStyle}}, {{0, 2, "  ", back}}}
	if err != nil || !reflect.DeepEqual(lines, want) {
		t.Errorf("%+v, %v, want %+v", lines, err, want)
	}
	for _, bad := range []string{"\x1b[2J", "\x1b]0;title\x07", "\x1b[38;5;256m", "\x1b[99m", "a\tb", "\x1b[38;5"} {
		if lines, err := parse(bad); err == nil {
			t.Errorf("%q was taken: %+v", bad, lines)
		}
	}
}

// Words stand at the columns of their cells, and are the words of the frame.
func TestConvert(t *testing.T) {
	var out strings.Builder
	if err := convert(&out, strings.NewReader("  loss   <7.2> a b\n\x1b[7mx\x1b[0m\u2881\n"), `a "run" & more`, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`x="30.8" y="26.9" textLength="33.6"`, `>loss</text>`, `x="89.6" y="26.9" textLength="75.6"`, `>&lt;7.2&gt; a b</text>`,
		`<title>a &#34;run&#34; &amp; more</title>`, `fill="#d8dade"/>`, `fill="#16181d">x</text>`,
		`<path d="M24.5 32.45h0M28.7 44.75h0" stroke="currentColor"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
	for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, out.String())
		}
	}
	if err := convert(io.Discard, strings.NewReader(strings.Repeat("x", maxInput+1)), "", false); err == nil {
		t.Error("a frame without end was taken")
	}
}
