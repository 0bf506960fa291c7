package experiments

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"hone/runs"
)

// ErrNotCompared says that a run has no complete comparison of that split yet.
var ErrNotCompared = errors.New("not compared yet")

// ErrNoAdapter says that a run has nothing to compare: neither an adapter nor,
// with method Full, a model.
var ErrNoAdapter = errors.New("the run has no adapter or model yet")

// ErrNoBase says that a run began from random weights: there is no base model.
var ErrNoBase = errors.New("the run began from random weights: there is no base model to compare with")

// ErrSameSide says that a model was to be compared with itself.
var ErrSameSide = errors.New("a model is not compared with itself")

// ErrNoSharedRows says that two runs were not tested on any common row.
var ErrNoSharedRows = errors.New("the two have no row in common")

// Comparison is one model against another over a split. The sides are called base
// and tuned, which they are unless others were chosen.
type Comparison struct {
	RunDir string `json:"run_dir"` // of the tuned side
	Split  string `json:"split"`
	// Sides are base and tuned, Labels what to call them.
	Sides    [2]Side   `json:"sides"`
	Labels   [2]string `json:"labels"`
	Schema   []string  `json:"schema"`
	Base     Scores    `json:"base"`
	Tuned    Scores    `json:"tuned"`
	Examples []Pair    `json:"examples"`
	// Unpaired are how many rows only one side has.
	Unpaired int `json:"unpaired,omitempty"`
	// Difference is what went from base to tuned, score by score.
	Difference Difference `json:"difference"`
	Mistakes   Mistakes   `json:"mistakes"`
	// Unseen are the rows with words that no train row has, Seen the others; nil
	// where every row is of one kind.
	Unseen *Part `json:"unseen,omitempty"`
	Seen   *Part `json:"seen,omitempty"`
}

// Part is the exact match of some of the rows.
type Part struct {
	N     int     `json:"n"`
	Base  float64 `json:"base_exact_match"`
	Tuned float64 `json:"tuned_exact_match"`
}

// Pair is one row of a comparison.
type Pair struct {
	ID      string    `json:"id"`  // identity of the row: of its event and target
	Row     int       `json:"row"` // index in the tuned side's split
	Event   string    `json:"event"`
	Target  string    `json:"target"`
	Base    Generated `json:"base"`
	Tuned   Generated `json:"tuned"`
	Verdict string    `json:"verdict"` // one of the Verdict constants
	Note    string    `json:"note,omitempty"`
	Unseen  bool      `json:"unseen,omitempty"` // the text has a word that no train row has

	object map[string]any // the target, decoded; nil if it is no object
}

// Verdicts: what became of a row from base to tuned.
const (
	VerdictRight      = "right"       // both are exact
	VerdictFixed      = "fixed"       // only tuned is
	VerdictRegressed  = "regressed"   // only base is
	VerdictStillWrong = "still wrong" // neither is
	VerdictUnscored   = "unscored"    // a text: only its loss says something
)

func verdictOf(base, tuned Output) string {
	switch {
	case base.Unscored || tuned.Unscored:
		return VerdictUnscored
	case tuned.Exact && base.Exact:
		return VerdictRight
	case tuned.Exact:
		return VerdictFixed
	case base.Exact:
		return VerdictRegressed
	}
	return VerdictStillWrong
}

// evalFile is eval/base-test.json or eval/tuned-test.json: every output with
// its score, and what they are outputs of.
type evalFile struct {
	Split  string   `json:"split"`
	Model  string   `json:"model"`  // base, tuned or a checkpoint's name
	Source string   `json:"source"` // identity of model, data, settings and, if any, what was trained
	Schema []string `json:"schema"`
	Scores Scores   `json:"scores"`
	// Measured says that the outputs have the loss of their targets, but for rows
	// that are too long. Files of earlier versions have none.
	Measured bool      `json:"measured,omitempty"`
	Outputs  []evalRow `json:"outputs"`
}

type evalRow struct {
	Event  string `json:"event"`
	Target string `json:"target"`
	Unseen bool   `json:"unseen,omitempty"` // see [data.Dataset.Unseen]
	Generated
}

const (
	base  = "base"
	tuned = "tuned"
)

// ReadComparison reads the outputs that a run has of its base and tuned model. It
// is ErrNotCompared unless both are there; outputs of an adapter or model that
// training has since replaced count as absent.
func ReadComparison(runDir, split string) (*Comparison, error) {
	return ReadSides(BaseOf(runDir), TunedOf(runDir), split)
}

