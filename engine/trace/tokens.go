package trace

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// TokenCount is how many tokens a run consumed, as transformers counts them:
// padding included.
type TokenCount struct {
	Tokens    int64
	Exact     bool   // to the last token; else to a few digits
	How       string // where it is from
	Sequences string // how many, in words; "" where that is not known
	// Low and High bound the tokens of a sequence on average; High is +Inf where
	// there is no bound.
	Low, High float64
	// Whole is the number of tokens that every sequence has, where their counts
	// divide without rest at every checkpoint; 0 where they do not.
	Whole int
	// Checkpoints is how many checkpoints agree on it.
	Checkpoints int
}

// CountTokens finds how many tokens the run consumed; false where that cannot be
// known.
func (l *Log) CountTokens() (TokenCount, bool) {
	if x, ok := l.Number(TokensSeen); ok && x >= 1 && x < 1<<53 && l.LastStep() > 0 {
		t := TokenCount{Tokens: int64(x), Exact: true, How: TokensSeen}
		l.perSequence(&t, []tokensAt{{l.LastStep(), x}})
		return t, true
	}
	seen := l.operations()
	if len(seen) == 0 {
		return TokenCount{}, false
	}
	last := seen[len(seen)-1]
	for _, n := range l.weightCounts() {
		tokens, ok := l.divide(seen, n.count, n.guess)
		if !ok {
			continue
		}
		t := TokenCount{
			Tokens: int64(math.Round(tokens[len(tokens)-1].tokens)), Exact: !l.Single,
			How: fmt.Sprintf("total_flos / (6 x %s weights of %s)", grouped(n.count), n.name) + byDivision(n.guess),
		}
		l.perSequence(&t, tokens)
		if n.guess && l.Single && t.Whole == 0 {
			continue // the digits that are left do not tell one guess from another
		}
		return t, true
	}
	if s, ok := l.shapeOf(); ok && l.AdapterValues == 0 {
		// The adapter's size is not known: without it the count is an upper bound, and
		// an adapter is not larger than its model.
		tokens := last.FLOs / (6 * float64(s.weights()))
		if !(tokens >= 1 && tokens < 1e15) {
			return TokenCount{}, false
		}
		t := TokenCount{Tokens: int64(math.Round(tokens)), How: fmt.Sprintf("at most: total_flos / (6 x %s weights of the base model)", grouped(s.weights()))}
		l.perSequence(&t, []tokensAt{{last.Step, tokens}})
		t.Low, t.Whole = t.Low/2, 0
		return t, true
	}
	return TokenCount{}, false
}

// operations are the checkpoints of which the count of operations is known.
func (l *Log) operations() []Checkpoint {
	var seen []Checkpoint
	for _, c := range l.Checkpoints {
		if finite(c.FLOs) && c.FLOs > 0 && c.Step > 0 {
			seen = append(seen, c)
		}
	}
	if f, ok := l.Number(TotalFLOs); len(seen) == 0 && ok && f > 0 && l.LastStep() > 0 {
		seen = []Checkpoint{{Step: l.LastStep(), FLOs: f}}
	}
	return seen
}

type weightCount struct {
	count int64
	name  string
	guess bool // found by division only
}

// weightCounts are how many weights the trained model may have, the surest first.
func (l *Log) weightCounts() []weightCount {
	s, known := l.shapeOf()
	if known && l.AdapterValues > 0 {
		return []weightCount{{s.weights() + l.AdapterValues, fmt.Sprintf("%s and the adapter", orBase(s.name)), false}}
	}
	shapes := knownShapes
	if known {
		shapes = []shape{s}
	}
	if l.Single && !known {
		return nil // float32 has lost the digits that a guess needs
	}
	var out []weightCount
	for _, s := range shapes {
		if l.AdapterValues > 0 {
			out = append(out, weightCount{s.weights() + l.AdapterValues, s.name + " and the adapter", true})
		}
	}
	if l.AdapterValues > 0 {
		return out
	}
	for _, group := range [][]int{usualRanks, otherRanks} {
		for _, s := range shapes {
			for _, targets := range targetSets {
				for _, r := range group {
					out = append(out, weightCount{s.weights() + s.lora(r, targets), fmt.Sprintf("%s with LoRA of rank %d on %s", orBase(s.name), r, strings.Join(targets, ", ")), true})
				}
			}
		}
	}
	for _, s := range shapes {
		out = append(out, weightCount{s.weights(), orBase(s.name), true})
	}
	return out
}

func orBase(name string) string {
	if name == "" {
		return "the base model"
	}
	return name
}

type tokensAt struct {
	step   int
	tokens float64
}

// single is the precision of float32, and a little.
const single = 1.2e-7

