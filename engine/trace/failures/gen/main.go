// Command gen writes docs/failures.md; its argument is the file.
package main

import (
	"fmt"
	"os"

	"hone/engine/trace/failures"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("want the file to write")
	}
	text, err := failures.Markdown()
	if err != nil {
		return err
	}
	return os.WriteFile(os.Args[1], text, 0o644)
}
