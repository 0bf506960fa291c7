// Gen writes the rows of the built-in dataset. It is run in data/builtin, by go generate. Another seed gives other
// rows of the same kind, to score a tuned adapter on what nobody has looked at:
//
//	go run ./data/builtin/gen -seed 1000 -out fresh
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"hone/data/builtin/calendar"
)

func main() {
	log.SetFlags(0)
	seed := flag.Uint64("seed", calendar.Seed, "of the rows")
	out := flag.String("out", "rows", "directory to write to")
	flag.Parse()
	if err := os.MkdirAll(*out, 0o755); err != nil {
		log.Fatal(err)
	}
	all := calendar.Generate(*seed)
	for name, rows := range map[string][]calendar.Row{"train": all.Train, "eval": all.Eval, "test": all.Test} {
		content, err := calendar.Lines(rows)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*out, name+".jsonl"), content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