// divide turns operations into tokens: accepted only where every checkpoint gives
// a whole number, and for a guess without any rest. Where float32 has lost digits,
// what is left of them cannot contradict.
func (l *Log) divide(seen []Checkpoint, weights int64, guess bool) ([]tokensAt, bool) {
	out := make([]tokensAt, len(seen))
	for i, c := range seen {
		t := c.FLOs / (6 * float64(weights))
		off := math.Abs(t - math.Round(t))
		room := 1e-6
		if l.Single {
			room = max(room, single*t)
		}
		switch {
		case t < 1-room || t > 1e15:
			return nil, false
		case room > 0.2:
			out[i] = tokensAt{c.Step, t}
			continue
		case off > room, guess && !l.Single && (c.FLOs >= 1<<53 || math.Mod(c.FLOs, 6*float64(weights)) != 0):
			return nil, false
		}
		out[i] = tokensAt{c.Step, math.Round(t)}
	}
	return out, true
}

// layout is how rows may lie in an epoch.
type layout struct {
	batch, accum     int // rows of a pass, passes of a step
	perEpoch         int // steps
	rowsMin, rowsMax int
}

// sequences is how many rows were consumed at a step.
func (y layout) sequences(step, rows int) int {
	return step/y.perEpoch*rows + min(step%y.perEpoch*y.batch*y.accum, rows)
}

// maxRows bounds how many numbers of rows are tried.
const maxRows = 1 << 14

// layouts are how the rows may lie, the likeliest first; sure says that the
// accumulation is known.
func (l *Log) layouts() (out []layout, sure bool) {
	b, ok := l.Number(BatchSize)
	if !ok || b < 1 || b > 1e6 {
		return nil, false
	}
	perEpoch, passes := l.epochSteps()
	if !(perEpoch >= 1 && perEpoch < 1e9) {
		return nil, false
	}
	accums := []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 128, 256}
	if a, ok := l.Args.Number("gradient_accumulation_steps"); ok && a >= 1 && a < 1e6 {
		accums, sure = []int{int(a)}, true
	}
	for _, accum := range accums {
		y := layout{batch: int(b), accum: accum, perEpoch: int(perEpoch)}
		y.rowsMin, y.rowsMax = (y.perEpoch-1)*accum*y.batch+1, y.perEpoch*accum*y.batch
		if m := passes * float64(accum); passes > 0 {
			// An epoch has a whole number of passes.
			if math.Abs(m-math.Round(m)) > 1e-5*m {
				continue
			}
			y.rowsMin, y.rowsMax = (int(math.Round(m))-1)*y.batch+1, int(math.Round(m))*y.batch
		}
		if l.throughput(&y) {
			out = append(out, y)
		}
	}
	if _, ok := l.Number(SamplesPerSecond); ok && len(out) == 1 {
		sure = true
	}
	return out, sure
}

// throughput narrows a layout by the samples a second of a finished run; false if
// they contradict it.
func (l *Log) throughput(y *layout) bool {
	rate, ok1 := l.Number(SamplesPerSecond)
	seconds, ok2 := l.Number(TrainRuntime)
	epochs, ok3 := l.Number(NumEpochs)
	steps, ok4 := l.Number(MaxSteps)
	if !ok1 || !ok2 || !ok3 || !ok4 || rate <= 0 || seconds <= 0 || epochs < 1 {
		return true
	}
	samples := rate * seconds
	room := 0.00051*seconds + 1e-4*rate + 0.01
	if l.Single {
		room += 2e-7 * samples
	}
	// Of a run that was given its steps the trainer counts whole batches.
	if whole := steps * float64(y.batch*y.accum); math.Abs(samples-whole) <= room {
		return true
	}
	lo := int(math.Ceil((samples - room) / epochs))
	hi := int(math.Floor((samples + room) / epochs))
	if lo > y.rowsMax || hi < y.rowsMin {
		return false
	}
	y.rowsMin, y.rowsMax = max(y.rowsMin, lo), min(y.rowsMax, hi)
	return y.rowsMin <= y.rowsMax
}

// epochSteps is how many optimizer steps an epoch has, and, where epochs were
// logged with all digits, how many times as many passes as one step has: not whole
// where the last step of an epoch is shorter.
func (l *Log) epochSteps() (steps, passes float64) {
	rounded := true
	ratio := 0.0
	for _, e := range l.Series[Epoch] {
		if !finite(e.Value) || e.Value <= 0 || e.Step < 1 {
			continue
		}
		if x := e.Value * 100; math.Abs(x-math.Round(x)) > 1e-4 {
			rounded = false
		}
		if ratio == 0 || e.Value < 0.9999 { // at its end an epoch of whole steps looks longer than it is
			ratio = float64(e.Step) / e.Value
		}
	}
	total, ok1 := l.Number(MaxSteps)
	epochs, ok2 := l.Number(NumEpochs)
	if ok1 && ok2 && epochs >= 1 && total >= epochs && math.Mod(total, epochs) == 0 {
		steps = total / epochs
		if ratio > 0 && math.Abs(ratio-steps) > 1+0.02*steps {
			steps = 0 // the run was given its steps
		}
	}
	if ratio > 0 && !rounded {
		passes = ratio
	}
	if steps == 0 && ratio > 0 {
		steps = math.Ceil(ratio - 1e-5*ratio)
	}
	return steps, passes
}

