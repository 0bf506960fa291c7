package data

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// Severities of a finding, worst first.
const (
	SeverityError   = "error"   // training on this cannot work as meant
	SeverityWarning = "warning" // results will be worse, or look better, than they are
	SeverityNote    = "note"    // good to know
)

// Ids of findings. Those that Hone's failure catalogue also names for running
// or foreign training have the same id there.
const (
	MaskAll        = "MASK-ALL"        // a row without a supervised token
	MaskEarly      = "MASK-EARLY"      // prompt tokens are supervised
	MaskLate       = "MASK-LATE"       // the completion's first token is not supervised
	MaskGap        = "MASK-GAP"        // a token within the completion is not supervised
	EOSMasked      = "EOS-MASKED"      // the end of the sequence is not supervised, or not there
	LengthOne      = "LEN1"            // a sequence of one token predicts nothing
	TruncTarget    = "TRUNC-TARGET"    // rows over max_length
	EmptyExample   = "EMPTY-EXAMPLE"   // an empty prompt or completion
	BoundaryMerge  = "BOUNDARY-MERGE"  // in one piece, prompt and completion tokenize differently
	VocabMismatch  = "OOV-LABEL"       // ids outside the vocabulary
	SpecialText    = "SPECIAL-TEXT"    // the text holds a special token
	LostText       = "LOST-TEXT"       // text that the tokenizer has no tokens for
	TurnsUntold    = "TURNS-LAST"      // of several turns only the last can be trained on
	FieldGap       = "FIELD-GAP"       // a value without a token of its own
	CollateEmpty   = "COLLATE-EMPTY"   // sequences too short to hold a row
	ConstExample   = "CONST-EXAMPLE"   // rows that are all but the same
	CorruptRow     = "CORRUPT-ROW"     // bad rows
	DuplicateRow   = "DUP-ROW"         // the same row again in its split
	LabelConflict  = "LABEL-CONFLICT"  // the same prompt with different completions
	DuplicateLeak  = "DUP-LEAK"        // the same text in two splits
	IdentityLabels = "IDENTITY-LABELS" // completions that repeat the prompt
	DataNote       = "DATA-NOTE"       // liberties taken with the source
)

// Finding is something about a dataset that its user should know before
// training on it.
type Finding struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"`
	Message  string   `json:"message"`
	Advice   string   `json:"advice"`
	Split    string   `json:"split,omitempty"`
	Rows     []int    `json:"rows,omitempty"` // indices in the split, in order
	Evidence []string `json:"evidence,omitempty"`
}

// Preflight looks for what would spoil a training run on d. enc holds the
// examples of each split that is encoded; t is their tokenizer. Without them
// (nil) only the text is looked at. maxLength is the limit that over-long rows
// were dropped by, 0 for none. The worst findings come first.
func Preflight(d *Dataset, enc map[string][]batch.Example, t *tokenizer.Tokenizer, maxLength int) []Finding {
	var e *Encoder
	if t != nil {
		e = NewEncoder(t, 0, d.Schema)
	}
	return PreflightEncoded(d, enc, e, maxLength)
}

// PreflightEncoded is [Preflight] of examples by their encoder, which chat rows
// need: they cannot be rendered without its template.
func PreflightEncoded(d *Dataset, enc map[string][]batch.Example, e *Encoder, maxLength int) []Finding {
	r := &report{d: d, enc: e}
	var t *tokenizer.Tokenizer
	if e != nil {
		t = e.tok
	}
	r.badRows()
	r.leaks()
	for _, split := range Splits() {
		rows := d.rows(split)
		r.empty(split, rows)
		r.duplicates(split, rows)
		r.conflicts(split, rows)
		r.identity(split, rows)
		examples, encoded := enc[split]
		if !encoded || t == nil {
			r.constant(split, rows, nil)
			continue
		}
		examples = slices.DeleteFunc(slices.Clone(examples), func(e batch.Example) bool { return e.Row < 0 || e.Row >= len(rows) })
		r.constant(split, rows, examples)
		r.overlong(split, rows, examples, maxLength)
		r.masks(split, examples)
		r.untold(split, rows, examples)
		r.ends(split, examples)
		r.vocabulary(split, examples, t)
		r.special(split, examples, t)
		r.lost(split, rows, examples, t)
		r.fieldGaps(split, rows, examples)
		r.boundary(split, rows, t)
	}
	r.notes()
	rank := []string{SeverityError, SeverityWarning, SeverityNote}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity)
	})
	return r.findings
}

