package calendar

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode"
)

// The sizes of the splits, and how many rows of each have notes, come often, and hold a word
// that no train row has.
var (
	sizes     = [3]int{554, 118, 120}
	withNotes = [3]int{11, 2, 3}
	recurring = [3]int{18, 4, 4}
	unseen    = [3]int{0, 41, 42}
)

// often is how often events are, in turn, so that the train rows have every word of it.
var often = strings.Fields("weekly monthly quarterly annual weekly daily weekly biweekly monthly")

// Seed is that of the rows in the repository.
const Seed = 792

// Splits are the rows of a dataset. No text of one is in another.
type Splits struct{ Train, Eval, Test []Row }

// Generate returns 554 train, 118 eval and 120 test rows. The same seed gives the same rows.
//
// Train rows have no word of the pools that is held out. About a third of the eval and of the
// test rows have at least one word, of a name, a place or a topic, that is in no train row,
// most often one that is held out; the words of the others are all in train rows.
func Generate(seed uint64) Splits {
	g := generator{
		source: source{Rand: rand.New(rand.NewPCG(seed, 0x686f6e65)), vocab: map[string]bool{}},
		texts:  map[string]bool{},
	}
	var all [3][]Row
	for split := range all {
		all[split] = g.split(split)
		if split == 0 {
			for _, row := range all[0] {
				for _, w := range Words(row.Text) {
					g.vocab[w] = true
				}
			}
		}
	}
	return Splits{all[0], all[1], all[2]}
}

type generator struct {
	source
	texts map[string]bool // those there are, normalized
}

// plan is what a row is to be.
type plan struct {
	family *family
	form   string
	often  string
	mode   mode
}

func (g *generator) split(split int) []Row {
	plans := g.plans(split)
	rows := make([]Row, len(plans))
	for i, p := range plans {
		rows[i] = g.row(p)
	}
	return rows
}

// plans deals families by their weights, so that the splits are alike, in a shuffled order.
func (g *generator) plans(split int) []plan {
	n := sizes[split] - withNotes[split]
	total := 0
	for _, f := range families {
		total += f.weight
	}
	var list []plan
	sum := 0
	for i := range families {
		sum += families[i].weight
		for len(list) < (n*sum+total/2)/total {
			list = append(list, families[i].plan(len(list)))
		}
	}
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for i := range recurring[split] {
		list[i].often = often[i%len(often)]
	}
	for i := range withNotes[split] {
		list = append(list, noted[i%len(noted)].plan(i/len(noted)))
	}
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for i := range list {
		switch {
		case split == 0:
			list[i].mode = training
		case i < unseen[split]:
			list[i].mode = fresh
		default:
			list[i].mode = known
		}
	}
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// plan returns a row to be: the forms of a family in turn.
func (f *family) plan(turn int) plan {
	return plan{family: f, form: f.forms[turn%len(f.forms)]}
}

// row writes rows until one is as planned.
func (g *generator) row(p plan) Row {
	for range 10_000 {
		g.mode = p.mode
		kept := len(g.invented)
		row, ok := g.compose(p.family, p.form, p.often)
		key := Normalize(row.Text)
		if ok && !g.texts[key] && (p.mode == training || g.seen(row.Text) == (p.mode == known)) {
			g.texts[key] = true
			return row
		}
		g.invented = g.invented[:kept]
	}
	panic(fmt.Sprintf("no row of %q in 10000: the pools are too narrow", p.form))
}

// Normalize returns a text without what does not make another text of it: case, spaces and
// punctuation.
func Normalize(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