// perSequence fills in what is known of the length of a sequence.
func (l *Log) perSequence(t *TokenCount, at []tokensAt) {
	t.High = math.Inf(1)
	layouts, sure := l.layouts()
	last := at[len(at)-1]
	room := 0.0
	if l.Single {
		room = single
	}
	if y, rows, whole, ok := wholeLayout(layouts, at, room); ok {
		n := y.sequences(last.step, rows)
		t.Whole, t.Checkpoints = whole, len(at)
		t.Low, t.High = float64(whole), float64(whole)
		how := y.words(rows, last.step)
		if !sure {
			how += fmt.Sprintf(", if a step takes %d", y.batch*y.accum)
		}
		t.Sequences = fmt.Sprintf("%s sequences (%s)", grouped(int64(n)), how)
		return
	}
	if len(layouts) == 0 {
		return
	}
	// More passes a step mean more sequences, so the first bounds their length.
	few, many := layouts[0].sequences(last.step, layouts[0].rowsMin), layouts[0].sequences(last.step, layouts[0].rowsMax)
	if few < 1 {
		return
	}
	t.Low, t.High = last.tokens/float64(many), last.tokens/float64(few)
	switch {
	case !sure:
		t.Low = 0
		t.Sequences = "at least " + grouped(int64(few)) + " sequences"
	case few == many:
		t.Sequences = grouped(int64(few)) + " sequences"
	default:
		t.Sequences = fmt.Sprintf("%s to %s sequences", grouped(int64(few)), grouped(int64(many)))
	}
}

func (y layout) words(rows, step int) string {
	epochs, rest := step/y.perEpoch, step%y.perEpoch
	text := fmt.Sprintf("%d x %d rows", epochs, rows)
	if rest > 0 {
		text += fmt.Sprintf(" + %d x %d", rest, y.batch*y.accum)
	}
	return text
}

// wholeLayout finds the rows of which every sequence has the same number of tokens.
// Where the passes of a step are not known, several may fit: one token each is
// then the likeliest, for rows of exactly eight tokens are rare and rows of one
// are what dropped columns leave; else the fewest passes.
func wholeLayout(layouts []layout, at []tokensAt, room float64) (best layout, rows, whole int, ok bool) {
	for _, y := range layouts {
		if y.rowsMax-y.rowsMin > maxRows {
			continue
		}
		for r := y.rowsMin; r <= y.rowsMax; r++ {
			if k, fits := wholeTokens(y, r, at, room); fits && (!ok || k == 1 && whole != 1) {
				best, rows, whole, ok = y, r, k, true
			}
		}
	}
	return best, rows, whole, ok
}

// wholeTokens is the number of tokens that every sequence has, if the counts of
// all checkpoints are that many times their sequences; room is the relative error
// of the counts.
func wholeTokens(y layout, rows int, at []tokensAt, room float64) (int, bool) {
	whole := 0.0
	for _, c := range at {
		n := float64(y.sequences(c.step, rows))
		k := math.Round(c.tokens / max(n, 1))
		if n < 1 || k < 1 || k > 1e9 || whole != 0 && k != whole || !(math.Abs(c.tokens-k*n) <= room*c.tokens) {
			return 0, false
		}
		whole = k
	}
	return int(whole), true
}

// SameLength reports whether the operations of two or more checkpoints are in the
// ratio of their sequences to the last digit: then every sequence has as many
// tokens as every other, though how many is not known.
func (l *Log) SameLength() (checkpoints int, same bool) {
	layouts, _ := l.layouts()
	seen := l.operations()
	if len(seen) < 3 || l.Single {
		return 0, false
	}
	for _, y := range layouts {
		if y.rowsMax-y.rowsMin > maxRows {
			continue
		}
		for rows := y.rowsMin; rows <= y.rowsMax; rows++ {
			one := seen[0].FLOs / float64(y.sequences(seen[0].Step, rows))
			if !slices.ContainsFunc(seen, func(c Checkpoint) bool {
				return math.Abs(c.FLOs/float64(y.sequences(c.Step, rows))/one-1) > 1e-12
			}) {
				return len(seen), true
			}
		}
	}
	return 0, false
}

// grouped writes a whole number with commas between thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// byDivision says how a guess was found.
func byDivision(guess bool) string {
	if guess {
		return ", which divides it without rest"
	}
	return ""
}