// report collects findings.
type report struct {
	d        *Dataset
	enc      *Encoder // nil: only the text is looked at
	findings []Finding
}

func (r *report) add(f Finding) { r.findings = append(r.findings, f) }

// maxEvidence is how many rows a finding shows; Rows has them all.
const maxEvidence = 5

// hits collects the rows that a check finds.
type hits struct {
	rows     []int
	evidence []string
}

func (h *hits) add(row int, format string, args ...any) {
	if n := len(h.rows); n == 0 || h.rows[n-1] != row {
		h.rows = append(h.rows, row)
	}
	if len(h.evidence) < maxEvidence {
		h.evidence = append(h.evidence, fmt.Sprintf(format, args...))
	}
}

// of writes "3 of 554 train rows".
func (h *hits) of(total int, split string) string {
	return fmt.Sprintf("%d of %d %s rows", len(h.rows), total, split)
}

// report adds the finding if any row was hit.
func (r *report) hit(h hits, id, severity, split, message, advice string) {
	if len(h.rows) > 0 {
		r.add(Finding{ID: id, Severity: severity, Message: message, Advice: advice, Split: split, Rows: h.rows, Evidence: h.evidence})
	}
}

// at names a row in evidence: "row 12 (train.jsonl:13)".
func at(index int, row Row) string { return fmt.Sprintf("row %d (%s)", index, row.Position()) }

func (r *report) badRows() {
	if len(r.d.Bad) == 0 {
		return
	}
	var evidence []string
	for _, b := range r.d.Bad[:min(len(r.d.Bad), maxEvidence)] {
		evidence = append(evidence, b.String())
	}
	r.add(Finding{
		ID: CorruptRow, Severity: SeverityWarning,
		Message:  fmt.Sprintf("%s could not be used and were left out; %d are left", count(len(r.d.Bad), "row"), r.d.Rows()),
		Advice:   "Repair the lines named, or set bad_rows to fail so that they cannot be overlooked.",
		Evidence: evidence,
	})
}

func (r *report) notes() {
	for _, note := range r.d.Notes {
		r.add(Finding{ID: DataNote, Severity: SeverityNote, Message: note, Advice: "Nothing to do if this is what you meant."})
	}
}

func (r *report) empty(split string, rows []Row) {
	var h hits
	for i, row := range rows {
		switch {
		case row.Whole:
			if strings.TrimSpace(row.Completion) == "" {
				h.add(i, "%s: the text is empty", at(i, row))
			}
		case strings.TrimSpace(row.Prompt) == "":
			h.add(i, "%s: the prompt is empty", at(i, row))
		case r.d.Format == Events && strings.TrimSpace(row.Event) == "":
			h.add(i, "%s: the event text is empty", at(i, row))
		case strings.TrimSpace(row.Completion) == "":
			h.add(i, "%s: the completion is empty", at(i, row))
		case row.Object != nil && row.Object.Len() == 0:
			h.add(i, "%s: the completion is an empty object", at(i, row))
		}
	}
	r.hit(h, EmptyExample, SeverityWarning, split,
		h.of(len(rows), split)+" have an empty prompt or completion",
		"Remove them: they teach the model to answer nothing, or to answer without being asked.")
}

func (r *report) duplicates(split string, rows []Row) {
	type text struct{ prompt, completion string }
	first := make(map[text]int, len(rows))
	var h hits
	for i, row := range rows {
		key := text{row.Prompt, row.Completion}
		if j, ok := first[key]; ok {
			h.add(i, "%s repeats %s: %s", at(i, row), at(j, rows[j]), quote(row.Text()))
			continue
		}
		first[key] = i
	}
	severity, advice := SeverityNote, "Remove the copies, or their scores count more than once."
	if split == Train {
		severity, advice = SeverityWarning, "Remove the copies: the model sees these rows more often than the others in every epoch."
	}
	r.hit(h, DuplicateRow, severity, split, h.of(len(rows), split)+" repeat an earlier one exactly", advice)
}

