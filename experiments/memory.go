package experiments

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"hone/data"
	"hone/engine"
	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/llama"
)

// ErrMemory says that a run does not fit the memory it may use.
var ErrMemory = errors.New("the run does not fit in memory")

// runtimeBytes is what the program needs apart from the model: code, graph,
// dataset, and garbage that awaits collection. tokenBytes is what its tokenizer
// takes for an entry of the vocabulary.
const (
	runtimeBytes = 23 << 20
	tokenBytes   = 1 << 10
)

// garbageBytes is how much garbage may await collection.
const garbageBytes = 64 << 20

// LimitGarbage has garbage collected when there is a little of it, until the
// result is called. By default it may grow to the size of what is in use; but a
// run's buffers are few, large and used to its end, so that looking for what is
// not costs next to nothing. planned is the run's estimated memory in bytes.
func LimitGarbage(planned int64) (restore func()) {
	percent := min(100, max(1, 100*garbageBytes/max(1, planned)))
	before := debug.SetGCPercent(int(percent))
	if before >= 0 && before < int(percent) { // asked for by GOGC
		debug.SetGCPercent(before)
	}
	return func() { debug.SetGCPercent(before) }
}

// demand is what decides the memory of a run.
type demand struct {
	*Workspace
	config Config
	train  []batch.Example
	whole  llama.Pass // of batches in one pass each
	texts  decode.Texts
}

func (w *Workspace) demand(c Config) demand {
	d := demand{Workspace: w, config: c}
	longer := func(e batch.Example) bool { return len(e.IDs) > c.Data.MaxLength }
	for _, e := range w.Encoded[data.Train].Examples {
		if !longer(e) {
			d.train = append(d.train, e)
		}
	}
	d.whole = engine.Config{Seed: c.Seed, Epochs: c.Train.Epochs, BatchSize: c.Train.BatchSize, Shuffle: c.Train.Shuffle}.LargestPass(d.train)
	var eval []batch.Example
	for _, e := range w.Encoded[data.Eval].Examples {
		if !longer(e) {
			eval = append(eval, e)
		}
	}
	if c.Train.EvalEvery > 0 && len(eval) > 0 {
		d.texts = texts(eval, c.Eval)
	}
	return d
}

// texts measures what an evaluation of examples will read and generate.
func texts(examples []batch.Example, c EvalConfig) decode.Texts {
	t := decode.Texts{MaxNew: c.MaxNew, Batch: min(c.Batch, len(examples))}
	first := examples[0].IDs
	for i, e := range examples {
		// In a conversation earlier turns are targets, and of the prompt.
		prompt := max(e.Prompt, len(e.IDs)-e.Targets())
		t.Longest, t.Targets, t.Prompt = max(t.Longest, len(e.IDs)), max(t.Targets, e.Targets()), max(t.Prompt, prompt)
		if i == 0 {
			t.Shared = prompt - 1
		}
		n := 0
		for n < min(t.Shared, prompt-1) && e.IDs[n] == first[n] {
			n++
		}
		t.Shared = n
	}
	return t
}

// longest is the tokens of the longest example: no forward pass can be smaller.
func (d demand) longest() int { return engine.MaxTokens(d.train, 1, 0) }

// bytes is the estimated peak with forward passes of up to so many tokens.
func (d demand) bytes(tokens int) int64 {
	c := d.config
	p := d.whole
	p.Tokens = tokens
	p.Targets = min(p.Targets, tokens)
	n := llama.TrainingBytes(d.Model, AdapterSettings(c), use(c), DType(c), p)
	if d.texts.Batch > 0 {
		n += decode.Bytes(d.Model, AdapterSettings(c), DType(c), d.texts)
	}
	return n + runtimeBytes + tokenBytes*int64(d.Model.Vocab)
}

// least is the estimated peak with the smallest forward passes that the
// experiment allows.
func (d demand) least() int64 {
	if asked := d.config.Train.MicroBatch; asked > 0 {
		return d.bytes(d.asked(asked))
	}
	return d.bytes(d.longest())
}

// asked is what passes of so many tokens at most come to: no example is cut, and
// none is larger than a batch.
func (d demand) asked(tokens int) int { return max(d.longest(), min(tokens, d.whole.Tokens)) }

