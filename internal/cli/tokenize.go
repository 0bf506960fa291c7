package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/engine/tokenizer"
	"hone/experiments"
)

// tokenLine is what a line of text became.
type tokenLine struct {
	IDs   []int32  `json:"ids"`
	Spans [][2]int `json:"spans"` // bytes [start, end) of each token in the text
}

func (a *app) tokenizeCommand() *cobra.Command {
	var experiment experimentFlags
	cmd := &cobra.Command{
		Use:   "tokenize FILE",
		Short: "Show the token ids of texts, and where each token stands",
		Long: "Tokenize FILE (- is standard input), which has one JSON string a line. Each becomes one JSON object: " +
			"the ids, without BOS, and the byte span of every token in the text.",
		Example: "echo '\"two  spaces\"' | hone tokenize --model DIR -",
	}
	cmd.RunE = a.command(oneArg("a file of JSON strings"), func(ctx context.Context, args []string) error {
		c, err := experiment.load("")
		if err != nil {
			return err
		}
		t, err := experiments.OpenTokenizer(c.Model.Path)
		if err != nil {
			return err
		}
		name, in := "standard input", io.Reader(os.Stdin)
		if args[0] != "-" {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			name, in = args[0], f
		}
		return a.tokenize(ctx, t, name, in)
	})
	experiment.add(cmd, false)
	return cmd
}

// tokenize writes a line for every line of in.
func (a *app) tokenize(ctx context.Context, t *tokenizer.Tokenizer, name string, in io.Reader) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	defer out.Flush()
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), data.MaxLine)
	// A read of standard input does not end with the context: it is left behind.
	next := make(chan bool)
	scan := func() { next <- lines.Scan() }
	for n := 1; ; n++ {
		go scan()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case more := <-next:
			if !more {
				return endOfLines(lines.Err(), name, out)
			}
		}
		var text *string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil || text == nil {
			return usage(errorWithHint(fmt.Errorf("%s:%d: not a JSON string", name, n), `a line is one text in quotes, with \n for a line break: "two\nlines"`))
		}
		ids, spans := t.EncodeSpans(*text)
		line := tokenLine{IDs: append([]int32{}, ids...), Spans: make([][2]int, len(spans))}
		for i, s := range spans {
			line.Spans[i] = [2]int{s.Start, s.End}
		}
		b, err := marshal(line)
		if err != nil {
			return err
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
		if in == os.Stdin { // whoever writes it may wait for the answer
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// endOfLines is the end of a file that was read to the end, or as far as it
// could be.
func endOfLines(err error, name string, out *bufio.Writer) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return usagef("%s: a line is longer than %d bytes", name, data.MaxLine)
	} else if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return out.Flush()
}
