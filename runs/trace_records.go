package runs

import "encoding/json"

// Records of trace.jsonl, told apart by "k". Steps count from 1; micro is the
// forward pass of the step, from 0. Readers ignore kinds that they do not know.

// TraceHead begins the records of one session of a run.
type TraceHead struct {
	V        int               `json:"v"` // 1
	K        string            `json:"k"` // "head"
	Version  string            `json:"version"`
	Hashes   map[string]string `json:"hashes"`   // as in run.json
	Resolved map[string]any    `json:"resolved"` // kernels, threads, dtype, micro_batch, ...
	Seed     uint64            `json:"seed"`
	From     int               `json:"from"`  // optimizer steps done before
	Names    []string          `json:"names"` // of the trained tensors
}

// TraceBatch is one forward pass as the engine consumed it. Slices have an entry
// a row.
type TraceBatch struct {
	K     string `json:"k"` // "batch"
	Step  int    `json:"step"`
	Micro int    `json:"micro"`
	Rows  []int  `json:"rows"` // of the train split
	// FNV-1a, 64 bits, of the rows' hashes of token ids: as consumed, and of the
	// rows as they were encoded before the run began.
	IDsHash  string        `json:"ids_hash"`
	SrcHash  string        `json:"src_hash"`
	Mismatch []int         `json:"mismatch,omitempty"` // rows of which the two differ
	Len      []int         `json:"len"`                // tokens
	Targets  []int         `json:"targets"`            // supervised tokens, after the shift
	First    []TraceTarget `json:"first_target"`
	Last     []TraceTarget `json:"last_target"`
	EOSOK    bool          `json:"eos_ok"` // the last target of every row is the end token

	Distinct  int           `json:"distinct,omitempty"`   // different sequences among the rows
	Source    []TraceSource `json:"source,omitempty"`     // what the rows were encoded as whose length or targets are others here
	NoDropout bool          `json:"no_dropout,omitempty"` // ran without the dropout of training
}

// TraceSource is a row as it was encoded before the run began.
type TraceSource struct {
	Row     int         `json:"row"`
	Len     int         `json:"len"`
	Targets int         `json:"targets"`
	First   TraceTarget `json:"first_target"`
	Last    TraceTarget `json:"last_target"`
}

// TraceTarget is a supervised token.
type TraceTarget struct {
	ID   int32  `json:"id"`
	Text string `json:"text"`
	At   int    `json:"at"` // its position among the row's tokens
}

// TraceLoss is the loss of one forward pass. The sum of PerRow is NLLSum.
type TraceLoss struct {
	K      string      `json:"k"` // "loss"
	Step   int         `json:"step"`
	Micro  int         `json:"micro"`
	NLLSum Number      `json:"nll_sum"` // nats
	Count  int         `json:"count"`   // targets
	Mean   Number      `json:"mean"`
	PerRow []Number    `json:"per_row"`         // nats, summed over the row's targets
	Terms  *TraceTerms `json:"terms,omitempty"` // of the whole step, with its last pass
}

// TraceTerms are a step's loss terms, unweighted, and their weighted sum.
type TraceTerms struct {
	Loss       Number `json:"loss"`
	CE         Number `json:"ce"`
	JSON       Number `json:"json"`
	Field      Number `json:"field"`
	Confidence Number `json:"confidence"`
	// What was differentiated, where it is not Loss and CE.
	Of   *Number `json:"of,omitempty"`
	OfCE *Number `json:"of_ce,omitempty"`
}

// TraceGrad is what a step's gradients were before clipping.
type TraceGrad struct {
	K         string            `json:"k"` // "grad"
	Step      int               `json:"step"`
	Norms     map[string]Number `json:"norms"` // L2, of each trained tensor
	Norm      Number            `json:"norm"`
	Clip      Number            `json:"clip"` // the factor they were scaled by
	NonFinite []NonFinite       `json:"nonfinite,omitempty"`
	Zero      []string          `json:"zero,omitempty"` // tensors without any gradient
}

