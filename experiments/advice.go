package experiments

import (
	"fmt"
	"runtime"

	"hone/data"
	"hone/engine/optim"
)

// Warning is something about a setting that is allowed and probably not meant.
type Warning struct {
	Key     string `json:"key"`
	Message string `json:"message"`
}

// Facts is what is known about an experiment beyond its settings; 0 where it is
// not known.
type Facts struct {
	Rows          int // train rows that are trained on
	Dropped       int // train rows that are longer than data.max_length
	Steps         int // optimizer steps of the run
	LongestTarget int // tokens of the longest completion that is evaluated, EOS included
	Hidden        int // width of the model
	MaxPositions  int // longest text the model was made for
	CPUs          int
	Seconds       float64 // the run is estimated to take
}

// Bounds of what is usual.
const (
	usualBatch   = 32   // examples; above, small datasets have few steps
	fewSteps     = 50   // an epoch
	longWithout  = 600  // seconds without a checkpoint
	usualWarmup  = 0.3  // of the run
	usualDropout = 0.3  //
	usualDecay   = 0.3  //
	manyEpochs   = 20   //
	fewRows      = 2000 // for manyEpochs
	mostScale    = 8.0  // alpha/r
	leastScale   = 0.25
)

// narrow is the hidden size up to which a model takes larger steps: the built-in one, of 256, learns best at 2e-3 to 4e-3
// (docs/builtin-model.md).
const narrow = 512

// rates are the usual learning rates: of LoRA, smaller the higher the rank, as
// reported for AdamW; every weight of a trained model takes about a tenth.
var rates = []struct {
	what      string
	is        func(c *Config, f *Facts) bool
	low, high float64
}{
	{"training with Muon", func(c *Config, _ *Facts) bool { return c.Method == Full && c.Train.Optimizer == optim.NameMuon }, 1e-3, 1e-1},
	{"training from random weights", func(c *Config, _ *Facts) bool { return c.Method == Full && c.Model.Init == InitRandom }, 1e-4, 1e-2},
	{"training every weight of a trained model", func(c *Config, _ *Facts) bool { return c.Method == Full }, 1e-6, 2e-4},
	{"LoRA on a model as narrow as this", func(c *Config, f *Facts) bool { return f.Hidden > 0 && f.Hidden <= narrow && c.LoRA.R <= 64 }, 2e-4, 1e-2},
	{"LoRA of rank 8 and below", func(c *Config, _ *Facts) bool { return c.LoRA.R <= 8 }, 1e-4, 3e-3},
	{"LoRA of rank 9 to 64", func(c *Config, _ *Facts) bool { return c.LoRA.R <= 64 }, 5e-5, 2e-3},
	{"LoRA above rank 64", func(*Config, *Facts) bool { return true }, 2e-5, 1e-3},
}

