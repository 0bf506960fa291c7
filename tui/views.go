package tui

import (
	"context"
	"fmt"

	"hone/data"
	"hone/experiments"
)

// The types here are what screens draw: made from the records of other packages
// in a command, cleaned and counted there, never changed afterwards.

// workspace is an experiment opened for looking at. Rows are numbered as its index
// does.
type workspace struct {
	Source   string // where the data came from
	Format   string
	Schema   []string
	Splits   []splitView // train, eval, test
	Findings []data.Finding
	Bad      []string // rows that could not be read: "file:line: why"
	Notes    []string // how the source was read

	// Index is searched by commands.
	Index *data.Index

	// Raw reads a row as its file has it; commands call it.
	Raw func(split, row int) (string, error)
	// Trained is the text of a row as the model gets it, in its parts. It is cheap.
	Trained func(split, row int) []textPart
	// Tokens are the tokens of a row of a split, by their indices; none for a row
	// that was dropped. Without a tokenizer Tokens is nil. It is cheap.
	Tokens func(split, row int) []tokenView
	// Measure finds out how hard rows are for a side's model, those in front first;
	// the zero Side is the experiment's model. Commands call it. What was measured
	// before is known at once. seen hears of everything that is known of the model:
	// lists that only ever grow. nil without a tokenizer.
	Measure func(ctx context.Context, s experiments.Side, rows []int, seen func(known losses, done, total int)) error
	// OpenBase loads the experiment's model to try texts on; commands call it. nil
	// without a tokenizer.
	OpenBase func(ctx context.Context) (prompter, error)

	ModelName    string // "" without a model
	ModelProblem error  // why there is none, and how to name one
}

// splitView is one split.
type splitView struct {
	Name    string
	Rows    []rowView
	Encoded bool // the counts below are known
	Tokens  int  // of the rows that are kept
	Targets int
	Dropped int
}

// rowView is one row of a split.
type rowView struct {
	File   string
	Line   int
	Text   string // the event, or the prompt
	Turns  int    // of a conversation
	Whole  bool   // Text is all there is, and trained on as a whole
	Event  bool   // Text is the event that the template made the prompt of
	Prompt string
	Target string
	Marks  *rowMarks // nil of most rows
}

// rowMarks are what is wrong with a row.
type rowMarks struct {
	Findings []string // ids of those that name it
	Dropped  string   // why it is not trained on
}

// source says where a row stands: "train.jsonl:18".
func (r *rowView) source() string { return fmt.Sprintf("%s:%d", baseName(r.File), r.Line) }

// dropped is why a row is not trained on, or "".
func (r *rowView) dropped() string {
	if r.Marks == nil {
		return ""
	}
	return r.Marks.Dropped
}

// textPart is a stretch of a row's text.
type textPart struct {
	Text string
	Kind partKind
	Name string // of the field
}

type partKind int

const (
	partPrompt    partKind = iota // a prompt that is not of the template
	partTemplate                  // of the template
	partEvent                     // what the template was filled with
	partStructure                 // of the target: keys and what stands between values
	partValue                     // of the target: a field's value
	partEnd                       // what ends the target
)

// tokenView is one token of a row.
type tokenView struct {
	ID     int32
	Text   string // its bytes, which may be a part of a character
	Target bool   // whether it is learned from; else it is masked
	Field  string // the field whose value it is part of; "" = structure
	End    bool   // it stands for no text and ends the target
}

// losses are how hard a model finds rows.
type losses struct {
	Source string // changes with the model's weights
	Model  string // its name
	Rows   []rowLoss
}

// rowLoss is how hard a row is: nats of every token of its target, and their mean.
type rowLoss struct {
	Row    int // its number
	Nats   float64
	Tokens []float32
}

// planView is what an experiment would cost; what is not known without a model or
// data is nil.
type planView struct {
	TrainableParams  int64
	TotalParams      int64
	TrainablePercent float64
	Steps            *int
	Tokens           *int
	MemoryBytes      *int64
	Seconds          *float64
	StepSeconds      *float64
	EOS              *string
	Notes            []string
	Warnings         []experiments.Warning
	Rates            []ratePoint // of the schedule; nil while the steps are not known
}

// ratePoint is the learning rate of a step.
type ratePoint struct {
	Step float64
	LR   float64
}

// scoresView are the figures of one side of a comparison, all 0 to 1.
type scoresView struct {
	Exact, Valid, FieldAccuracy, Schema float64
	Fields                              []float64 // accuracy of each schema field
}

// comparison is one model against another over a split; base against tuned, unless
// others were chosen.
type comparison struct {
	From        *experiments.Comparison // what is exported
	Split       string
	Labels      [2]string
	Schema      []string
	Base, Tuned scoresView
	Changes     []experiments.ScoreChange // scores with intervals
	Resamples   int
	Pairs       []pairView
	Unpaired    int               // rows that only one side has
	Mistakes    [2][]mistakesView // of each schema field
	Counts      [showCount]int    // pairs that each choice of what to show has
	HasLoss     bool              // some pair has a loss on both sides
}

// mistakesView is how a field is wrong, in words.
type mistakesView struct {
	Wrong int
	Text  string
}

// verdict is what tuning did to an example.
type verdict int

const (
	stillRight verdict = iota
	fixed
	stillWrong
	regressed
	unscored // a text: only its loss says something
)

// pairView is one example of a comparison.
type pairView struct {
	ID          string // the same wherever the row stands
	Row         int    // index in the split
	Event       string
	Note        string
	Low         string // what a filter looks at, in lower case
	Target      string
	Fields      []string // the target's value of each schema field; "" = key missing
	Base, Tuned outputView
	Verdict     verdict
}

// outputView is what a model made of an example.
type outputView struct {
	Text     string
	Fields   []string             // value of each schema field; "" = key missing
	Right    []bool               // of each schema field
	Words    [][]experiments.Word // of each schema field that is wrong, beside the target
	Mistakes []string             // of each schema field: the kind of what is wrong, "" = right
	Wrong    int                  // fields that are not right
	// Loss of the target in nats a token, where it was measured; and the token that
	// surprised most.
	HasLoss    bool
	Loss       float64
	LossTokens int
	Worst      string
	WorstLoss  float64
	Unscored   bool // nothing was generated
	Valid      bool
	Exact      bool
	Duplicate  bool
	Reason     string // why it is not valid
	Tokens     int
	StoppedBy  string
}

// generated is what came of a tried text.
type generated struct {
	Text      string
	Tokens    int
	StoppedBy string
	Valid     bool
	Reason    string
	Keys      []string // of the object, in its order
	Values    map[string]string
}

// runRow is one run of the store.
type runRow struct {
	ID, Name, Dir string
	State         string
	Started       string // "2026-11-23 15:30"
	Took          string // "11:42"
	Step, Steps   int
	Curve         []float64 // loss, decimated
	Loss          float64   // last; NaN = none
	Valid         float64   // at the best evaluation; NaN = none
	Seconds       float64   // the run was live
	Tags          []string
	Note          string
	Exact         float64 // best at an evaluation; NaN = none
	FieldAccuracy float64 // at that evaluation; NaN = none
	Problem       string  // why it failed, or cannot be read
	Config        *experiments.Config
}
