// Package batch holds what the engine eats: tokenized examples with supervised
// positions, and the packed sequence that a forward pass runs over.
//
// An [Example] is one row of a dataset as token ids. A [Packed] batch lays
// several examples end to end in one token sequence; attention and positions
// stay within an example, so nothing is padded and nothing leaks.
package batch

// Classes of a token. A token of a field's value has the class 1 + the index
// of that field in the schema.
const (
	NotTarget int32 = -1 // prompt: conditions, is not supervised
	Structure int32 = 0  // supervised: braces, keys, separators, EOS
)

// Span is a half-open range: of bytes in the text that a token came from, or of tokens.
type Span struct{ Start, End int }

// Example is one row: prompt, completion and EOS as token ids.
// IDs, Class and Spans have the same length.
type Example struct {
	Row   int     // index of the row in its split
	IDs   []int32 // [tokens]
	Class []int32 // [tokens] NotTarget, Structure, or 1 + field index
	// Spans are byte ranges: of a prompt token in the prompt, of a completion
	// token in the completion as encoded (its leading space included). EOS has
	// an empty span at the end.
	Spans []Span
	// Prompt is the number of tokens before the completion, BOS included. In a
	// conversation the completion is the last turn; Turns are the tokens of
	// earlier ones that are supervised too.
	Prompt int
	Turns  []Span
}

// Targets counts the supervised tokens of e.
func (e Example) Targets() int {
	n := 0
	for _, c := range e.Class {
		if c != NotTarget {
			n++
		}
	}
	return n
}

// LossRow is one position whose next token is supervised.
type LossRow struct {
	Row     int32 // position in the packed sequence that predicts the target
	Target  int32 // token id to predict
	Class   int32 // class of the target token
	Example int32 // index of its example within the packed batch
}

// Packed is a sequence of examples laid end to end.
type Packed struct {
	Tokens   []int32   // [tokens]
	Starts   []int     // [examples+1] first token of each example; the last entry is len(Tokens)
	Rows     []int     // [examples] dataset row of each example
	LossRows []LossRow // in sequence order, so each example's rows are contiguous
}

// Counts are the denominators of the loss means, over a whole optimizer batch.
type Counts struct {
	Tokens    int // all tokens
	Targets   int // supervised tokens
	Structure int // supervised tokens of class Structure
	Fields    int // (example, field) pairs with at least one token
}

// Pack lays examples end to end.
func Pack(examples []Example) Packed {
	p := Packed{Starts: make([]int, 1, len(examples)+1)}
	for i, e := range examples {
		base := len(p.Tokens)
		p.Tokens = append(p.Tokens, e.IDs...)
		p.Starts = append(p.Starts, len(p.Tokens))
		p.Rows = append(p.Rows, e.Row)
		for t := 1; t < len(e.IDs); t++ {
			if e.Class[t] != NotTarget {
				p.LossRows = append(p.LossRows, LossRow{Row: int32(base + t - 1), Target: e.IDs[t], Class: e.Class[t], Example: int32(i)})
			}
		}
	}
	return p
}

// Count sums the denominators of the loss over examples. The first token of a
// sequence has no predecessor and is never a target.
func Count(examples []Example) Counts {
	var c Counts
	for _, e := range examples {
		c.Tokens += len(e.IDs)
		fields := map[int32]bool{}
		for t := 1; t < len(e.IDs); t++ {
			switch class := e.Class[t]; {
			case class == NotTarget:
				continue
			case class == Structure:
				c.Structure++
			default:
				fields[class] = true
			}
			c.Targets++
		}
		c.Fields += len(fields)
	}
	return c
}

// Split cuts examples, in order, into micro-batches of at most limit tokens
// each; an example longer than the limit has a micro-batch of its own.
func Split(examples []Example, limit int) [][]Example {
	var out [][]Example
	first, tokens := 0, 0
	for i, e := range examples {
		if i > first && tokens+len(e.IDs) > limit {
			out = append(out, examples[first:i])
			first, tokens = i, 0
		}
		tokens += len(e.IDs)
	}
	if first < len(examples) {
		out = append(out, examples[first:])
	}
	return out
}