// advice are the rules, in the order of the experiment file; each explains why it
// matters and what would do.
var advice = []struct {
	key string
	say func(c *Config, f *Facts) string
}{
	{"threads", func(c *Config, f *Facts) string {
		if f.CPUs > 0 && c.Threads > f.CPUs {
			return fmt.Sprintf("more than the %d cores here: threads wait for each other", f.CPUs)
		}
		return ""
	}},
	{"data.max_length", func(c *Config, f *Facts) string {
		if f.Dropped > 0 {
			return fmt.Sprintf("drops %s: longer than %d tokens", ofRows(f.Dropped, "train row"), c.Data.MaxLength)
		}
		if f.MaxPositions > 0 && c.Data.MaxLength > f.MaxPositions {
			return fmt.Sprintf("the model was made for texts of up to %d tokens", f.MaxPositions)
		}
		return ""
	}},
	{"lora.r", func(c *Config, f *Facts) string {
		if c.Method == LoRA && f.Hidden > 0 && c.LoRA.R > f.Hidden {
			return fmt.Sprintf("above the hidden size %d: the adapter is larger than what it adapts", f.Hidden)
		}
		return ""
	}},
	{"lora.alpha", func(c *Config, _ *Facts) string {
		scale := c.LoRA.Alpha / float64(c.LoRA.R)
		switch {
		case c.Method != LoRA || c.LoRA.RSLoRA:
		case scale > mostScale:
			return fmt.Sprintf("scales the update by alpha/r = %.3g: usual is 1 to 2, and steps this large diverge easily", scale)
		case scale < leastScale:
			return fmt.Sprintf("scales the update by alpha/r = %.3g: usual is 1 to 2, and little would be learned", scale)
		}
		return ""
	}},
	{"lora.dropout", func(c *Config, _ *Facts) string {
		if c.Method == LoRA && c.LoRA.Dropout > usualDropout {
			return fmt.Sprintf("drops %.0f %% of the adapter's inputs: usual is up to 10 %%", 100*c.LoRA.Dropout)
		}
		return ""
	}},
	{"loss.confidence", func(c *Config, _ *Facts) string {
		if c.Loss.Confidence > c.Loss.CE {
			return "weighs more than loss.ce: being sure counts more than being right"
		}
		return ""
	}},
	{"train.epochs", func(c *Config, f *Facts) string {
		if c.Train.Epochs > manyEpochs && f.Rows > 0 && f.Rows < fewRows {
			return fmt.Sprintf("%d passes over %s: watch the eval loss, it may rise while the train loss falls", c.Train.Epochs, ofRows(f.Rows, "row"))
		}
		return ""
	}},
	{"train.batch_size", func(c *Config, f *Facts) string {
		size := c.Train.BatchSize
		switch {
		case f.Rows > 0 && size > f.Rows:
			return fmt.Sprintf("above the %s: every step takes the whole split", ofRows(f.Rows, "train row"))
		case f.Rows > 0 && size > usualBatch && f.Rows < fewSteps*size:
			return fmt.Sprintf("above %d on %s: %d steps an epoch are few to learn from", usualBatch, ofRows(f.Rows, "row"), (f.Rows+size-1)/size)
		}
		return ""
	}},
	{"train.lr", func(c *Config, f *Facts) string {
		for _, r := range rates {
			if !r.is(c, f) {
				continue
			}
			switch {
			case c.Train.LR > r.high:
				return fmt.Sprintf("above the usual %g to %g of %s: the loss may jump or become NaN", r.low, r.high, r.what)
			case c.Train.LR < r.low:
				return fmt.Sprintf("below the usual %g to %g of %s: little would be learned", r.low, r.high, r.what)
			}
			break
		}
		return ""
	}},
	{"train.warmup", func(c *Config, f *Facts) string {
		switch {
		case c.Train.Warmup >= 1 && f.Steps > 0:
			return fmt.Sprintf("as long as the run: the learning rate is reached at its last step, %d", f.Steps)
		case c.Train.Warmup >= 1:
			return "as long as the run: the learning rate is reached at its last step"
		case c.Train.Warmup > usualWarmup:
			return fmt.Sprintf("takes %.0f %% of the run: usual is 3 to 10 %%", 100*c.Train.Warmup)
		}
		return ""
	}},
	{"train.weight_decay", func(c *Config, _ *Facts) string {
		if c.Train.WeightDecay > usualDecay {
			return "pulls the weights to zero: usual is up to 0.1"
		}
		return ""
	}},
	{"train.clip", func(c *Config, _ *Facts) string {
		if c.Train.Clip == 0 {
			return "no clipping: one odd batch can undo the run; usual is 1"
		}
		return ""
	}},
	{"train.eval_every", func(c *Config, f *Facts) string {
		switch {
		case c.Train.EvalEvery == 0:
			return "no evaluations: the last adapter is kept, not the best"
		case f.Steps > 0 && c.Train.EvalEvery > f.Steps:
			return fmt.Sprintf("larger than the run of %s: no score before its end", ofRows(f.Steps, "step"))
		}
		return ""
	}},
	{"train.checkpoint_every", func(c *Config, f *Facts) string {
		every := c.Train.CheckpointEvery
		if f.Seconds > longWithout && f.Steps > 0 && (every == 0 || every >= f.Steps) {
			return fmt.Sprintf("no checkpoint in %.0f minutes: a killed run begins anew", f.Seconds/60)
		}
		return ""
	}},
	{"eval.max_new", func(c *Config, f *Facts) string {
		if c.Eval.MaxNew < f.LongestTarget {
			return fmt.Sprintf("the longest target has %d tokens: longer outputs are cut and cannot be right", f.LongestTarget)
		}
		return ""
	}},
}

// Advise lists what about an experiment is allowed and probably not meant, in the
// order of its file.
func Advise(c Config, f Facts) []Warning {
	var list []Warning
	for _, rule := range advice {
		if msg := rule.say(&c, &f); msg != "" {
			list = append(list, Warning{rule.key, msg})
		}
	}
	return list
}

func ofRows(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// facts are what the workspace knows for advice.
func (w *Workspace) facts() Facts {
	train := w.Encoded[data.Train]
	f := Facts{Rows: len(train.Examples), Dropped: len(train.Dropped), Hidden: w.Model.Hidden, MaxPositions: w.Model.MaxPositions, CPUs: runtime.NumCPU()}
	if w.Dataset.Format != data.Text { // of texts nothing is generated
		f.LongestTarget = max(w.Encoded[data.Eval].Completions.Max, w.Encoded[data.Test].Completions.Max)
	}
	return f
}