// TraceOpt is what the optimizer did.
type TraceOpt struct {
	K          string            `json:"k"` // "opt"
	Step       int               `json:"step"`
	LR         Number            `json:"lr"`
	LRExpected Number            `json:"lr_expected"`         // of the schedule, without interventions
	LRFactor   *Number           `json:"lr_factor,omitempty"` // what interventions have multiplied the schedule by, where it is not 1
	Order      []int             `json:"order,omitempty"`     // rows whose turn it was, where others were taken
	UpdRatio   map[string]Number `json:"upd_ratio,omitempty"` // L2 norm of the update by that of the tensor before; tensors of zeros have none
	Changed    int               `json:"changed"`             // trained tensors with another value than before
	Values     int               `json:"values"`              // values in them that are others
	Applied    bool              `json:"applied"`
	Reason     string            `json:"reason,omitempty"`  // why not, or why rows were skipped
	Skipped    []int             `json:"skipped,omitempty"` // rows that were left out
	RNG        TraceRNG          `json:"rng"`
	Cursor     TraceCursor       `json:"cursor"`
}

// TraceRNG is all that random numbers are made of.
type TraceRNG struct {
	Seed uint64 `json:"seed"`
	Step int    `json:"step"` // counted from 0, the key of the step's masks
}

// TraceCursor is where the step's batch begins in the order of its epoch.
type TraceCursor struct {
	Epoch int `json:"epoch"` // from 0
	At    int `json:"at"`
}

// TraceAct is something that was done about the run.
type TraceAct struct {
	K      string `json:"k"` // "act"
	Step   int    `json:"step"`
	Action string `json:"action"` // as of an Intervention
	To     int    `json:"to,omitempty"`
	Rows   []int  `json:"rows,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// TraceAlert is what a rule found about a step.
type TraceAlert struct {
	K          string   `json:"k"` // "alert"
	Step       int      `json:"step"`
	ID         string   `json:"id"`       // of the failure catalogue
	Severity   string   `json:"severity"` // "note", "warning", "error"
	Confidence Number   `json:"confidence"`
	Evidence   []string `json:"evidence"`
	Advice     string   `json:"advice"`
}

// TraceInject says that a failure is planted into the run on purpose.
type TraceInject struct {
	K    string `json:"k"` // "inject"
	ID   string `json:"id"`
	Step int    `json:"step"` // 0 = the data
}

// TraceOp is what one operation of a step computed: of a step that was not finite
// the operations around the first bad one.
type TraceOp struct {
	K         string `json:"k"` // "op"
	Step      int    `json:"step"`
	Micro     int    `json:"micro"`
	Seq       int    `json:"seq"` // order of execution
	Op        string `json:"op"`
	Phase     string `json:"phase"`
	Layer     int    `json:"layer"` // -1 = in none
	Shape     [2]int `json:"shape"`
	AbsMin    Number `json:"absmin"` // of the finite values that are not zero
	AbsMax    Number `json:"absmax"`
	RMS       Number `json:"rms"`
	Zero      int    `json:"zero"`
	Subnormal int    `json:"subnormal"`
	PosInf    int    `json:"pos_inf"`
	NegInf    int    `json:"neg_inf"`
	NaN       int    `json:"nan"`
	BadIndex  int    `json:"bad_index"` // of the first value that is not finite; -1
}

// TraceTokens are the tokens of a row as a step consumed it: of steps about which
// a rule had something to say.
type TraceTokens struct {
	K       string   `json:"k"` // "tokens"
	Step    int      `json:"step"`
	Micro   int      `json:"micro"`
	Row     int      `json:"row"`
	IDs     []int32  `json:"ids"`
	Targets []int    `json:"targets"`       // positions of the supervised ones among them
	NLL     []Number `json:"nll,omitempty"` // nats of each of these; none where nothing was computed
}

// parseTrace decodes a line of the trace; of an unknown kind it returns
// json.RawMessage.
func parseTrace(line []byte) (any, error) {
	var head struct {
		K    string `json:"k"`
		Step int    `json:"step"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, err
	}
	if head.Step < 0 {
		return nil, errNegativeStep
	}
	switch head.K {
	case "head":
		return decode[TraceHead](line)
	case "batch":
		return decode[TraceBatch](line)
	case "loss":
		return decode[TraceLoss](line)
	case "grad":
		return decode[TraceGrad](line)
	case "opt":
		return decode[TraceOpt](line)
	case "act":
		return decode[TraceAct](line)
	case "alert":
		return decode[TraceAlert](line)
	case "op":
		return decode[TraceOp](line)
	case "tokens":
		return decode[TraceTokens](line)
	case "inject":
		return decode[TraceInject](line)
	}
	return json.RawMessage(append([]byte{}, line...)), nil
}