// ReadSides is ReadComparison of any two models. Rows are paired by their event
// and target; where no row is in both the error wraps ErrNoSharedRows.
func ReadSides(left, right Side, split string) (*Comparison, error) {
	if left.Model == right.Model && sameDir(left.RunDir, right.RunDir) {
		return nil, fmt.Errorf("%s of %s: %w", right.Name(), right.RunDir, ErrSameSide)
	}
	var files [2]*evalFile
	for i, s := range []Side{left, right} {
		f, err := s.readEval(split)
		if err != nil {
			return nil, err
		}
		if current, err := s.trained(); err == nil && f.Source != "" && !strings.HasSuffix(f.Source, current) {
			return nil, fmt.Errorf("%s, %s split: what was trained has changed since: %w", s.RunDir, split, ErrNotCompared)
		}
		files[i] = f
	}
	c, err := pair(left, right, files[0], files[1])
	if err != nil {
		return nil, err
	}
	return c, c.readNotes()
}

// readEval reads the outputs of a model on a split.
func (s Side) readEval(split string) (*evalFile, error) {
	name := runs.EvalFile(s.RunDir, s.Model, split)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no outputs of its %s model on the %s split: %w", s.RunDir, s.Name(), split, ErrNotCompared)
	}
	if err != nil {
		return nil, err
	}
	var f evalFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return &f, nil
}

// pair aligns the outputs of two models by the identity of their rows, in the
// order of the right one.
func pair(left, right Side, b, t *evalFile) (*Comparison, error) {
	c := &Comparison{RunDir: right.RunDir, Split: t.Split, Sides: [2]Side{left, right}, Labels: labels(left, right), Schema: t.Schema}
	theirs := make(map[string]int, len(b.Outputs))
	for i, id := range rowIDs(b.Outputs) {
		theirs[id] = i
	}
	var baseOut, tunedOut []Output
	for i, id := range rowIDs(t.Outputs) {
		at, ok := theirs[id]
		if !ok {
			continue
		}
		x, y := b.Outputs[at], t.Outputs[i]
		// The scores are formed again from the texts: decoded values are not in the file.
		for _, o := range []*evalRow{&x, &y} {
			if !o.Output.Unscored {
				o.Output = ScoreText(o.Text, o.Target, c.Schema)
			}
		}
		baseOut, tunedOut = append(baseOut, x.Output), append(tunedOut, y.Output)
		p := Pair{ID: id, Row: y.Row, Event: y.Event, Target: y.Target, Base: x.Generated, Tuned: y.Generated, Verdict: verdictOf(x.Output, y.Output), Unseen: y.Unseen}
		p.object, _ = targetObject(y.Target)
		c.Examples = append(c.Examples, p)
	}
	c.Unpaired = len(b.Outputs) + len(t.Outputs) - 2*len(c.Examples)
	switch {
	case len(c.Examples) > 0:
	case len(b.Outputs)+len(t.Outputs) == 0:
		return nil, fmt.Errorf("%s has no outputs on the %s split: %w", right.RunDir, c.Split, ErrNotCompared)
	default:
		return nil, fmt.Errorf("%s and %s, %s split: %w", left.RunDir, right.RunDir, c.Split, ErrNoSharedRows)
	}
	c.Base, c.Tuned = Summarize(baseOut, c.Schema), Summarize(tunedOut, c.Schema)
	c.Mistakes = c.mistakes()
	c.Difference = c.difference()
	if unseen, seen := c.part(true), c.part(false); unseen.N > 0 && seen.N > 0 {
		c.Unseen, c.Seen = unseen, seen
	}
	return c, nil
}

// part is the score of the rows with unseen words, or of the others.
func (c *Comparison) part(unseen bool) *Part {
	p := &Part{}
	for _, e := range c.Examples {
		if e.Unseen != unseen || e.Verdict == VerdictUnscored {
			continue
		}
		p.N++
		if e.Base.Output.Exact {
			p.Base++
		}
		if e.Tuned.Output.Exact {
			p.Tuned++
		}
	}
	if p.N > 0 {
		p.Base, p.Tuned = p.Base/float64(p.N), p.Tuned/float64(p.N)
	}
	return p
}

// rowIDs are identities of rows that do not depend on their places: of event and
// target. The second of two equal rows ends in -2, and so on.
func rowIDs(rows []evalRow) []string {
	ids := make([]string, len(rows))
	times := map[string]int{}
	for i, r := range rows {
		sum := sha256.Sum256([]byte(strconv.Itoa(len(r.Event)) + " " + r.Event + r.Target))
		id := fmt.Sprintf("%x", sum[:6])
		if times[id]++; times[id] > 1 {
			id += "-" + strconv.Itoa(times[id])
		}
		ids[i] = id
	}
	return ids
}
