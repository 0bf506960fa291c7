package steprules

import (
	"fmt"

	"hone/engine/trace"
)

// minTokens is the mean length under which sequences cannot hold rows.
const minTokens = 4

// maxEvidence is how many rows a finding shows.
const maxEvidence = 5

// hits collects what a rule finds in rows.
type hits struct {
	n        int
	evidence []string
}

func (h *hits) add(format string, args ...any) {
	if h.n++; len(h.evidence) < maxEvidence {
		h.evidence = append(h.evidence, fmt.Sprintf(format, args...))
	}
}

// finding is the finding of a rule that hit any row.
func (h *hits) finding(id string, severity trace.Severity, confidence float64, s *Step, what, advice string) *trace.Finding {
	if h.n == 0 {
		return nil
	}
	head := fmt.Sprintf("step %d: %d of %d rows %s", s.Number, h.n, len(s.Rows), what)
	return &trace.Finding{ID: id, Severity: severity, Confidence: confidence, Evidence: append([]string{head}, h.evidence...), Advice: advice}
}

func has(found []trace.Finding, ids ...string) bool {
	for _, f := range found {
		for _, id := range ids {
			if f.ID == id {
				return true
			}
		}
	}
	return false
}

func vocabulary(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	if s.Cause == nil || s.Cause.Kind != NotInModel {
		return nil
	}
	return &trace.Finding{
		ID: "OOV-LABEL", Severity: trace.Error, Confidence: 1, Evidence: []string{fmt.Sprintf("step %d: %s", s.Number, s.Cause.Text)},
		Advice: "The tokenizer is not that of the model: use the model's own. Where ids out of range are not refused, their loss is 0 and nothing says so.",
	}
}

// collate: the step consumed next to nothing of its rows.
func collate(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	tokens, source, known := 0, 0, 0
	for _, row := range s.Rows {
		tokens += row.Tokens
		if row.Source != nil {
			source += row.Source.Tokens
			known++
		}
	}
	n := len(s.Rows)
	if n < 2 || known < n || tokens >= minTokens*n || source < minTokens*n || has(found, "OOV-LABEL") {
		return nil
	}
	return &trace.Finding{ID: "COLLATE-EMPTY", Severity: trace.Error, Confidence: 1, Evidence: []string{
		fmt.Sprintf("step %d consumed %.1f tokens a row; these rows have %.1f in the dataset", s.Number, float64(tokens)/float64(n), float64(source)/float64(n)),
	}, Advice: "What was trained on is not your data: columns were lost between the dataset and the step. Do not trust this run."}
}

// constant: several rows became one sequence on the way.
func constant(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	foreign := 0
	for _, row := range s.Rows {
		if row.Foreign {
			foreign++
		}
	}
	if n := len(s.Rows); n < 3 || s.Distinct != 1 || foreign < n-1 || has(found, "COLLATE-EMPTY") {
		return nil
	}
	return &trace.Finding{ID: "CONST-EXAMPLE", Severity: trace.Error, Confidence: 0.98, Evidence: []string{
		fmt.Sprintf("step %d: %d rows collapse to 1 distinct sequence, which the dataset's rows do not", s.Number, len(s.Rows)),
	}, Advice: "Look for defaults that hide missing keys: the loss would fall to nothing on one constant example and look perfect."}
}

func length(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if has(found, "COLLATE-EMPTY") {
		return nil
	}
	var h hits
	for _, row := range s.Rows {
		if row.Tokens == 1 {
			h.add("row %d: 1 token, 0 predictions", row.Row)
		}
	}
	return h.finding("LEN1", trace.Error, 0.97, s, "are one token long and predict nothing", "Give them a prompt, or remove them: after the shift a single token has no target.")
}

func empty(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	var h hits
	for _, row := range s.Rows {
		if row.Targets == 1 && row.Tokens > 1 && row.Source != nil && row.Source.Targets > 1 && row.First.At == row.Tokens-1 && row.Last.ID == row.Source.Last.ID {
			h.add("row %d: its only target is the end token; the dataset's row has %d", row.Row, row.Source.Targets)
		}
	}
	return h.finding("EMPTY-EXAMPLE", trace.Error, 0.95, s, "have an empty completion", "Remove them: they teach the model to answer nothing.")
}

func masked(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if has(found, "COLLATE-EMPTY") {
		return nil
	}
	var h hits
	for _, row := range s.Rows {
		if row.Targets == 0 && row.Tokens > 1 {
			h.add("row %d: 0 supervised tokens of %d", row.Row, row.Tokens)
		}
	}
	return h.finding("MASK-ALL", trace.Error, 1, s, "have no supervised token", "Repair the mask. The mean over no token is 0/0: a loss of 0.0 that another tool prints for such a batch is not a loss.")
}

func truncated(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if has(found, "COLLATE-EMPTY", "EMPTY-EXAMPLE", "CONST-EXAMPLE") {
		return nil
	}
	var h hits
	for _, row := range s.Rows {
		if row.Source != nil && row.Tokens > 1 && row.Tokens < row.Source.Tokens {
			h.add("row %d: %d of %d tokens; the last target is not the end token", row.Row, row.Tokens, row.Source.Tokens)
		}
	}
	return h.finding("TRUNC-TARGET", trace.Error, 0.95, s, "were cut", "Raise the limit on the length, or drop such rows: a completion that is cut teaches to stop too early.")
}

