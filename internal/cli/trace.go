package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"hone/experiments"
)

func (a *app) traceCommand() *cobra.Command {
	var (
		store string
		o     experiments.ReplayOptions
		ops   bool
		words bool
	)
	cmd := &cobra.Command{
		Use:   "trace RUN",
		Short: "Execute a recorded step again, with every operation looked at",
		Long: "Execute a recorded step of a run again, from the newest checkpoint before it: does it come out with the same bits, which operation is the first with a value " +
			"that is not finite, and which rows, layer, element and token make it so. With --without-row or --set the step is executed a second time with that changed, and both are shown side by side. " +
			"The run directory is only read.",
		Example: "hone trace latest --step 41\nhone trace runs/slow --step 41 --without-row 412\nhone trace latest --step 41 --set train.clip=0 --set loss.json=0 --ops",
	}
	cmd.RunE = a.command(oneArg("a run"), func(ctx context.Context, args []string) error {
		if err := atLeast("step", o.Step, 1); err != nil {
			return err
		}
		dir, err := resolveRun(store, args[0])
		if err != nil {
			return err
		}
		r, err := experiments.ReplayStep(ctx, dir, o)
		if errors.Is(err, experiments.ErrNotRecorded) {
			return errorWithHint(err, "hone runs show "+args[0]+" says how far the run came")
		}
		if err != nil {
			return err
		}
		for _, s := range []*experiments.ReplayedStep{&r.Base, r.Variant} {
			if s != nil {
				s.Leave(ops, words)
			}
		}
		if a.json {
			return a.out.line(r)
		}
		a.printReplay(r)
		return nil
	})
	addStore(cmd, &store)
	cmd.Flags().IntVar(&o.Step, "step", 0, "which step, from 1")
	cmd.Flags().IntSliceVar(&o.Without, "without-row", nil, "once more without this row of the train split; repeatable")
	cmd.Flags().StringArrayVar(&o.Set, "set", nil, "once more with this setting changed, as train.lr=1e-5; repeatable")
	cmd.Flags().BoolVar(&ops, "ops", false, "list every operation")
	cmd.Flags().BoolVar(&words, "tokens", false, "list every token as it was consumed, with its mask and loss")
	_ = cmd.RegisterFlagCompletionFunc("set", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var keys []string
		for _, k := range experiments.ReplayKeys() {
			keys = append(keys, k+"=")
		}
		return keys, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func (a *app) printReplay(r *experiments.Replay) {
	t := a.table()
	t.row("run", relative(r.RunDir))
	from := "the beginning"
	if r.From > 0 {
		from = fmt.Sprintf("checkpoint %d", r.From)
	}
	t.row("step", fmt.Sprintf("%d, from %s", r.Step, from))
	if r.Injected {
		t.row("planted", "failures are planted into this run on purpose")
	}
	verdict := "yes, bit for bit"
	if !r.Reproduced {
		verdict = "no"
	}
	t.row("reproduced", verdict)
	t.flush()
	for i, d := range r.Differences {
		if i == maxDifferences {
			a.out.printf("  and %d more\n", len(r.Differences)-i)
			break
		}
		a.out.printf("  %s\n", oneLine(d.String()))
	}
	for _, n := range r.Notes {
		a.out.printf("note: %s\n", oneLine(n))
	}
	if len(r.Base.Rows) > 0 || r.Base.Problem != "" {
		a.out.printf("\n")
		a.printSteps(r.Base, r.Variant)
	}
	if r.Bisection != nil {
		a.printBisection(r.Bisection)
	}
	a.printTokens(r.Base.PerRow)
	a.printOps(r.Base.Ops, "operations")
	if r.Variant != nil {
		a.printOps(r.Variant.Ops, "operations, changed")
	}
}

// maxDifferences is how many differences are shown.
const maxDifferences = 12

// printSteps shows one or two executions side by side.
func (a *app) printSteps(base experiments.ReplayedStep, variant *experiments.ReplayedStep) {
	both := []experiments.ReplayedStep{base}
	head := []string{"", "as recorded"}
	if variant != nil {
		both, head = append(both, *variant), append(head, changes(*variant))
	}
	t := a.table()
	t.row(head...)
	show := func(what string, cell func(experiments.ReplayedStep) string) {
		cells := []string{what}
		for _, s := range both {
			cells = append(cells, cell(s))
		}
		t.row(cells...)
	}
	number := func(x float64) string { return fmt.Sprintf("%.6g", x) }
	type step = experiments.ReplayedStep
	show("loss", func(s step) string { return number(float64(s.Loss)) })
	show("cross entropy", func(s step) string { return number(float64(s.CE)) })
	show("json", func(s step) string { return number(float64(s.JSON)) })
	show("field", func(s step) string { return number(float64(s.Field)) })
	show("confidence", func(s step) string { return number(float64(s.Confidence)) })
	show("gradient norm", func(s step) string { return number(float64(s.GradNorm)) })
	show("clipped by", func(s step) string { return number(float64(s.Clip)) })
	show("learning rate", func(s step) string { return number(float64(s.LR)) })
	show("update norm", func(s step) string { return number(float64(s.Update)) })
	show("applied", func(s step) string { return map[bool]string{true: "yes", false: "no"}[s.Applied] })
	show("first bad", func(s step) string {
		if s.FirstBad == nil {
			return "none"
		}
		return s.FirstBad.Bad.Part + " " + s.FirstBad.Phase
	})
	for _, r := range base.PerRow {
		show(fmt.Sprintf("row %d", r.Row), func(s step) string {
			i := slices.IndexFunc(s.PerRow, func(x experiments.ReplayedRow) bool { return x.Row == r.Row })
			if i < 0 {
				return "left out"
			}
			x := s.PerRow[i]
			return fmt.Sprintf("%s nats, %d targets of %d tokens", number(float64(x.NLL)), x.Targets, x.Tokens)
		})
	}
	t.flush()
	for _, s := range both {
		if s.Problem != "" {
			a.out.printf("%s\n", oneLine(s.Problem))
		}
	}
}

// changes names what a second execution has changed.
func changes(s experiments.ReplayedStep) string {
	text := ""
	if len(s.Without) > 0 {
		text = fmt.Sprintf("without %v", s.Without)
	}
	for _, set := range s.Set {
		if text != "" {
			text += ", "
		}
		text += set
	}
	return text
}

func (a *app) printBisection(b *experiments.Bisection) {
	a.out.printf("\nbisection\n")
	for _, p := range b.Probes {
		verdict := "not finite"
		if p.Finite {
			verdict = "finite"
		}
		a.out.printf("  rows %v: %s\n", p.Rows, verdict)
	}
	switch {
	case b.NotRow:
		a.out.printf("  no row is to blame: the weights or the settings are\n")
	case len(b.Rows) > 0:
		a.out.printf("  to blame: rows %v\n", b.Rows)
	}
	if b.Op == nil {
		a.out.printf("  every operation is finite\n")
		return
	}
	if b.Layer != nil {
		a.out.printf("  layer %d\n", *b.Layer)
	}
	a.out.printf("  operation %s %s\n  first value %s\n", b.Op.Name, b.Op.Phase, oneLine(b.Op.Bad.String()))
}

// printTokens lists the tokens of rows: a dot for what was masked, else its loss.
func (a *app) printTokens(rows []experiments.ReplayedRow) {
	for _, row := range rows {
		if row.PerToken == nil {
			continue
		}
		a.out.printf("\ntokens of row %d\n", row.Row)
		t := a.table()
		t.row("at", "id", "token", "nats", "field")
		for i, token := range row.PerToken {
			nats := "."
			switch {
			case token.NLL != nil:
				nats = fmt.Sprintf("%.4g", float64(*token.NLL))
			case token.Target:
				nats = "supervised"
			}
			t.row(fmt.Sprint(i), fmt.Sprint(token.ID), fmt.Sprintf("%q", token.Text), nats, token.Field)
		}
		t.flush()
	}
}

func (a *app) printOps(ops []experiments.ReplayedOp, title string) {
	if len(ops) == 0 {
		return
	}
	a.out.printf("\n%s\n", title)
	t := a.table()
	t.row("seq", "pass", "operation", "phase", "shape", "absmin", "absmax", "rms", "zero", "subnormal", "inf", "nan", "first bad")
	for _, o := range ops {
		bad := ""
		if o.Bad != nil {
			bad = fmt.Sprint(o.Bad.Index)
		}
		t.row(fmt.Sprint(o.Seq), fmt.Sprint(o.Pass), o.Name, o.Phase, fmt.Sprintf("%dx%d", o.Shape[0], o.Shape[1]),
			fmt.Sprintf("%.3g", float64(o.AbsMin)), fmt.Sprintf("%.3g", float64(o.AbsMax)), fmt.Sprintf("%.3g", float64(o.RMS)),
			fmt.Sprint(o.Zero), fmt.Sprint(o.Subnormal), fmt.Sprint(o.PosInf+o.NegInf), fmt.Sprint(o.NaN), bad)
	}
	t.flush()
}