// microBatch is how many tokens a forward pass takes: what is asked for, else
// as many as fit the memory the run may use. It returns the estimated peak too.
// A run that does not fit is an ErrMemory that says what would make it fit.
func (w *Workspace) microBatch() (tokens int, peak int64, err error) {
	d := w.demand(w.Config)
	budget := memoryBudget(w.Config)
	longest := d.longest()
	tokens = max(longest, d.whole.Tokens)
	if asked := w.Config.Train.MicroBatch; asked > 0 {
		tokens = d.asked(asked)
	} else if d.bytes(tokens) > budget {
		perToken := max(1, (d.bytes(tokens)-d.bytes(longest))/int64(max(1, tokens-longest)))
		tokens = longest + int(max(0, budget-d.bytes(longest))/perToken)
		for tokens > longest && d.bytes(tokens) > budget { // the estimate bends a little
			tokens = max(longest, tokens-max(1, tokens/100))
		}
	}
	peak = d.bytes(tokens)
	if peak > budget {
		return tokens, peak, d.refuse(tokens, budget)
	}
	return tokens, peak, nil
}

// refuse says what the run needs, what it may use, and what would make it fit.
func (d demand) refuse(tokens int, budget int64) error {
	needs, least := "needs", ""
	if tokens == d.longest() {
		least = " at least"
	}
	return fmt.Errorf("%w: it %s%s %s, it may use %s; %s", ErrMemory, needs, least, roundUp(d.bytes(tokens)), roundDown(budget), strings.Join(d.remedies(tokens, budget), ", "))
}

// remedies are the single changes that make the run fit, with what it needs
// then; if there is none, two together.
func (d demand) remedies(tokens int, budget int64) []string {
	var fits []string
	try := func(c Config, what string) bool {
		n := d.Workspace.demand(c)
		if len(n.train) < (len(d.train)+1)/2 { // no remedy
			return false
		}
		need := n.least()
		if need > budget {
			return false
		}
		what += " needs " + roundUp(need)
		if lost := len(d.train) - len(n.train); lost > 0 {
			what += fmt.Sprintf(" (without %d of %d train rows)", lost, len(d.train))
		}
		fits = append(fits, what)
		return true
	}
	if tokens > d.longest() { // asked for
		free := d.config.Clone()
		free.Train.MicroBatch = 0
		try(free, "train.micro_batch = 0")
	}
	short := d.config.Clone()
	shorten := func(c Config, with string) bool {
		for length := d.longest() - 1; length >= 32; length -= 32 {
			c.Data.MaxLength = length / 32 * 32
			if try(c, fmt.Sprintf("%sdata.max_length = %d", with, c.Data.MaxLength)) {
				return true
			}
		}
		return false
	}
	smaller := d.smaller()
	typed := func(c Config) string { return fmt.Sprintf("model.dtype = %q", c.Model.DType) }
	halved := slices.ContainsFunc(smaller, func(c Config) bool { return try(c, typed(c)) })
	shortened := shorten(short, "")
	if len(smaller) > 0 && !halved && !shortened {
		least := smaller[len(smaller)-1]
		shorten(least, typed(least)+" with ")
	}
	if d.texts.Batch > 0 {
		one, none := d.config.Clone(), d.config.Clone()
		one.Eval.Batch = 1
		none.Train.EvalEvery = 0
		_ = d.texts.Batch > 1 && try(one, "eval.batch = 1") || try(none, "train.eval_every = 0")
	}
	return append(fits, d.more(budget, len(fits) > 0))
}

// smaller are experiments whose frozen weights take less memory, the least rounded
// first.
func (d demand) smaller() []Config {
	types := []llama.DType{llama.F32, llama.BF16, llama.Int8} // from large to small
	var out []Config
	for _, t := range types[slices.Index(types, DType(d.config))+1:] {
		c := d.config.Clone()
		c.Model.DType = string(t)
		if DType(c) == t { // not so where every weight is trained
			out = append(out, c)
		}
	}
	return out
}

// more is the remedy of more memory, or of a smaller model.
func (d demand) more(budget int64, last bool) string {
	or := ""
	if last {
		or = "or "
	}
	least := d.least()
	if machine := usableMemory(); machine == 0 || machine >= least {
		return or + fmt.Sprintf("raise train.memory to %s", roundUp(least))
	}
	return or + "take a smaller model: this machine has " + roundDown(usableMemory())
}

// Sizes for people are rounded to the side that keeps them true.
func roundUp(n int64) string   { return sizeText((n+99_999_999)/100_000_000, (n+999_999)/1_000_000) }
func roundDown(n int64) string { return sizeText(n/100_000_000, n/1_000_000) }

func sizeText(tenths, millions int64) string {
	if millions < 1000 {
		return fmt.Sprintf("%d MB", millions)
	}
	return fmt.Sprintf("%d.%d GB", tenths/10, tenths%10)
}
