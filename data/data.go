// Package data loads the datasets that a model is fine-tuned on and turns their
// rows into token sequences with supervised positions.
//
// A dataset is JSON Lines, one object a line, or CSV or TSV with a header, in one
// of four formats:
//
//	{"event_text": "Lunch with Zoe at HQ", "output": {"action": "Lunch", "attendees": ["Zoe"]}}
//	{"prompt": "Extract ...: Lunch with Zoe at HQ\nJSON:", "completion": "{\"action\": \"Lunch\"}"}
//	{"messages": [{"role": "user", "content": "Lunch with Zoe"}, {"role": "assistant", "content": "Noted."}]}
//	{"text": "Any text, all of which is learned."}
//
// It is either one file, which [Load] splits by a seed, or a directory with
// train.jsonl, eval.jsonl and test.jsonl:
//
//	d, err := data.Load("calendar.jsonl", data.DefaultOptions())
//	enc := data.NewEncoder(tok, eos, d.Schema)
//	train, err := d.EncodeSplit(enc, data.Train, options)
//	findings := data.Preflight(d, map[string][]batch.Example{data.Train: train.Examples}, tok, 384)
//
// Nothing is lost silently: a row that cannot be used is listed in
// [Dataset.Bad] with its file, line and reason, a row that is too long in
// [Encoded.Dropped], and every other liberty taken with the source in
// [Dataset.Notes]. [Preflight] puts all of them, and what else would spoil a
// training run, in plain words.
package data

import (
	"errors"
	"fmt"
	"math"

	"hone/data/chat"
)

// Names of the splits.
const (
	Train = "train"
	Eval  = "eval"
	Test  = "test"
)

// Splits lists the names of the splits in the order in which they are shown.
func Splits() []string { return []string{Train, Eval, Test} }

// Format says how the rows of a dataset are written.
type Format string

// The formats. Auto, also the meaning of "", takes the format of the first row
// that is in one.
const (
	Auto             Format = "auto"
	Events           Format = "events"            // {event_text, output}
	PromptCompletion Format = "prompt-completion" // {prompt, completion}
	Chat             Format = "chat"              // {messages: [{role, content}]}
	Text             Format = "text"              // {text}
)

// Which of the assistant's turns of a conversation are trained on.
const (
	TurnsAll  = "all"  // every one; the last alone where the template does not let the others be told
	TurnsLast = "last" // the last
	TurnsEach = "each" // every one, in a row of its own that ends with it
)

// Policies for rows that cannot be used.
const (
	Skip = "skip" // of bad rows: leave them out and list them
	Drop = "drop" // of over-long rows: leave them out and list them
	Fail = "fail" // of both: refuse to go on
)

// MaxFields is the largest number of fields of a schema.
const MaxFields = 64

// ErrNoRows is wrapped by the error of [Load] when nothing is left to train on.
var ErrNoRows = errors.New("no usable rows")

// Row is one example of a dataset as text.
type Row struct {
	File string // file it was read from, as the user named it
	Line int    // line in File, from 1
	// Index is the number of the row in File, from 0. Blank lines do not count,
	// bad rows do. Rows that are turns of one conversation have one.
	Index int
	// Event is the text the information is in. For prompt-completion rows it is
	// what the template's placeholder stands for, or "" when the prompt was not
	// made by the template.
	Event      string
	Prompt     string // what the model is given
	Completion string // what it should answer, without the leading space
	// Object is the completion as an ordered object that holds the schema's
	// keys only, in the schema's order; nil when completions are plain text.
	Object *Object
	// Messages are the turns of a chat row, up to the last that the assistant
	// says, which is Completion; Prompt is what a person reads of those before.
	Messages []chat.Message
	// Whole says that the row is one text, Completion, all of which is trained on.
	// It has no prompt.
	Whole bool

	at  int64  // byte of File at which its line begins
	sum uint64 // of the line, see lineSum
}

// Position returns "file:line".
func (r Row) Position() string { return fmt.Sprintf("%s:%d", r.File, r.Line) }

// Text returns what identifies the row to a reader: its event, its prompt when the
// event is not known, or the text that it is as a whole.
func (r Row) Text() string {
	switch {
	case r.Whole:
		return r.Completion
	case r.Event != "":
		return r.Event
	}
	return r.Prompt
}

// BadRow is a row that was left out.
type BadRow struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1
	Reason string `json:"reason"`
}

// String returns "file:line: reason".
func (b BadRow) String() string { return fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.Reason) }

