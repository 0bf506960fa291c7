package experiments

import (
	"fmt"
	"runtime"

	"hone/data"
	"hone/engine"
	"hone/engine/optim"
	"hone/runs"
)

// Warning is something about a setting that is allowed and probably not meant.
type Warning struct {
	Key     string `json:"key"`
	Message string `json:"message"`
}

// Facts is what is known about an experiment beyond its settings; 0 where it is
// not known.
type Facts struct {
	Format        data.Format // of the dataset's rows
	Rows          int         // train rows that are trained on
	Dropped       int         // train rows that are longer than data.max_length
	Steps         int         // optimizer steps of the run
	LongestTarget int         // tokens of the longest completion that is evaluated, EOS included
	Hidden        int         // width of the model
	MaxPositions  int         // longest text the model was made for
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
	mostNoise    = 30.0 // neftune_alpha; the paper takes 5 to 15
	leastNoise   = 1.0  //
	mostRatio    = 32.0 // loraplus_ratio; the paper takes up to 16
	leastBeta2   = 0.9  //
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
	{"data.prompt", func(c *Config, f *Facts) string {
		if (f.Format == data.Chat || f.Format == data.Text) && c.Data.Prompt != data.DefaultTemplate {
			return fmt.Sprintf("does nothing here: it makes prompts of event texts, and the rows are %s", rowsOf(f.Format))
		}
		return ""
	}},
	{"data.chat_template", func(c *Config, f *Facts) string {
		if c.Data.ChatTemplate != "" && f.Format != "" && f.Format != data.Chat {
			return fmt.Sprintf("does nothing here: it renders rows of messages, and the rows are %s", rowsOf(f.Format))
		}
		return ""
	}},
	{"data.turns", func(c *Config, f *Facts) string {
		if c.Data.Turns != data.TurnsAll && f.Format != "" && f.Format != data.Chat {
			return fmt.Sprintf("does nothing here: it is of conversations, and the rows are %s", rowsOf(f.Format))
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
	{"lora.rank_pattern", func(c *Config, f *Facts) string {
		for _, p := range patterns(c.LoRA.RankPattern) {
			if c.Method == LoRA && f.Hidden > 0 && p.Value > float64(f.Hidden) {
				return fmt.Sprintf("gives %q rank %g, above the hidden size %d: the adapter is larger than what it adapts", p.Name, p.Value, f.Hidden)
			}
		}
		return ""
	}},
	{"lora.alpha_pattern", func(c *Config, _ *Facts) string {
		for _, p := range patterns(c.LoRA.AlphaPattern) {
			r := float64(c.LoRA.R)
			if of, ok := c.LoRA.RankPattern[p.Name]; ok {
				r = of
			}
			if scale := p.Value / r; c.Method == LoRA && !c.LoRA.RSLoRA && (scale > mostScale || scale < leastScale) {
				return fmt.Sprintf("scales the update of %q by alpha/r = %.3g: usual is 1 to 2", p.Name, scale)
			}
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
	{"train.decay", func(c *Config, _ *Facts) string {
		switch {
		case c.Train.Schedule == "wsd" && c.Train.Decay == 0:
			return "is 0: the learning rate of wsd never falls, and most of what a run gains at its end is lost; usual is 0.1 to 0.2"
		case c.Train.Schedule != "wsd" && c.Train.Decay != Default().Train.Decay:
			return fmt.Sprintf("does nothing with the schedule %q: it is of wsd", c.Train.Schedule)
		}
		return ""
	}},
	{"train.decay_shape", func(c *Config, _ *Facts) string {
		if c.Train.Schedule != "wsd" && c.Train.DecayShape != Default().Train.DecayShape {
			return fmt.Sprintf("does nothing with the schedule %q: it is of wsd", c.Train.Schedule)
		}
		return ""
	}},
	{"train.loraplus_ratio", func(c *Config, _ *Facts) string {
		switch ratio := c.Train.LoRAPlusRatio; {
		case c.Method != LoRA || ratio == 1:
		case c.Train.Optimizer == optim.NameMuon:
			return fmt.Sprintf("is LoRA+ of AdamW: Muon makes every update of B equally large, and %g times that is no longer what was measured", ratio)
		case ratio > mostRatio:
			return fmt.Sprintf("trains B at %.3g: the paper takes ratios up to 16, and steps this large diverge easily", ratio*c.Train.LR)
		case ratio < 1:
			return "trains B slower than A: LoRA+ is the other way round"
		}
		return ""
	}},
	{"train.weight_decay", func(c *Config, _ *Facts) string {
		if c.Train.WeightDecay > usualDecay {
			return "pulls the weights to zero: usual is up to 0.1"
		}
		return ""
	}},
	{"train.optimizer", func(c *Config, _ *Facts) string {
		if c.Train.Optimizer == optim.NameMuon && c.Method == LoRA {
			return "muon is for whole weights, from random ones above all: of LoRA's thin factors it makes every direction equally large"
		}
		return ""
	}},
	{"train.beta2", func(c *Config, _ *Facts) string {
		if c.Train.Beta2 < leastBeta2 {
			return fmt.Sprintf("averages squared gradients over some %.0f steps: usual is 0.95 to 0.999, and steps become uneven", 1/(1-c.Train.Beta2))
		}
		return ""
	}},
	{"train.clip", func(c *Config, _ *Facts) string {
		if c.Train.Clip == 0 {
			return "no clipping: one odd batch can undo the run; usual is 1"
		}
		return ""
	}},
	{"train.neftune_alpha", func(c *Config, _ *Facts) string {
		switch alpha := c.Train.NEFTuneAlpha; {
		case alpha > mostNoise:
			return fmt.Sprintf("the paper takes 5 to 15: at %g noise drowns the embeddings", alpha)
		case alpha > 0 && alpha < leastNoise:
			return fmt.Sprintf("the paper takes 5 to 15: noise of %g changes nothing that could be measured; 0 switches it off", alpha)
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
	{"train.best_by", func(c *Config, f *Facts) string {
		scored := c.Train.BestBy != runs.ScoreLoss && c.Train.EvalEvery > 0
		switch {
		case scored && c.Train.EvalExamples == 0:
			return fmt.Sprintf("train.eval_examples is 0: there is no %s, the lowest loss decides", c.Train.BestBy)
		case scored && f.Format == data.Text && c.Train.BestBy != Default().Train.BestBy:
			return fmt.Sprintf("rows of text have no %s: the lowest loss decides", c.Train.BestBy)
		}
		return ""
	}},
	{"train.patience", func(c *Config, f *Facts) string {
		on := c.Train.EarlyStopping != NoEarlyStopping && c.Train.EvalEvery > 0
		if first := (c.Train.Patience + 1) * c.Train.EvalEvery; on && f.Steps > 0 && first >= f.Steps {
			return fmt.Sprintf("never ends a run of %s: %d evaluations without a rise, one every %s, reach step %d at the earliest", ofRows(f.Steps, "step"), c.Train.Patience, ofRows(c.Train.EvalEvery, "step"), first)
		}
		return ""
	}},
	{"train.min_delta", func(c *Config, _ *Facts) string {
		switch {
		case c.Train.MinDelta == 0:
		case c.Train.EarlyStopping == NoEarlyStopping:
			return "does nothing: train.early_stopping is off"
		case c.Train.EarlyStopping != runs.ScoreLoss && c.Train.MinDelta >= 1:
			return fmt.Sprintf("no share rises by more than %g: every run ends after train.patience evaluations", c.Train.MinDelta)
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
	{"train.save", func(c *Config, _ *Facts) string {
		if c.Method == LoRA && c.Train.Save != Default().Train.Save {
			return "does nothing: it is of method full, an adapter is stored in f32"
		}
		return ""
	}},
	{"train.on_nonfinite", func(c *Config, _ *Facts) string {
		if c.Train.OnNonfinite == engine.Rewind && c.Train.CheckpointEvery == 0 {
			return "goes back to the beginning: train.checkpoint_every is 0, so there is no other checkpoint"
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

// rowsOf says what a dataset's rows are.
func rowsOf(f data.Format) string {
	switch f {
	case data.Chat:
		return "conversations"
	case data.Text:
		return "texts"
	case data.Events:
		return "event texts"
	}
	return "prompts and completions"
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
	f := Facts{Format: w.Dataset.Format, Rows: len(train.Examples), Dropped: len(train.Dropped), Hidden: w.Model.Hidden, MaxPositions: w.Model.MaxPositions, CPUs: runtime.NumCPU()}
	if w.Dataset.Format != data.Text { // of texts nothing is generated
		f.LongestTarget = max(w.Encoded[data.Eval].Completions.Max, w.Encoded[data.Test].Completions.Max)
	}
	return f
}
