// Package inject plants failures into training runs, on purpose: every way in
// which a Hone run can fail has one, so that what should find it can be tested,
// and so that people can see what it looks like.
//
// A [Fault] is a failure mode at a step. Step 0 means the data itself, before the
// run; faults of the data and of batches are functions over examples, which
// whoever owns the data applies ([Examples]). All others are planted into the
// engine by [Plant]. The same fault in the same run does the same every time.
package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Classes of failure modes.
const (
	A = "A" // can happen in a Hone run: there is an injector
	B = "B" // shows in logs of other tools only
	C = "C" // a bug that only other engines can have
)

// Where a fault is planted.
const (
	InData   = "data"   // rows or examples, before the run
	InBatch  = "batch"  // the examples of a step
	InEngine = "engine" // operations, gradients, weights, moments, learning rate
)

// Mode is a failure mode of the catalogue.
type Mode struct {
	Number int    // in the catalogue
	ID     string // as in the catalogue
	Class  string
	Reason string   // why it is of this class
	Where  []string // A: where it can be planted
}

// Modes are the catalogue's failure modes, sorted.
func Modes() []Mode { return slices.Clone(modes) }

var (
	batchOrData = []string{InBatch, InData}
	inBatch     = []string{InBatch}
	inData      = []string{InData}
	inEngine    = []string{InEngine}
)

var modes = []Mode{
	{1, "MASK-ALL", A, "a dataset or a change of the encoder can leave a row without targets", batchOrData},
	{2, "COLLATE-EMPTY", A, "what a step consumes may be other than the encoded rows, by a bug or by memory", inBatch},
	{3, "CONST-EXAMPLE", A, "rows can be the same in the source, or become it on the way to a step", batchOrData},
	{4, "MASK-LATE", A, "masks are by position, and positions can be off", batchOrData},
	{5, "MASK-EARLY", A, "as MASK-LATE", batchOrData},
	{6, "BOUNDARY-MERGE", B, "Hone encodes prompt and completion apart and joins them; preflight notes where another tool would see other tokens", nil},
	{7, "SHIFT-TWICE", A, "the shift happens where a batch is packed", inBatch},
	{7, "SHIFT-NONE", A, "as SHIFT-TWICE: labels equal inputs", inBatch},
	{8, "EOS-MASKED", A, "the end token is a target like others and can be masked", batchOrData},
	{9, "TRUNC-TARGET", A, "max_length drops whole rows, but what a step consumes can be cut", inBatch},
	{10, "EMPTY-EXAMPLE", A, "datasets have empty completions", batchOrData},
	{11, "LEN1", A, "a row can be one token long", batchOrData},
	{12, "TEMPLATE-MISS", B, "Hone masks by position and looks for no marker", nil},
	{13, "PAD-ID", C, "examples are packed end to end: there is no padding", nil},
	{14, "PAD-TRAINED", B, "as PAD-ID; elsewhere it shows as a loss that falls too fast", nil},
	{15, "PAD-ROW-NAN", C, "as PAD-ID: no row attends to nothing", nil},
	{16, "MASKED-NAN-LEAK", A, "the causal mask multiplies zeros into values of later tokens", inEngine},
	{17, "OOV-LABEL", A, "ids can be outside the vocabulary of the model", inBatch},
	{18, "DUP-LEAK", A, "datasets have the same row in two splits", inData},
	{19, "CORRUPT-ROW", A, "a row can be damaged in the source or on the way", inBatch},
	{20, "ORDER", A, "a batch can be taken twice", inBatch},
	{21, "ATTN-LEAK", C, "attention is within an example and causal by construction; a property test perturbs tokens", nil},
	{22, "POSITION", C, "positions are counted in the example, there is no padding to shift them", nil},
	{23, "FP16-OVERFLOW", B, "nothing is computed in fp16; bf16 has the range of float32", nil},
	{24, "BF16-UNDERFLOW", B, "what is trained, its gradients and its moments are float32 in any case", nil},
	{25, "LR-DIVERGE", A, "the learning rate is a setting, and can be changed while a run trains", inEngine},
	{26, "SPIKE", A, "a batch can have a gradient far beyond the others", inEngine},
	{27, "WEIGHT-NAN-FILE", A, "files are scanned when they are loaded; memory can be damaged after it", inEngine},
	{28, "ACT-INF", A, "an activation can overflow from finite weights", inEngine},
	{29, "LOG0", A, "the loss can be finite and its gradient not", inEngine},
	{30, "SQRT0", A, "a norm of zeros has an infinite gradient", inEngine},
	{31, "SOFTMAX-NOSUB", C, "the kernels subtract the maximum", nil},
	{32, "CANCEL", C, "losses are summed in float64", nil},
	{33, "SDC", A, "hardware fails", inEngine},
	{34, "PENALTY-CONST", A, "a term can be reported and not differentiated", inEngine},
	{35, "LORA-B0", A, "normal: A has no gradient at the first step; nothing is planted", nil},
	{36, "LORA-BOTH0", A, "no gradient may reach what is trained", inEngine},
	{36, "DETACHED", A, "no gradient may reach one of the tensors", inEngine},
	{36, "FROZEN", A, "an update may change nothing", inEngine},
	{37, "OPT-POISON", A, "moments can be damaged in a checkpoint or in memory", inEngine},
	{38, "CLIP-SPREAD", A, "one bad value in a gradient makes the norm NaN, and clipping all others", inEngine},
	{39, "ACCUM-NORM", A, "denominators can be those of a micro-batch", inEngine},
	{40, "SCHED-SILENT", A, "the learning rate can be other than the schedule's", inEngine},
	{41, "MODE", A, "a step can run without its dropout", inEngine},
	{42, "MODEL-WIRING", A, "a configuration can scale or place things wrongly; arithmetic is held against references", inEngine},
}

