// Package builtin is what Hone has with it to begin with: a dataset of 792 sentences about
// events, each with what a calendar wants of it, in train, eval and test rows, and a small
// base model to train on them, made by package pretrain.
//
//	d, err := builtin.Load(data.DefaultOptions())
//	apart := d.Unseen(data.Test)
//	if apart[7] { ... } // the row has a word that no train row has
//
// The rows are made by package calendar, which also has the rules of their labels; what reads
// them needs neither it nor its words.
package builtin

import (
	"embed"
	"fmt"
	"io/fs"

	"hone/data"
)

//go:generate go run ./gen

// Name is what dataset and model go by where a path could stand.
const Name = "builtin"

//go:embed rows/*.jsonl
var embedded embed.FS

// Files returns train.jsonl, eval.jsonl and test.jsonl, of 554, 118 and 120 rows in the events
// format, in the root of a file system.
func Files() fs.FS {
	files, err := fs.Sub(embedded, "rows")
	if err != nil {
		panic(err) // "rows" is a valid path
	}
	return files
}

// Load returns the dataset as [data.Load] returns one of files.
func Load(o data.Options) (*data.Dataset, error) {
	d, err := data.LoadFS(Files(), ".", o)
	if err != nil {
		return nil, fmt.Errorf("the built-in dataset: %w", err)
	}
	d.Source = Name
	return d, nil
}
