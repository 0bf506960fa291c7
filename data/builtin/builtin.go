// Package builtin is what Hone has with it to begin with: a dataset of 792 sentences about
// events, each with what a calendar wants of it, in train, eval and test rows, and a small
// base model to train on them, made by package pretrain.
//
//	d, err := builtin.Load(data.DefaultOptions())
//	apart := builtin.Unseen()
//	if apart[d.Test[7].Index] { ... } // the row has a word that no train row has
//
// The rows are made by package calendar, which also has the rules of their labels; what reads
// them needs neither it nor its words.
package builtin

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

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

// Unseen returns, for each test row by its index, whether its text has a word that is in no
// text of the train rows: about a third have. How well a model copies what it was never
// trained on is seen in these rows only, so their score is worth reporting apart.
func Unseen() []bool {
	seen := map[string]bool{}
	for _, text := range texts("train.jsonl") {
		for _, w := range words(text) {
			seen[w] = true
		}
	}
	test := texts("test.jsonl")
	unseen := make([]bool, len(test))
	for i, text := range test {
		for _, w := range words(text) {
			unseen[i] = unseen[i] || !seen[w]
		}
	}
	return unseen
}

// words returns the runs of letters of a text in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
}

// texts returns the event texts of an embedded file.
func texts(name string) []string {
	content, err := fs.ReadFile(Files(), name)
	if err != nil {
		panic(err) // the file is embedded
	}
	var list []string
	for line := range strings.Lines(string(content)) {
		var row struct {
			Text string `json:"event_text"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			panic(fmt.Sprintf("embedded %s: %v", name, err))
		}
		list = append(list, row.Text)
	}
	return list
}
