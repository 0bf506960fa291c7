package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// style is how a cell looks.
type style struct {
	fore, back              int // 0xRRGGBB; -1 = the picture's own
	bold, faint, under, rev bool
}

var plainStyle = style{fore: -1, back: -1}

// span is a run of cells of one style.
type span struct {
	column, cells int
	text          string
	style
}

// parse cuts a frame into lines of spans. Only colours and attributes are
// understood; any other escape code is an error, for a frame has none.
func parse(text string) ([][]span, error) {
	var lines [][]span
	now := plainStyle
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var spans []span
		column := 0
		state := byte(0)
		for line != "" {
			seq, width, used, next := ansi.DecodeSequence(line, state, nil)
			line, state = line[used:], next
			switch {
			case width > 0:
				if l := len(spans); l > 0 && spans[l-1].style == now {
					spans[l-1].text += seq
					spans[l-1].cells += width
				} else {
					spans = append(spans, span{column, width, seq, now})
				}
				column += width
			case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m"):
				if err := now.set(seq[2 : len(seq)-1]); err != nil {
					return nil, fmt.Errorf("line %d: %w", n+1, err)
				}
			default:
				return nil, fmt.Errorf("line %d: %q is neither text nor a colour", n+1, seq)
			}
		}
		lines = append(lines, spans)
	}
	return lines, nil
}

// set takes the parameters of one code over.
func (s *style) set(params string) error {
	var codes []int
	for _, p := range strings.Split(params, ";") {
		c, err := strconv.Atoi("0" + p)
		if err != nil {
			return fmt.Errorf("the code %q", params)
		}
		codes = append(codes, c)
	}
	for i := 0; i < len(codes); i++ {
		switch c := codes[i]; {
		case c == 0:
			*s = plainStyle
		case c == 1:
			s.bold = true
		case c == 2:
			s.faint = true
		case c == 4:
			s.under = true
		case c == 7:
			s.rev = true
		case c == 22:
			s.bold, s.faint = false, false
		case c == 24:
			s.under = false
		case c == 27:
			s.rev = false
		case c == 39:
			s.fore = -1
		case c == 49:
			s.back = -1
		case 30 <= c && c <= 37:
			s.fore = colour(c - 30)
		case 40 <= c && c <= 47:
			s.back = colour(c - 40)
		case 90 <= c && c <= 97:
			s.fore = colour(c - 90 + 8)
		case 100 <= c && c <= 107:
			s.back = colour(c - 100 + 8)
		case c == 38 || c == 48:
			rgb := 0
			switch {
			case i+2 < len(codes) && codes[i+1] == 5 && codes[i+2] < 256:
				rgb = colour(codes[i+2])
				i += 2
			case i+4 < len(codes) && codes[i+1] == 2 && max(codes[i+2], codes[i+3], codes[i+4]) < 256:
				rgb = codes[i+2]<<16 | codes[i+3]<<8 | codes[i+4]
				i += 4
			default:
				return fmt.Errorf("the colour %q", params)
			}
			if c == 38 {
				s.fore = rgb
			} else {
				s.back = rgb
			}
		default:
			return fmt.Errorf("the code %d of %q is not understood", c, params)
		}
	}
	return nil
}

// first16 are the colours that terminals choose themselves.
var first16 = [16]int{
	0x1d1f21, 0xcc6666, 0x7fa650, 0xd7a65f, 0x5f87af, 0xb294bb, 0x5fafaf, 0xc5c8c6,
	0x666666, 0xff7777, 0x9fd070, 0xffd080, 0x87afd7, 0xd7afd7, 0x87d7d7, 0xffffff,
}

// colour is one of the 256 colours of terminals.
func colour(n int) int {
	switch {
	case n < 16:
		return first16[n]
	case n >= 232:
		g := 8 + 10*(n-232)
		return g<<16 | g<<8 | g
	}
	level := func(v int) int {
		if v == 0 {
			return 0
		}
		return 55 + 40*v
	}
	n -= 16
	return level(n/36)<<16 | level(n/6%6)<<8 | level(n%6)
}
