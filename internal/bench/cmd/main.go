// Command cmd makes a Markdown table of measurements: what hone bench --json and
// the tools for peers wrote, one JSON object a line.
//
//	go run ./internal/bench/cmd results.jsonl
package main

import (
	"fmt"
	"io"
	"os"

	"hone/internal/bench"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench table:", err)
		os.Exit(1)
	}
}

func run(files []string, out io.Writer) error {
	if len(files) == 0 {
		return fmt.Errorf("want files of measurements")
	}
	var all []io.Reader
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		all = append(all, f)
	}
	return bench.Table(out, io.MultiReader(all...))
}
