package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/experiments"
)

func (a *app) evalCommand() *cobra.Command {
	var (
		experiment     experimentFlags
		adapter, split string
		limit          int
		constrained    bool
	)
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Generate the outputs of a split and score them",
		Long: "Generate an output for every row of a split, with an adapter or with the base model, and score it; of rows of text, measure loss and perplexity. " +
			"What a run trained, an adapter or with method full a model, brings the run's experiment with it, unless --config names another.",
		Example: "hone eval --adapter runs/slow --split test\nhone eval --model DIR --data FILE.jsonl --limit 20 --json",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if err := errors.Join(checkSplit(split), atLeast("limit", limit, 0)); err != nil {
			return err
		}
		g, err := a.openGenerator(ctx, &experiment, adapter)
		if err != nil {
			return err
		}
		defer g.Close()
		g.Constrain(constrained)
		e, err := g.Evaluate(ctx, split, limit, func(done, total int) { a.progress.count("generating", done, total) })
		if err != nil {
			return err
		}
		if a.json {
			return a.out.line(e)
		}
		how := ""
		if constrained {
			how = ", constrained to the schema"
		}
		a.out.printf("%s split, %s%s\n", e.Split, plural(e.N, "row"), how)
		t := a.table()
		if e.Perplexity > 0 {
			t.row("loss", fmt.Sprintf("%.4f nats a token", float64(e.Loss)))
			t.row("perplexity", fmt.Sprintf("%.3f", float64(e.Perplexity)))
			t.flush()
			return nil
		}
		t.row("exact match", share(e.ExactMatch))
		if len(e.SchemaFields) > 0 {
			t.row("json validity", share(e.JSONValidity))
			t.row("field accuracy", share(e.FieldAccuracy))
			t.row("schema", share(e.Schema))
			for _, f := range e.SchemaFields {
				t.row("  "+f, share(e.Fields[f]))
			}
		}
		t.flush()
		return nil
	})
	experiment.add(cmd, true)
	addAdapter(cmd, &adapter)
	addSplit(cmd, &split, data.Test)
	cmd.Flags().IntVar(&limit, "limit", 0, "only so many rows, the first; 0 = all")
	cmd.Flags().BoolVar(&constrained, "constrained", false, "let the model write only objects with the schema's keys in order; scores with and without it do not compare")
	return cmd
}

// addAdapter declares the flag for an adapter.
func addAdapter(cmd *cobra.Command, adapter *string) {
	cmd.Flags().StringVar(adapter, "adapter", "", "PEFT adapter directory, or a run's directory for what it trained; without it the base model")
}

// openGenerator loads the model of an experiment with an adapter.
func (a *app) openGenerator(ctx context.Context, f *experimentFlags, adapter string) (*experiments.Generator, error) {
	adapter, runDir, err := adapterDir(adapter)
	if err != nil {
		return nil, err
	}
	c, err := f.load(runDir)
	if err != nil {
		return nil, err
	}
	if runDir != "" && f.config == "" {
		a.note("the experiment is that of %s", relative(runDir))
	}
	if runDir != "" && c.Method == experiments.Full {
		if f.model != "" {
			return nil, usagef("--model %s: --adapter %s names a model of its own, trained with method full", f.model, relative(adapter))
		}
		c.Model.Path, c.Model.Init, adapter = adapter, experiments.InitWeights, ""
	}
	a.progress.show("loading the model", 0, 0, 0)
	return experiments.OpenGenerator(ctx, c, adapter)
}
