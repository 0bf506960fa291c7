package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/experiments"
)

func (a *app) inspectCommand() *cobra.Command {
	var (
		experiment experimentFlags
		row        int
		split      string
	)
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Show a dataset as the model will see it, and what would spoil training on it",
		Long: "Show the splits of a dataset, its fields, and what preflight finds. With a model also the lengths in tokens, and whether a run " +
			"could begin: weights, one loss by three ways, a gradient of every loss term (--set train.preflight=false leaves that out). " +
			"With --row N one row of a split, from 0: its tokens, which of them are trained on, and their bytes in the text.",
		Example: "hone inspect --model DIR --data FILE.jsonl\nhone inspect --model DIR --data FILE.jsonl --row 17",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if err := checkSplit(split); err != nil {
			return err
		}
		c, err := experiment.load("")
		if err != nil {
			return err
		}
		w, err := experiments.OpenWorkspace(ctx, c)
		if err != nil {
			return err
		}
		if p := w.ModelProblem; p != nil && !errors.Is(p, experiments.ErrNoBuiltin) {
			return p
		}
		if cmd.Flags().Changed("row") {
			return a.inspectRow(w, split, row)
		}
		return a.inspectData(ctx, w)
	})
	experiment.add(cmd, true)
	addSplit(cmd, &split, data.Train)
	cmd.Flags().IntVar(&row, "row", 0, "show this row of the split, from 0")
	return cmd
}

// inspection is what `hone inspect --json` writes. What needs a tokenizer is
// null without one.
type inspection struct {
	Source   string           `json:"source"`
	Format   string           `json:"format"`
	Hash     string           `json:"hash"`
	Schema   []string         `json:"schema"`
	Splits   []inspectedSplit `json:"splits"`
	Fields   []inspectedField `json:"fields"`
	Bad      []data.BadRow    `json:"bad"`
	Notes    []string         `json:"notes"`
	Findings []data.Finding   `json:"findings"`
	Model    *inspectedModel  `json:"model"`
	Dropped  []droppedRow     `json:"dropped"`
	// Preflight is null without a tokenizer, and where it is switched off.
	Preflight *experiments.Preflight `json:"preflight"`
}

type inspectedModel struct {
	Architecture string  `json:"architecture"`
	Parameters   int64   `json:"parameters"`
	Layers       int     `json:"layers"`
	Hidden       int     `json:"hidden"`
	Vocabulary   int     `json:"vocabulary"`
	EOS          []int32 `json:"eos"`
}

type inspectedSplit struct {
	Name     string   `json:"name"`
	Rows     int      `json:"rows"`
	Examples *int     `json:"examples"` // rows that are trained or scored on
	Tokens   *int     `json:"tokens"`
	Targets  *int     `json:"targets"`
	Lengths  *lengths `json:"lengths"` // of every row, in tokens
}

type lengths struct {
	Min    int     `json:"min"`
	Median int     `json:"median"`
	P95    int     `json:"p95"`
	Max    int     `json:"max"`
	Mean   float64 `json:"mean"`
}

type inspectedField struct {
	Name     string  `json:"name"`
	Present  int     `json:"present"` // rows that have the key
	Filled   int     `json:"filled"`  // rows where it is not null
	Share    float64 `json:"share"`   // filled of all rows
	Distinct int     `json:"distinct"`
}

type droppedRow struct {
	Split  string `json:"split"`
	Row    int    `json:"row"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Tokens int    `json:"tokens"`
}

func inspect(w *experiments.Workspace) inspection {
	d := w.Dataset
	out := inspection{
		Source: d.Source, Format: string(d.Format), Hash: d.Hash, Schema: append([]string{}, d.Schema...),
		Fields: []inspectedField{}, Bad: append([]data.BadRow{}, d.Bad...), Notes: append([]string{}, d.Notes...),
		Findings: append([]data.Finding{}, w.Findings...), Dropped: []droppedRow{},
	}
	if m := w.Model; w.Tokenizer != nil {
		out.Model = &inspectedModel{Architecture: m.Architecture, Parameters: m.Parameters(), Layers: m.Layers, Hidden: m.Hidden, Vocabulary: m.Vocab, EOS: w.EOS}
	}
	stats := d.Stats()
	for _, s := range stats.Splits {
		split := inspectedSplit{Name: s.Name, Rows: s.Rows}
		if e, ok := w.Encoded[s.Name]; ok {
			n := len(e.Examples)
			l := e.Lengths
			split.Examples, split.Tokens, split.Targets = &n, &e.Tokens, &e.Targets
			split.Lengths = &lengths{Min: l.Min, Median: l.Median, P95: l.P95, Max: l.Max, Mean: l.Mean}
			for _, r := range e.Dropped {
				out.Dropped = append(out.Dropped, droppedRow{s.Name, r.Row, r.File, r.Line, r.Tokens})
			}
		}
		out.Splits = append(out.Splits, split)
	}
	for _, f := range stats.Fields {
		out.Fields = append(out.Fields, inspectedField{f.Name, f.Present, f.Filled, f.Share, f.Distinct})
	}
	return out
}
