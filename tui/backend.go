package tui

import (
	"context"
	"errors"

	"hone/experiments"
	"hone/runs"
)

// backend is what the workbench asks of the rest of Hone, so that screens are
// tested without models and files. Every method may take long and is called from
// commands only. The real one is live.
type backend interface {
	// Open reads an experiment's dataset and tokenizer; weights are not needed.
	Open(ctx context.Context, c experiments.Config) (*workspace, error)
	// Plan says what training would cost.
	Plan(c experiments.Config) (planView, error)
	// Preflight looks at an experiment as a run of it would begin: it reads the weights.
	Preflight(ctx context.Context, c experiments.Config) (experiments.Preflight, error)
	// Models lists the models at hand; with an error, what could be found all the same.
	Models(ctx context.Context, c experiments.Config, store string) (experiments.ModelsAtHand, error)
	// FindRate sweeps the learning rate over the experiment's own batches, in memory
	// only; seen hears of every step.
	FindRate(ctx context.Context, c experiments.Config, seen func(experiments.RateTrial)) (experiments.FoundRate, error)
	// SaveConfig writes the experiment file; without overwrite an existing one is
	// refused with fs.ErrExist.
	SaveConfig(path string, c experiments.Config, overwrite bool) error
	// RunConfig reads the experiment that a run directory holds.
	RunConfig(dir string) (experiments.Config, error)

	// Start trains in this process: in a new directory of a store, or in a run's own,
	// which resumes it. It returns when the directory exists.
	Start(ctx context.Context, c experiments.Config, o experiments.StartOptions) (ownRun, error)
	// Follow reads a run directory that any process writes, or the log of another
	// trainer.
	Follow(path string) follower
	// Runs lists a store, newest first.
	Runs(ctx context.Context, store string) ([]runRow, error)
	// Curve reads the loss of every step of a run.
	Curve(dir string) ([]curvePoint, error)
	// Label changes what a person says about a run, which may be going.
	Label(dir string, change func(*runs.Labels)) error
	// Gradients reads the last so many gradient records of a run's trace.
	Gradients(dir string, steps int) (runs.GradientTail, error)
	// ReadStep reads a step from a run's trace, the newest for 0.
	ReadStep(ctx context.Context, dir string, step int) (*experiments.StepRecord, error)
	// ReplayStep executes a recorded step again; nothing is written.
	ReplayStep(ctx context.Context, dir string, o experiments.ReplayOptions) (*experiments.Replay, error)
	// Diagnose has the doctor look at a run or a log.
	Diagnose(ctx context.Context, path string) (diagnosis, error)
	// Remove deletes a run of a store; a running one is refused.
	Remove(store, id string) error

	// ReadComparison reads what was generated before of two models; errNotCompared
	// when that is not complete.
	ReadComparison(sides [2]experiments.Side, split string) (*comparison, error)
	// Compare generates what is missing.
	Compare(ctx context.Context, sides [2]experiments.Side, split string, progress func(done, total int)) (*comparison, error)
	// Sides lists the models that can be compared: those of a run, then those of the
	// other runs of a store.
	Sides(ctx context.Context, store, dir string) ([]experiments.Side, error)
	// RunModels lists the models of a run: what it began with, its checkpoints, what it
	// keeps.
	RunModels(dir string) ([]experiments.Side, error)
	// ExportModel writes a model of a run in a format of other tools; a path that is
	// taken is refused with fs.ErrExist, unless o says to replace what is there.
	ExportModel(ctx context.Context, side experiments.Side, o experiments.ArtifactOptions) (*experiments.Artifact, error)
	// SetNote keeps a note on an example of a run; "" takes it away.
	SetNote(dir, id, event, text string) error
	// Export writes a comparison in the format of the file's ending; without
	// overwrite an existing file is refused with fs.ErrExist.
	Export(c *comparison, path string, overwrite bool) error
	// OpenPrompt loads two models.
	OpenPrompt(ctx context.Context, sides [2]experiments.Side) (prompter, error)
}

// ownRun is a run that this process trains; *experiments.Run is one. Its methods
// return at once and take effect at the next step boundary.
type ownRun interface {
	Dir() string
	State() string
	Pause()
	Resume()
	Step()
	Stop()
	Checkpoint()
	Evaluate()
	SetLR(lr float64)
	SetLoss(w experiments.LossConfig) error // refused when it would not train
	SetBatchSize(n int) error               // refused when out of range
	Abandon()                               // ends at once, without the step under way
	Watch(rows []int)
	Done() <-chan struct{}
	Err() error // why it ended; nil before and after a good end
}

// follower reads a growing run directory; it is used by one goroutine at a time.
type follower interface {
	// Poll reads a bounded part of what is new. The snapshot is never changed
	// afterwards; changed is false when it equals the one before.
	Poll() (snap *snapshot, changed bool)
}

// errNotCompared says that a run's outputs are not all there yet.
var errNotCompared = errors.New("not compared yet")

// prompter tries texts on two models.
type prompter interface {
	// Try generates with the sides asked for, token by token in turns; seen hears of
	// every token. With raw the text is the whole prompt. A side that was not asked
	// for is nil.
	Try(ctx context.Context, text string, raw bool, sides [2]bool, seen func(side int, t experiments.TriedToken)) ([2]*generated, error)
	// Close frees the models; it may have to wait for a Try.
	Close()
}