func (r *report) conflicts(split string, rows []Row) {
	if r.d.Format == Text {
		return // no prompt, no answer
	}
	first := make(map[string]int, len(rows))
	var h hits
	for i, row := range rows {
		j, seen := first[row.Prompt]
		switch {
		case !seen:
			first[row.Prompt] = i
		case row.Completion != rows[j].Completion:
			h.add(i, "%s answers %s with %s, %s with %s", at(i, row), quote(row.Text()), quote(row.Completion), at(j, rows[j]), quote(rows[j].Completion))
		}
	}
	r.hit(h, LabelConflict, SeverityWarning, split,
		h.of(len(rows), split)+" give another completion to a prompt that an earlier row has too",
		"Decide which completion is right: no model can answer both.")
}

// leaks compares what identifies a row, without regard to case and spacing.
func (r *report) leaks() {
	type place struct {
		split string
		row   int
	}
	seen := make(map[string]place, r.d.Rows())
	for _, split := range Splits() {
		rows := r.d.rows(split)
		from := map[string]*hits{} // by the split that has the text first
		for i, row := range rows {
			key := normalized(row.Text())
			if key == "" {
				continue
			}
			p, ok := seen[key]
			if !ok {
				seen[key] = place{split, i}
				continue
			}
			if p.split == split {
				continue
			}
			other := r.d.rows(p.split)[p.row]
			answer := ", with the same completion"
			switch {
			case row.Whole:
				answer = ""
			case other.Completion != row.Completion:
				answer = ", with another completion"
			}
			if from[p.split] == nil {
				from[p.split] = &hits{}
			}
			from[p.split].add(i, "%s %s is also %s %s%s: %s", split, at(i, row), p.split, at(p.row, other), answer, quote(row.Text()))
		}
		for _, origin := range Splits() {
			if h := from[origin]; h != nil {
				r.hit(*h, DuplicateLeak, SeverityWarning, split,
					fmt.Sprintf("%s are in the %s split too", h.of(len(rows), split), origin),
					fmt.Sprintf("Remove them from one of the two: scores on rows that are in %s as well say nothing about new text.", origin))
			}
		}
	}
}

// normalized makes texts equal that differ in case and white space only.
func normalized(text string) string {
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}

func (r *report) identity(split string, rows []Row) {
	var h hits
	for i, row := range rows {
		completion := strings.TrimSpace(row.Completion)
		if completion != "" && (completion == strings.TrimSpace(row.Prompt) || completion == strings.TrimSpace(row.Event)) {
			h.add(i, "%s: %s", at(i, row), quote(completion))
		}
	}
	r.hit(h, IdentityLabels, SeverityWarning, split,
		h.of(len(rows), split)+" have a completion that repeats the prompt",
		"Check that input and answer were not taken from the same column: the model would learn to copy.")
}

// Rows are all but the same when less than half are distinct, or nearly all
// have one completion. Fewer than constRows rows may well be alike.
const (
	constRows  = 4
	constShare = 0.95
)

// constant looks at the token sequences where there are any: rows that became
// the same on the way count too.
func (r *report) constant(split string, rows []Row, examples []batch.Example) {
	distinct, total := map[string]bool{}, len(rows)
	if examples != nil {
		total = len(examples)
		var key []byte
		for _, e := range examples {
			key = key[:0]
			for _, id := range e.IDs {
				key = binary.LittleEndian.AppendUint32(key, uint32(id))
			}
			distinct[string(key)] = true
		}
	} else {
		for _, row := range rows {
			distinct[row.Prompt+"\x00"+row.Completion] = true
		}
	}
	if total < constRows {
		return
	}
	if 2*len(distinct) < total {
		severity := SeverityWarning
		if len(distinct) == 1 {
			severity = SeverityError
		}
		r.add(Finding{
			ID: ConstExample, Severity: severity, Split: split,
			Message: fmt.Sprintf("%d %s rows collapse to %s", total, split, count(len(distinct), "distinct sequence")),
			Advice:  "Check the names of the keys and the prompt template: the loss would fall to nothing on a constant example and mean nothing.",
		})
		return
	}
	completions := map[string]int{}
	most, mostRows := "", 0
	for _, row := range rows {
		completions[row.Completion]++
		if n := completions[row.Completion]; n > mostRows {
			most, mostRows = row.Completion, n
		}
	}
	if float64(mostRows) >= constShare*float64(len(rows)) {
		r.add(Finding{
			ID: ConstExample, Severity: SeverityWarning, Split: split,
			Message:  fmt.Sprintf("%d of %d %s rows have the same completion", mostRows, len(rows), split),
			Advice:   "A model that ignores the prompt would be right nearly always; add rows with other answers.",
			Evidence: []string{quote(most)},
		})
	}
}
