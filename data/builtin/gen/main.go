// Gen writes the rows of the built-in dataset. It is run in data/builtin, by go generate.
package main

import (
	"log"
	"os"
	"path/filepath"

	"hone/data/builtin/calendar"
)

func main() {
	log.SetFlags(0)
	all := calendar.Generate(calendar.Seed)
	for name, rows := range map[string][]calendar.Row{"train": all.Train, "eval": all.Eval, "test": all.Test} {
		content, err := calendar.Lines(rows)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("rows", name+".jsonl"), content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
