// Package experiments is an experiment from its file to its scores.
//
// An experiment is a TOML file. [Load] reads it, with assignments from a command
// line over it, and names everything that is wrong with it at once; [Keys]
// describes every value it may hold. [ScoreText] scores one generated text
// against its target, [Summarize] many.
package experiments

import (
	"maps"
	"sync"
)

// Methods of training.
const (
	LoRA = "lora" // an adapter on frozen weights
	Full = "full" // every weight
)

// What method Full starts from.
const (
	InitWeights = "weights" // the model's own
	InitRandom  = "random"  // see llama.Random; the model needs none
)

// Config is one experiment file: everything that decides a training run. The
// key table (see [Keys]) holds the default, the range and the meaning of every
// value. The zero Config is not valid; start from [Default].
type Config struct {
	Name    string // names the run directory
	Seed    uint64 // decides the split, the order of rows, LoRA's A, dropout and random weights
	Method  string // LoRA or Full
	Threads int    // worker threads; 0 = all cores
	Model   ModelConfig
	Data    DataConfig
	LoRA    LoRAConfig
	Loss    LossConfig
	Train   TrainConfig
	Eval    EvalConfig
}

// ModelConfig is the section [model].
type ModelConfig struct {
	Path  string // "builtin", a directory, a .gguf file or a hub id
	Init  string // InitWeights or InitRandom
	DType string // what frozen weights are computed in: "auto", "f32", "bf16", "int8"
}

// DataConfig is the section [data].
type DataConfig struct {
	Path      string     // "builtin", a .jsonl file or a directory
	Format    string     // "auto", "events", "prompt-completion", "chat"
	Columns   []string   // where a row has what: "prompt=question"
	Prompt    string     // template of the prompt, with {event_text}
	Fields    []string   // the schema; empty = the keys of the train completions
	Split     [3]float64 // shares of train, eval and test; sum 1
	MaxLength int        // tokens of an example, EOS included
	Overlong  string     // "drop", "fail"
	BadRows   string     // "skip", "fail"
	// ChatTemplate renders chat rows: a file, "chatml", or "" = the model's own.
	ChatTemplate string
	Turns        string // of a conversation that are trained on
	EOS          string // text of the token that ends a completion; "" = the model's own
}

// LoRAConfig is the section [lora].
type LoRAConfig struct {
	R           int      // rank
	Alpha       float64  // the update is scaled by Alpha/R, with RSLoRA by Alpha/sqrt(R)
	Dropout     float64  // share of the adapter's inputs dropped in training
	Targets     []string // modules that get an adapter: q_proj, layers.3.mlp.up_proj
	TargetRegex string   // picks them instead, by an expression of their whole names; "" = Targets
	// ExcludeModules get none whatever Targets say; ExcludeRegex does, if not "", by an
	// expression of their whole names.
	ExcludeModules []string
	ExcludeRegex   string

	Layers      []int // layers in which Targets do; empty = all
	RSLoRA      bool
	InitAdapter string // directory of a PEFT adapter to start from; "" = a fresh one
	// RankPattern and AlphaPattern are for the modules that they name instead of R
	// and Alpha: by the ends of their names or by expressions, tried in their order.
	RankPattern, AlphaPattern map[string]float64
}

// LossConfig is the section [loss]: the weights of the four terms.
type LossConfig struct {
	CE, JSON, Field, Confidence float64
}

// TrainConfig is the section [train].
type TrainConfig struct {
	Epochs          int
	BatchSize       int     // examples per optimizer step
	MicroBatch      int     // tokens per forward; 0 = chosen to fit Memory
	Memory          string  // "auto" or a size, see [ParseSize]
	LR              float64 // learning rate at the end of the warm-up
	Schedule        string  // "constant", "linear", "cosine", "wsd"
	Warmup          float64 // fraction of all steps
	Decay           float64 // fraction of all steps, of schedule "wsd"
	DecayShape      string  // "linear", "cosine", "1-sqrt"
	LoRAPlusRatio   float64 // learning rate of B as a multiple of A's
	WeightDecay     float64
	Optimizer       string  // "adamw", "muon"
	Beta2           float64 // of AdamW
	Clip            float64 // largest global gradient norm; 0 = no clipping
	NEFTuneAlpha    float64 // noise on the embeddings while training; 0 = none
	Shuffle         bool
	EvalEvery       int     // optimizer steps; 0 = never
	EvalExamples    int     // rows generated at an evaluation
	BestBy          string  // the score that decides which adapter is kept: one of runs.Scores
	EarlyStopping   string  // NoEarlyStopping, or the score that has to go on rising
	Patience        int     // evaluations
	MinDelta        float64 // what counts as rising
	CheckpointEvery int     // optimizer steps; 0 = only at the end
	KeepCheckpoints int
	Save            string // what method full stores its model in: "f32", "bf16"
	OnNonfinite     string // "halt", "skip-row", "skip-step", "rewind"
	Preflight       bool   // look at the run before its first step, and refuse what cannot work
}

// EvalConfig is the section [eval].
type EvalConfig struct {
	MaxNew int // new tokens per output
	Batch  int // outputs generated side by side
}

// Clone returns a copy of c that shares no slice with it.
func (c Config) Clone() Config {
	c.Data.Fields = append([]string{}, c.Data.Fields...)
	c.LoRA.Targets = append([]string{}, c.LoRA.Targets...)
	c.LoRA.Layers = append([]int{}, c.LoRA.Layers...)
	c.LoRA.RankPattern, c.LoRA.AlphaPattern = maps.Clone(c.LoRA.RankPattern), maps.Clone(c.LoRA.AlphaPattern)
	return c
}

// Default returns the configuration of an empty experiment file: the recipe of
// the fine-tuning report on the built-in data and model.
func Default() Config { return defaults().Clone() }

var defaults = sync.OnceValue(func() Config {
	var c Config
	for i := range keyTable {
		k := &keyTable[i]
		v, err := tomlValue(k.Default)
		if err == nil {
			err = k.assign(&c, v)
		}
		if err != nil {
			panic("experiments: default of " + k.Name + ": " + err.Error()) // the table is ours: a mistake in it is caught by any test
		}
	}
	return c
})

// Change is one key whose value differs between two configurations.
type Change struct {
	Key  string // as "train.lr"
	A, B string // TOML text of both values
}

// Diff lists the keys whose values differ between a and b, in file order.
func Diff(a, b Config) []Change {
	var changes []Change
	for i := range keyTable {
		k := &keyTable[i]
		if va, vb := k.text(&a), k.text(&b); va != vb {
			changes = append(changes, Change{Key: k.Name, A: va, B: vb})
		}
	}
	return changes
}
