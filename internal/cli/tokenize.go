package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/engine/tokenizer"
	"hone/engine/weights"
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
		t, err := openTokenizer(c.Model.Path)
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

// inputLine is one line of the input, or the error that ended it.
type inputLine struct {
	text []byte
	err  error
}

// readLines reads lines on a goroutine of its own: a read that waits for input
// cannot be interrupted, but the wait for the line can.
func readLines(ctx context.Context, in io.Reader) <-chan inputLine {
	lines := make(chan inputLine, 64)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(make([]byte, 64<<10), data.MaxLine)
		for s.Scan() {
			select {
			case lines <- inputLine{text: bytes.Clone(s.Bytes())}:
			case <-ctx.Done():
				return
			}
		}
		if s.Err() != nil {
			select {
			case lines <- inputLine{err: s.Err()}:
			case <-ctx.Done():
			}
		}
	}()
	return lines
}

// tokenize writes a line for every line of in.
func (a *app) tokenize(ctx context.Context, t *tokenizer.Tokenizer, name string, in io.Reader) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	lines := readLines(ctx, in)
	for n := 1; ; n++ {
		if len(lines) == 0 {
			// Whoever writes the input may be waiting for the answer.
			if err := out.Flush(); err != nil {
				return err
			}
		}
		var line inputLine
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), out.Flush())
		case l, more := <-lines:
			if !more {
				return out.Flush()
			}
			line = l
		}
		b, err := tokenizeLine(t, name, n, line)
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
}

// tokenizeLine is the answer to the n-th line, from 1.
func tokenizeLine(t *tokenizer.Tokenizer, name string, n int, line inputLine) ([]byte, error) {
	if errors.Is(line.err, bufio.ErrTooLong) {
		return nil, usagef("%s:%d: the line is longer than %d bytes", name, n, data.MaxLine)
	} else if line.err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, line.err)
	}
	var text *string
	if err := json.Unmarshal(line.text, &text); err != nil || text == nil {
		return nil, usage(errorWithHint(fmt.Errorf("%s:%d: not a JSON string", name, n), `a line is one text in quotes, with \n for a line break: "two\nlines"`))
	}
	ids, spans := t.EncodeSpans(*text)
	out := tokenLine{IDs: append([]int32{}, ids...), Spans: make([][2]int, len(spans))}
	for i, s := range spans {
		out.Spans[i] = [2]int{s.Start, s.End}
	}
	return marshal(out)
}

// openTokenizer reads the tokenizer of a model directory or .gguf file. The
// weights may be absent from a directory.
func openTokenizer(path string) (*tokenizer.Tokenizer, error) {
	info, err := os.Stat(path)
	switch {
	case path == "builtin":
		return nil, fmt.Errorf("%w: name one with --model DIR or --model FILE.gguf", experiments.ErrNoBuiltin)
	case err != nil && experiments.IsHubID(path):
		return nil, fmt.Errorf("model %s: %w", path, experiments.ErrHub)
	case err != nil:
		return nil, fmt.Errorf("opening the model: %w", err)
	case info.IsDir():
		return tokenizer.Load(filepath.Join(path, "tokenizer.json"))
	}
	m, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	v, ok := m.Vocabulary()
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, experiments.ErrNoTokenizer), m.TokenizerProblem())
	}
	t, err := tokenizer.FromVocabulary(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}
