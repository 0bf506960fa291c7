package pretrain

import "hone/engine/tokenizer"

// MaxTokens is the longest that a document may be: prompt, completion and end of text.
const MaxTokens = 199

// A Document is one example of pretraining.
type Document struct {
	Prompt     string
	Completion string // without the space before it
	Kind       string // the task, for statistics
}

// A kind is a task with its weight in 1000 documents: in the easy stage, after it, in the second and
// third corpus, and from the fourth on.
type kind struct {
	name                   string
	easy, full, late, last int
	draw                   func(*writer) (prompt, completion string)
}

// Less than half of all completions are JSON objects, so that a dataset loader takes a file of these
// documents for what it is: text, not rows of one schema.
var kinds = []kind{
	{"listed", 0, 250, 250, 200, (*writer).listed},
	{"fixed", 0, 100, 110, 120, (*writer).fixed},
	{"calendar", 0, 60, 110, 160, (*writer).calendar},
	{"record", 0, 50, 10, 5, (*writer).record},
	{"values", 0, 60, 100, 110, (*writer).values},
	{"lines", 0, 40, 60, 70, (*writer).lines},
	{"field", 0, 90, 100, 110, (*writer).field},
	{"copy", 860, 130, 110, 90, (*writer).copying},
	{"list", 50, 30, 20, 30, (*writer).list},
	{"pick", 50, 50, 20, 20, (*writer).pick},
	{"date", 20, 80, 55, 40, (*writer).dates},
	{"time", 20, 40, 45, 40, (*writer).times},
	{"prose", 0, 20, 10, 5, (*writer).prose},
}

// A Corpus is all documents of one seed. It is safe for concurrent use.
type Corpus struct {
	seed       uint64
	documents  int
	tokenizer  *tokenizer.Tokenizer
	vocabulary *vocabulary
	late       int // how many runs came before
}

// New returns the corpus of a seed, meant to be read in order for so many documents: it decides how
// long the easy stage is. Further documents are like the last. t is what [LearnTokenizer] gives.
func New(seed uint64, documents int, t *tokenizer.Tokenizer) *Corpus {
	return &Corpus{seed: seed, documents: documents, tokenizer: t, vocabulary: newVocabulary(t)}
}

// Late returns the corpus of a run that goes on where run others ended, for a model that can copy and
// read: more of it asks for what an event has, and no stage of it is easy. From the third run on people
// and places follow each other without a word between more often, the hardest to tell apart; from the
// fourth on there are turns of phrase that hide where a part ends.
func (c *Corpus) Late(run int) *Corpus {
	return &Corpus{seed: c.seed, tokenizer: c.tokenizer, vocabulary: c.vocabulary, late: run}
}

// Document returns the document i, from 0.
func (c *Corpus) Document(i int) Document {
	for attempt := uint64(0); ; attempt++ {
		draw := newSource(c.seed, uint64(i), attempt)
		if c.late > 0 {
			draw = newSource(c.seed, uint64(i), attempt, uint64(c.late))
		}
		w := &writer{source: draw, vocabulary: c.vocabulary, easy: progressScale - c.progress(i), terse: c.late > 1, turns: c.late > 2}
		k := kinds[w.weighted(c.weights(i))]
		d := Document{Kind: k.name}
		d.Prompt, d.Completion = k.draw(w)
		if c.tokenizer == nil || c.length(d) <= MaxTokens {
			return d
		}
	}
}

// length returns the tokens of a document as it is trained on.
func (c *Corpus) length(d Document) int {
	return len(c.tokenizer.Encode(d.Prompt)) + len(c.tokenizer.Encode(" "+d.Completion)) + 1
}

// progressScale is the progress of a document after the easy stage.
const progressScale = 1000

// progress is 0 for the first 20 % of the documents, the easy stage, which are short, and rises until
// 30 % are over.
// It is a whole number to be the same everywhere.
func (c *Corpus) progress(i int) int {
	if c.documents <= 0 {
		return progressScale
	}
	return min(progressScale, max(0, (i*100-20*c.documents)*progressScale/(10*c.documents)))
}

// weights returns the weights of the kinds for document i, blended by its progress.
func (c *Corpus) weights(i int) []int {
	progress := c.progress(i)
	weights := make([]int, len(kinds))
	for j, k := range kinds {
		weights[j] = k.easy*(progressScale-progress) + k.full*progress
		switch {
		case c.late > 2:
			weights[j] = k.last
		case c.late > 0:
			weights[j] = k.late
		}
	}
	return weights
}
