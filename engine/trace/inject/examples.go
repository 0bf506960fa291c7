package inject

import (
	"slices"

	"hone/engine/batch"
)

// Examples changes examples as a fault of the data or of a batch does; what it is
// given is not changed. previous is the batch of the step before, vocabulary the
// number of tokens that the model has. ok is false for a fault of another kind.
func Examples(id string, examples, previous []batch.Example, vocabulary int) (changed []batch.Example, ok bool) {
	changed = slices.Clone(examples)
	if len(changed) == 0 {
		return changed, true
	}
	victim := len(changed) / 2
	switch id {
	case "CONST-EXAMPLE":
		for i := range changed {
			row := changed[i].Row
			changed[i] = changed[0]
			changed[i].Row = row
		}
	case "COLLATE-EMPTY":
		for i := range changed {
			changed[i] = cut(changed[i], 1)
		}
	case "ORDER":
		return slices.Clone(previous), true
	case "MASK-ALL", "LEN1", "EMPTY-EXAMPLE", "TRUNC-TARGET", "CORRUPT-ROW", "OOV-LABEL":
		changed[victim] = row(id, changed[victim], vocabulary)
	case "MASK-LATE", "MASK-EARLY", "EOS-MASKED":
		for i := range changed {
			changed[i] = row(id, changed[i], vocabulary)
		}
	default:
		return nil, false
	}
	return changed, true
}

// row is one example with a fault.
func row(id string, e batch.Example, vocabulary int) batch.Example {
	e.IDs, e.Class = slices.Clone(e.IDs), slices.Clone(e.Class)
	last := len(e.IDs) - 1
	switch id {
	case "MASK-ALL":
		for t := range e.Class {
			e.Class[t] = batch.NotTarget
		}
	case "MASK-LATE":
		if e.Prompt < last {
			e.Class[e.Prompt] = batch.NotTarget
		}
	case "MASK-EARLY":
		if e.Prompt > 0 {
			e.Class[e.Prompt-1] = batch.Structure
		}
	case "EOS-MASKED":
		e.Class[last] = batch.NotTarget
	case "LEN1": // a label, and nothing before it
		e = cut(e, 1)
		e.Class[0] = batch.Structure
		return e
	case "EMPTY-EXAMPLE": // the prompt, and its end
		e.IDs[min(e.Prompt, last)], e.Class[min(e.Prompt, last)] = e.IDs[last], e.Class[last]
		return cut(e, min(e.Prompt, last)+1)
	case "TRUNC-TARGET":
		return cut(e, max(e.Prompt+1, len(e.IDs)*3/4))
	case "CORRUPT-ROW":
		if e.Prompt < last {
			slices.Reverse(e.IDs[e.Prompt:last])
		}
		e.IDs[0] = (e.IDs[0] + 1) % int32(vocabulary) // a completion may read the same backwards
	case "OOV-LABEL":
		e.IDs[last] = int32(vocabulary)
	}
	return e
}

// cut keeps the first n tokens of an example.
func cut(e batch.Example, n int) batch.Example {
	n = min(n, len(e.IDs))
	e.IDs, e.Class = slices.Clone(e.IDs[:n]), slices.Clone(e.Class[:n])
	if len(e.Spans) >= n {
		e.Spans = e.Spans[:n:n]
	}
	e.Prompt = min(e.Prompt, n)
	return e
}

// shift moves what each position has to predict: by -1 the token after the next,
// by 1 its own.
func shift(p *batch.Packed, by int32) {
	rows := p.LossRows[:0:0]
	for _, r := range p.LossRows {
		r.Row += by
		if int(r.Row) >= p.Starts[r.Example] && int(r.Row) < p.Starts[r.Example+1] {
			rows = append(rows, r)
		}
	}
	p.LossRows = rows
}