// moved says by how many positions a row's targets are off from the dataset's.
func moved(row Row) int {
	if row.Source == nil || row.Targets == 0 || row.Tokens != row.Source.Tokens || row.Foreign {
		return 0
	}
	by := row.Last.At - row.Source.Last.At
	if row.First.At-row.Source.First.At == by && row.Last.ID == row.Source.Last.ID && row.First.ID == row.Source.First.ID {
		return by
	}
	return 0
}

func shifted(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	for _, by := range []int{1, -1} {
		var h hits
		for _, row := range s.Rows {
			if moved(row) == by {
				h.add("row %d: token %d is to be predicted at position %d, where the dataset has it at %d", row.Row, row.First.ID, row.First.At, row.Source.First.At)
			}
		}
		id, what, advice := "SHIFT-NONE", "predict their own tokens", "labels[t] equals input[t]: the model learns to copy, and the loss falls to nothing and means nothing. Shift once."
		if by < 0 {
			id, what, advice = "SHIFT-TWICE", "predict the token after the next", "Labels are shifted by the data and by the model: shift once."
		}
		if f := h.finding(id, trace.Error, 0.97, s, what, advice); f != nil {
			return f
		}
	}
	return nil
}

// sameTokens says that a row is the dataset's but for its mask.
func sameTokens(row Row) bool {
	return row.Source != nil && row.Tokens == row.Source.Tokens && row.Targets > 0 && !row.Foreign && moved(row) == 0
}

func early(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	var h hits
	for _, row := range s.Rows {
		if sameTokens(row) && row.First.At < row.Source.First.At {
			h.add("row %d: trained from token %d, its completion starts at %d", row.Row, row.First.At, row.Source.First.At)
		}
	}
	return h.finding("MASK-EARLY", trace.Error, 0.98, s, "train tokens of the prompt", "Supervise by position, from the first token of the completion.")
}

func late(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	var h hits
	for _, row := range s.Rows {
		if sameTokens(row) && row.First.At > row.Source.First.At {
			h.add("row %d: the first trained token is %d at %d, expected %d at %d", row.Row, row.First.ID, row.First.At, row.Source.First.ID, row.Source.First.At)
		}
	}
	return h.finding("MASK-LATE", trace.Error, 0.98, s, "do not train the start of their completion", "Supervise from the first token of the completion, or the model never learns to open it.")
}

func end(_ *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	var h hits
	for _, row := range s.Rows {
		if sameTokens(row) && row.Last.At < row.Source.Last.At {
			h.add("row %d: the last target is token %d at %d, not the end token %d", row.Row, row.Last.ID, row.Last.At, row.Source.Last.ID)
		}
	}
	return h.finding("EOS-MASKED", trace.Error, 0.98, s, "do not train their end token", "Mask by position, not by token id: the model never learns to stop.")
}

// corrupt: rows have other tokens than the dataset says, for none of the reasons
// before it.
func corrupt(_ *Rules, s *Step, found []trace.Finding) *trace.Finding {
	if has(found, "COLLATE-EMPTY", "CONST-EXAMPLE", "LEN1", "EMPTY-EXAMPLE", "TRUNC-TARGET", "OOV-LABEL") {
		return nil
	}
	var h hits
	for _, row := range s.Rows {
		if row.Foreign {
			h.add("row %d: its %d tokens are not those of the dataset's row", row.Row, row.Tokens)
		}
	}
	if 2*h.n > len(s.Rows) {
		return h.finding("COLLATE-EMPTY", trace.Error, 0.9, s, "were consumed as other tokens than the dataset has", "What was trained on is not your data: do not trust this run, and report it.")
	}
	return h.finding("CORRUPT-ROW", trace.Error, 0.95, s, "were consumed as other tokens than the dataset has", "Look at these rows; if the dataset has them right, memory or a change on the way has damaged them.")
}

// order: the step took other rows than it was the turn of, or those of the step
// before again.
func order(r *Rules, s *Step, _ []trace.Finding) *trace.Finding {
	var rows []int
	for _, row := range s.Rows {
		rows = append(rows, row.Row)
	}
	again := r.started && s.Number == r.last+1 && s.Epoch == r.epoch && rowsKey(s.Rows) == r.rows && len(rows) > 0
	if s.Order == nil && !again {
		return nil
	}
	f := &trace.Finding{ID: "ORDER", Severity: trace.Error, Confidence: 0.98, Advice: "The sampler gives the same batch again: most rows of the dataset are not seen."}
	if s.Order != nil {
		f.Evidence = append(f.Evidence, fmt.Sprintf("step %d took rows %v, it was the turn of %v", s.Number, rows, s.Order))
	}
	if again {
		f.Evidence = append(f.Evidence, fmt.Sprintf("step %d has the rows of step %d", s.Number, r.last))
	}
	return f
}