// mode finds a mode of class A that can be planted.
func mode(id string) (Mode, error) {
	var ids []string
	for _, m := range modes {
		if m.ID == id && m.Class != A {
			return m, fmt.Errorf("%s cannot happen in a run of Hone: %s", id, m.Reason)
		}
		if m.ID == id && m.Where == nil {
			return m, fmt.Errorf("%s: %s", id, m.Reason)
		}
		if m.ID == id {
			return m, nil
		}
		if m.Where != nil {
			ids = append(ids, m.ID)
		}
	}
	return Mode{}, fmt.Errorf("unknown failure mode %q; those that can be planted are %s", id, strings.Join(ids, ", "))
}

// Fault is a failure mode to plant at a step, counted from 1; 0 is the data before
// the run.
type Fault struct {
	ID   string
	Step int
}

// String is the fault as [Parse] reads it.
func (f Fault) String() string { return fmt.Sprintf("%s@%d", f.ID, f.Step) }

// maxStep is the largest step that a fault may name.
const maxStep = 1 << 30

// Parse reads "ID@STEP".
func Parse(text string) (Fault, error) {
	id, at, ok := strings.Cut(text, "@")
	step, err := strconv.Atoi(at)
	if !ok || err != nil || step < 0 || step > maxStep {
		return Fault{}, fmt.Errorf("%.60q is no fault: want ID@STEP, as MASK-ALL@3; step 0 is the data before the run", text)
	}
	f := Fault{ID: strings.ToUpper(id), Step: step}
	m, err := mode(f.ID)
	switch {
	case err != nil:
		return f, err
	case step == 0 && !slices.Contains(m.Where, InData):
		return f, fmt.Errorf("%s happens at a step: want %s@STEP with a step from 1", f.ID, f.ID)
	case step > 0 && len(m.Where) == 1 && m.Where[0] == InData:
		return f, fmt.Errorf("%s is in the data before the run: want %s@0", f.ID, f.ID)
	}
	return f, nil
}

// Transient says that a fault happened in memory, once: a run that goes back
// before the step does not meet it again, and one that is taken up again has it
// behind it.
func (f Fault) Transient() bool {
	switch f.ID {
	case "WEIGHT-NAN-FILE", "OPT-POISON", "CLIP-SPREAD", "SDC", "LORA-BOTH0", "DETACHED", "FROZEN":
		return true
	}
	return false
}

// Irreproducible says that running the step again does not fail again.
func (f Fault) Irreproducible() bool { return f.ID == "SDC" }