// Options say how a dataset is read. Take [DefaultOptions] and change it.
type Options struct {
	Format   Format // "" = Auto
	Template string // prompt of an events row; must hold [Placeholder]
	// Columns say where a row has what, as "prompt=question"; see [ColumnKeys].
	Columns []string
	Turns   string     // of a chat row that are trained on: TurnsAll (""), TurnsLast or TurnsEach
	Fields  []string   // the schema; empty = ordered union of the keys of the train completions
	Split   [3]float64 // train, eval, test shares of a single file; all 0 = the default
	Seed    uint64     // shuffles a single file before it is split

	MaxLength int    // tokens, EOS included; 0 = no limit
	Overlong  string // Drop ("") or Fail
	BadRows   string // Skip ("") or Fail
}

// DefaultOptions returns the settings of an experiment that names none.
func DefaultOptions() Options {
	return Options{
		Format:    Auto,
		Template:  DefaultTemplate,
		Split:     defaultSplit,
		Seed:      42,
		MaxLength: 384,
		Overlong:  Drop,
		BadRows:   Skip,
	}
}

var defaultSplit = [3]float64{0.70, 0.15, 0.15}

// check refuses settings out of range and fills in the zero values.
func (o *Options) check() error {
	switch o.Format {
	case "":
		o.Format = Auto
	case Auto, Events, PromptCompletion, Chat, Text:
	default:
		return fmt.Errorf("format %q is not one of auto, events, prompt-completion, chat, text", o.Format)
	}
	if _, err := parseColumns(o.Columns); err != nil {
		return err
	}
	switch o.BadRows {
	case "":
		o.BadRows = Skip
	case Skip, Fail:
	default:
		return fmt.Errorf("bad_rows %q is not one of skip, fail", o.BadRows)
	}
	switch o.Turns {
	case "":
		o.Turns = TurnsAll
	case TurnsAll, TurnsLast, TurnsEach:
	default:
		return fmt.Errorf("turns %q is not one of all, last, each", o.Turns)
	}
	if err := o.checkLength(); err != nil {
		return err
	}
	if o.Split == [3]float64{} {
		o.Split = defaultSplit
	}
	sum := 0.0
	for _, share := range o.Split {
		if !(share >= 0 && share <= 1) { // NaN is refused too
			return fmt.Errorf("split %v: every share must be between 0 and 1", o.Split)
		}
		sum += share
	}
	if math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("split %v: the shares add up to %.4g, not 1", o.Split, sum)
	}
	return checkSchema(o.Fields)
}

// checkLength refuses settings of over-long rows that are out of range.
func (o *Options) checkLength() error {
	switch o.Overlong {
	case "":
		o.Overlong = Drop
	case Drop, Fail:
	default:
		return fmt.Errorf("overlong %q is not one of drop, fail", o.Overlong)
	}
	if o.MaxLength < 0 {
		return fmt.Errorf("max_length %d is negative", o.MaxLength)
	}
	return nil
}

// Dataset is a loaded dataset. It is not changed after [Load] and may be read
// from several goroutines.
type Dataset struct {
	Train, Eval, Test []Row
	// Schema holds the names of the fields in the order in which completions
	// give them. It is empty when completions are plain text.
	Schema []string
	Format Format   // Events, PromptCompletion, Chat or Text
	Bad    []BadRow // rows left out, by file and line
	Notes  []string // what a reader should know about how the source was read
	Source string   // the path as the user named it
	Hash   string   // as [Hash] of Source, over exactly the bytes that were read
	// Template is the prompt template of the options the dataset was read with.
	Template string

	source *source // what it was read from; nil of one that was not
}

// Split returns the rows of a split, which may be none.
func (d *Dataset) Split(name string) ([]Row, error) {
	switch name {
	case Train:
		return d.Train, nil
	case Eval:
		return d.Eval, nil
	case Test:
		return d.Test, nil
	}
	return nil, fmt.Errorf("split %q is not one of train, eval, test", name)
}

// rows returns the rows of a split that is known to exist.
func (d *Dataset) rows(split string) []Row {
	rows, _ := d.Split(split)
	return rows
}

// Rows returns the number of rows in all splits.
func (d *Dataset) Rows() int { return len(d.Train) + len(d.Eval) + len(d.Test) }

// JSON reports whether completions are JSON objects, so that fields can be
// scored and the structure and field terms of the loss have a meaning.
func (d *Dataset) JSON() bool { return len(d.Schema) > 0 }
