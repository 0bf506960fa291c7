package calendar

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"hone/data/builtin/words"
)

func TestSplitsShareNoText(t *testing.T) {
	for _, seed := range []uint64{Seed, 1, 2} {
		s := Generate(seed)
		if len(s.Train) != 554 || len(s.Eval) != 118 || len(s.Test) != 120 {
			t.Errorf("seed %d: %d, %d and %d rows", seed, len(s.Train), len(s.Eval), len(s.Test))
		}
		where := map[string]string{}
		for _, row := range slices.Concat(s.Train, s.Eval, s.Test) {
			key := Normalize(row.Text)
			if other, ok := where[key]; ok {
				t.Errorf("seed %d: %q and %q", seed, row.Text, other)
			}
			where[key] = row.Text
		}
	}
}

func TestGenerateIsAFunctionOfItsSeed(t *testing.T) {
	a, again, other := Generate(7), Generate(7), Generate(8)
	if !reflect.DeepEqual(a, again) {
		t.Error("the same seed gives other rows")
	}
	if reflect.DeepEqual(a.Train, other.Train) {
		t.Error("another seed gives the same rows")
	}
}

// A score on rows of known words says nothing about copying, one on unseen words little else:
// the test rows have both, apart.
func TestUnseenWords(t *testing.T) {
	s := Generate(Seed)
	seen := map[string]bool{}
	for _, row := range s.Train {
		for _, w := range Words(row.Text) {
			seen[w] = true
		}
		for _, name := range row.Output.Attendees {
			if slices.Contains(words.Given, name) && words.HeldOut(name) {
				t.Errorf("%q: %s is held out", row.Text, name)
			}
		}
	}
	for split, rows := range map[string][]Row{"eval": s.Eval, "test": s.Test} {
		unseen, held := 0, 0
		for _, row := range rows {
			odd := slices.DeleteFunc(Words(row.Text), func(w string) bool { return seen[w] })
			if len(odd) > 0 {
				unseen++
			}
			if slices.ContainsFunc(odd, words.HeldOut) {
				held++
			}
		}
		share := float64(unseen) / float64(len(rows))
		t.Logf("%s: %.2f of the rows have an unseen word, %d of %d one that is held out", split, share, held, unseen)
		if share < 0.30 || share > 0.40 {
			t.Errorf("%s: %.2f of the rows have an unseen word", split, share)
		}
		if held < unseen*9/10 {
			t.Errorf("%s: %d of %d rows with unseen words have one that is held out", split, held, unseen)
		}
	}
}

// Copying what is rare is what a small model finds hardest: most names must stand in few rows.
func TestTrainRowsHaveManyRareNames(t *testing.T) {
	given := map[string]bool{}
	for _, name := range words.Given {
		given[name] = true
	}
	count := map[string]int{}
	real, total := 0, 0
	for _, row := range Generate(Seed).Train {
		for _, name := range row.Output.Attendees {
			if strings.ContainsAny(name, " &") || name == strings.ToLower(name) || name == strings.ToUpper(name) {
				continue // groups, surnames
			}
			total++
			count[name]++
			if given[name] {
				real++
			}
		}
	}
	if len(count) < total*6/10 {
		t.Errorf("%d different names in %d places", len(count), total)
	}
	if share := 1 - float64(real)/float64(total); share < 0.10 || share > 0.30 {
		t.Errorf("%.2f of the names are made up", share)
	}
}

func TestLinesKeepTheSchema(t *testing.T) {
	place := "R&D <lab>"
	got, err := Lines([]Row{{Text: "a", Output: Output{Action: "b", Date: "01/02/2024", Time: "4:00 PM", Location: &place}}})
	const want = `{"event_text":"a","output":{"action":"b","date":"01/02/2024","time":"4:00 PM","attendees":null,"location":"R&D <lab>","duration":null,"recurrence":null,"notes":null}}` + "\n"
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWithArticle(t *testing.T) {
	for in, want := range map[string]string{
		"audit call": "an audit call", "tax review": "a tax review", "union sync": "a union sync", "one-on-one": "a one-on-one",
		"Oslo launch": "an Oslo launch", "utilities call": "a utilities call", "urgent chat": "an urgent chat",
	} {
		if got := withArticle(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
