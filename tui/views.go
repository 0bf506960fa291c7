package tui

import (
	"hone/data"
	"hone/experiments"
)

// The types here are what screens draw: made from the records of other packages
// in a command, cleaned and counted there, never changed afterwards.

// workspace is an experiment opened for looking at.
type workspace struct {
	Source   string // where the data came from
	Format   string
	Schema   []string
	Splits   []splitView // train, eval, test; those that exist
	Findings []data.Finding
	Fields   []fieldView // coverage, in the schema's order
	Bad      []string    // rows that could not be read: "file:line: why"
	Notes    []string    // how the source was read

	// Find lists the rows of a split that match a query of package data; commands
	// call it.
	Find func(split, query string) []int

	// Tokens are the tokens of a row of a split, by their indices; none for a row
	// that was dropped. Without a tokenizer Tokens is nil. It is cheap.
	Tokens       func(split, row int) []tokenView
	ModelName    string // "" without a model
	ModelProblem error  // why there is none, and how to name one
}

// splitView is one split.
type splitView struct {
	Name     string
	Rows     []rowView
	Encoded  bool // the counts below are known
	Tokens   int  // of the rows that are kept
	Targets  int
	Dropped  int
	Lengths  []float64 // histogram of the lengths of examples, equal bins
	LengthLo int       // shortest example
	LengthHi int       // longest example
	Unit     string    // of lengths: "tokens" or, without a tokenizer, "characters"
}

// rowView is one row of a split.
type rowView struct {
	Source  string // "train.jsonl:18"
	Text    string // the event, or the prompt
	Prompt  string
	Target  string
	Dropped string   // why it is not trained on
	Marks   []string // ids of findings that name it
}

// tokenView is one token of a row.
type tokenView struct {
	Text   string // its bytes, which may be a part of a character
	Target bool   // whether it is learned from; else it is masked
	Field  string // the field whose value it is part of; "" = structure
}

// fieldView is how many rows say something about a field.
type fieldView struct {
	Name  string
	Share float64 // of the train rows, 0 to 1
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
