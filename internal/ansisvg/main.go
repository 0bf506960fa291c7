// Ansisvg turns a frame of a terminal, with its escape codes for colour, into a
// picture:
//
//	hone replay demo --frame train@60% --size 120x40 | go run ./internal/ansisvg >train.svg
//
// It reads standard input and writes an SVG. Every run of cells of one style is a
// text of its own at the column where it begins, as wide as its cells, so that the
// picture keeps its columns with any monospace font.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

// maxInput is more than any frame has, in bytes.
const maxInput = 4 << 20

func main() {
	light := flag.Bool("light", false, "on a light background")
	title := flag.String("title", "", "what the picture shows, for those who cannot see it")
	flag.Parse()
	if err := convert(os.Stdout, os.Stdin, *title, *light); err != nil {
		fmt.Fprintln(os.Stderr, "ansisvg:", err)
		os.Exit(1)
	}
}

// convert reads a frame and writes its picture.
func convert(w io.Writer, r io.Reader, title string, light bool) error {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return fmt.Errorf("reading a frame: %w", err)
	}
	if len(text) > maxInput {
		return fmt.Errorf("a frame of more than %d bytes", maxInput)
	}
	lines, err := parse(string(text))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	draw(out, lines, title, light)
	return out.Flush()
}
