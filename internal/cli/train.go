package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/engine/trace/inject"
	"hone/experiments"
	"hone/runs"
)

type trainOptions struct {
	experimentFlags
	runDir, store string
	maxSteps      int
	dryRun        bool
	findLR        bool
	compare       bool
	inject        []string
	rewind        int
	without       []int
}

func (a *app) trainCommand() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train an adapter; go on with a run that was stopped",
		Long: "Train a LoRA adapter. Everything about the run is kept in a new directory of --store, or in --run-dir: " +
			"given again, the same command goes on where the run was stopped, or prints the result of a finished one. " +
			"Interrupt it (ctrl+c) to stop after the step in flight with a checkpoint, twice to abandon that step.",
		Example: "hone train --model DIR --data FILE.jsonl\nhone train --config calendar.toml --set train.lr=1e-4 --run-dir runs/slow\nhone train --run-dir runs/slow\nhone train --config calendar.toml --find-lr\nhone train --config calendar.toml --dry-run",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		if err := atLeast("max-steps", o.maxSteps, 0); err != nil {
			return err
		}
		for _, other := range []string{"dry-run", "run-dir", "max-steps", "compare", "inject", "rewind"} {
			if o.findLR && cmd.Flags().Changed(other) {
				return usagef("--find-lr: touches no run and does nothing else: leave out --%s", other)
			}
		}
		start := experiments.StartOptions{RunDir: o.runDir, Store: o.store, MaxSteps: o.maxSteps, Version: a.versionText()}
		var err error
		if start.Rewind, err = o.goBack(cmd); err != nil {
			return err
		}
		start.Inject, err = o.faults()
		if err != nil {
			return err
		}
		c, err := o.experiment()
		if err != nil {
			return err
		}
		switch {
		case o.findLR:
			return a.findLR(ctx, c)
		case o.dryRun:
			return a.plan(c)
		}
		return a.train(ctx, c, start, o.compare)
	})
	o.add(cmd, true)
	addStore(cmd, &o.store)
	cmd.Flags().StringVar(&o.runDir, "run-dir", "", "the run's own directory: made, resumed, or left alone if finished")
	cmd.Flags().IntVar(&o.maxSteps, "max-steps", 0, "stop after this step, with a checkpoint; the schedule stays that of the whole run")
	cmd.Flags().BoolVar(&o.compare, "compare", false, "when the run is finished, compare it with the base model on the test split")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what the run would cost, and do nothing; config.json is enough of a model")
	cmd.Flags().BoolVar(&o.findLR, "find-lr", false, "sweep the learning rate over the experiment's batches, show the loss against it and suggest one; nothing is written")
	cmd.Flags().StringArrayVar(&o.inject, "inject", nil, "plant a failure on purpose, to see what finds it: ID@STEP, as ACT-INF@5, step 0 being the data; repeatable")
	cmd.Flags().IntVar(&o.rewind, "rewind", 0, "take the run of --run-dir back to the state after this step, finished or failed, and go on from there; 0 is the beginning")
	cmd.Flags().IntSliceVar(&o.without, "without-row", nil, "with --rewind: leave this row of the train split out from there on; repeatable")
	_ = cmd.RegisterFlagCompletionFunc("inject", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		for _, m := range inject.Modes() {
			if m.Where != nil {
				ids = append(ids, cobra.CompletionWithDesc(m.ID+"@", m.Reason))
			}
		}
		return ids, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// goBack is the rewind that the flags ask for; nil for none.
func (o trainOptions) goBack(cmd *cobra.Command) (*experiments.Rewind, error) {
	if !cmd.Flags().Changed("rewind") {
		if len(o.without) > 0 {
			return nil, usagef("--without-row: needs --rewind STEP, the step to go back to")
		}
		return nil, nil
	}
	if err := atLeast("rewind", o.rewind, 0); err != nil {
		return nil, err
	}
	if !isRun(o.runDir) {
		return nil, usagef("--rewind: needs --run-dir with a run that is there")
	}
	return &experiments.Rewind{To: o.rewind, Without: o.without}, nil
}

// faults are the failures to plant.
func (o trainOptions) faults() ([]inject.Fault, error) {
	faults, err := experiments.ParseFaults(o.inject)
	if err != nil {
		return nil, usage(fmt.Errorf("--inject: %w", err))
	}
	return faults, nil
}

// experiment is the one that the flags give. When they name neither a file nor a
// model nor data, a run directory that is there brings its own, under --set.
func (o trainOptions) experiment() (experiments.Config, error) {
	if o.config == "" && o.model == "" && o.data == "" && isRun(o.runDir) {
		return o.load(o.runDir)
	}
	return o.load("")
}

// plan shows what a run would cost.
func (a *app) plan(c experiments.Config) error {
	p, err := experiments.MakePlan(c)
	if err != nil {
		return err
	}
	if a.json {
		return a.out.line(p)
	}
	t := a.table()
	t.row("trained parameters", count(p.TrainableParams), fmt.Sprintf("%.3f %% of %s", p.TrainablePercent, count(p.TotalParams)))
	if p.Steps != nil {
		t.row("steps", count(*p.Steps))
	}
	if p.Tokens != nil {
		t.row("tokens", count(*p.Tokens))
	}
	if p.MemoryBytes != nil {
		t.row("memory", size(*p.MemoryBytes), "estimated peak")
	}
	if p.Seconds != nil {
		took := seconds(*p.Seconds)
		t.row("time", clock(took), "estimated, evaluations included: until "+time.Now().Add(took).Format("2006-01-02 15:04"))
		t.row("step", fmt.Sprintf("%.3g s", *p.StepSeconds), "estimated, one optimizer step")
	}
	if p.EOS != nil {
		t.row("eos", *p.EOS)
	}
	if p.MicroBatch != nil {
		t.row("micro-batch", count(*p.MicroBatch), "tokens a forward pass")
	}
	t.flush()
	for _, n := range p.Notes {
		a.out.printf("note: %s\n", n)
	}
	for _, w := range p.Warnings {
		a.out.printf("warning: %s: %s\n", w.Key, w.Message)
	}
	return nil
}

// pollEvery is how often the run's records are read.
const pollEvery = 50 * time.Millisecond

// train trains, and shows what is recorded as it is recorded.
func (a *app) train(ctx context.Context, c experiments.Config, o experiments.StartOptions, compare bool) error {
	a.signals.beGraceful()
	if !isRun(o.RunDir) {
		// A run that cannot begin leaves no directory behind.
		if _, err := experiments.MakePlan(c); err != nil {
			return err
		}
	}
	records, err := endOfRun(o.RunDir)
	if err != nil {
		return err
	}
	run, err := experiments.Start(ctx, c, o)
	if err != nil {
		return err
	}
	records.follow(run.Dir())
	v := &trainView{app: a, goal: o.MaxSteps, dir: run.Dir()}
	v.begin()

	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	stop, broken := a.signals.first, a.out.failed
	for live := true; live; {
		select {
		case <-run.Done():
			live = false
		case <-tick.C:
		case <-stop:
			stop = nil
			run.Stop()
			a.note("stopping after this step, with a checkpoint; once more abandons it")
		case <-broken:
			broken = nil
			run.Stop()
		}
		if err := records.lines(v.record); err != nil && broken != nil {
			run.Stop()
			<-run.Done()
			return err
		}
	}
	result, err := run.Wait()
	if err := a.trained(v, result, err); err != nil || !compare || result.State != runs.Finished {
		return err
	}
	return a.compareSides(ctx, experiments.BaseOf(result.RunDir), experiments.TunedOf(result.RunDir), data.Test, nil)
}

// trained shows how the run ended.
func (a *app) trained(v *trainView, r experiments.Result, failure error) error {
	a.progress.clear()
	if failure != nil {
		return fmt.Errorf("%s: %w", relative(r.RunDir), failure)
	}
	if a.json {
		if err := a.out.line(struct {
			Type string `json:"type"`
			experiments.Result
		}{"done", r}); err != nil {
			return err
		}
	} else {
		v.end(r)
	}
	if stopped := a.signals.err(); stopped != nil && r.State != runs.Finished {
		return reportedError{stopped}
	}
	return nil
}

// relative is a path as seen from here, where that is shorter.
func relative(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || len(short) >= len(path) {
		return path
	}
	return short
}

// resolveRun finds a run directory by path, id, beginning of an id, or latest;
// "" stays.
func resolveRun(store, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	dir, err := runs.Store{Root: store}.Resolve(ref)
	if err != nil {
		return "", err
	}
	if !isRun(dir) {
		return "", fmt.Errorf("%s: %w: it has no %s", ref, runs.ErrNotFound, runs.ConfigName)
	}
	return dir, nil
}
