package data

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hone/engine/batch"
)

// findRows are the rows of a split that a query finds.
func findRows(t testing.TB, x *Index, split, query string) []int {
	t.Helper()
	q, err := x.Parse(query)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	found, err := x.Search(context.Background(), split, q, nil)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	rows := []int{}
	for _, n := range found.Rows {
		_, r := x.Place(n)
		rows = append(rows, r)
	}
	return rows
}

func TestQueries(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1 + event2 + event3 + `{"event_text": "Weekly sync: 12:30 \"ÜBER\" Zoom", "output": {"action": "Sync", "location": "Zoom \"B\""}}`}, nil)
	x := NewIndex(d, nil, nil)
	for query, want := range map[string]string{
		"":                              "[0 1 2 3]",
		"  ":                            "[0 1 2 3]",
		"gym":                           "[1]",
		"GYM":                           "[1]",
		"lunch zoe":                     "[0]",
		"zoe lunch":                     "[0]",
		"lunch hq":                      "[]",
		"wkly":                          "[]",
		"~wkly":                         "[3]",
		"~wsync":                        "[3]",
		"~cnysw":                        "[]",
		`"weekly sync"`:                 "[3]",
		`"sync weekly"`:                 "[]",
		`"wee`:                          "[3]",
		`"`:                             "[0 1 2 3]",
		"12:30":                         "[3]",
		"über":                          "[3]",
		"has:attendees":                 "[0]",
		"with:att":                      "[0]",
		"has:":                          "[0 1 2 3]",
		"no:attendees":                  "[1 2 3]", // null or missing
		"NO:location without:action":    "[]",
		"has:location zoom":             "[3]",
		"has:a":                         "[0 1 2 3]", // action or attendees
		"location:zoom":                 "[3]",
		`location:"zoom \"`:             "[3]",
		"location:hq":                   "[2]",
		"attendees:null":                "[1]",
		"action:":                       "[0 1 2 3]",
		"at":                            "[2]",
		"-at":                           "[0 1 3]",
		"-has:location":                 "[0 1]",
		`-"lunch with"`:                 "[1 2 3]",
		"-":                             "[]", // a dash in the text
		"is:bad":                        "[]",
		"-is:bad":                       "[0 1 2 3]",
		"is:un":                         "[]",
		"chars<60":                      "[]",
		"chars>=1":                      "[0 1 2 3]",
		"chars>":                        "[0 1 2 3]",
		"loss>0":                        "[]",
		"is:measured":                   "[]",
		"sort:hardest":                  "[0 1 2 3]",
		"has:location sort:lo at":       "[2]",
		`"sort:longest"`:                "[]",
		"split:train":                   "[0 1 2 3]",
		"split:eval":                    "[]",
		"split:all gym":                 "[1]",
		"tokens":                        "[]", // a word
		"has:location without:duration": "",
	} {
		if want == "" {
			if _, err := x.Parse(query); err == nil || !strings.Contains(err.Error(), `no field begins with "duration"; they are action`) {
				t.Errorf("%q: %v", query, err)
			}
			continue
		}
		if got := fmt.Sprint(findRows(t, x, Train, query)); got != want {
			t.Errorf("%q finds %s, want %s", query, got, want)
		}
	}
	if _, err := x.Search(context.Background(), "dev", Query{}, nil); err == nil {
		t.Error("split dev was searched")
	}
	text := NewIndex(mustLoad(t, map[string]string{"train.jsonl": text1 + text2}, nil), nil, nil)
	if got := fmt.Sprint(findRows(t, text, Train, "say no")); got != "[1]" {
		t.Errorf("text rows: %s", got)
	}
}

// What cannot be read says what would work.
func TestQueriesThatCannotBeRead(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1 + event1}, nil)
	x := NewIndex(d, nil, Preflight(d, nil, nil, 0))
	for query, want := range map[string]string{
		"is:odd":                   "is:odd: rows are unseen, bad, dropped, measured, or named by dup-row",
		"sort:size":                "longest, shortest, hardest, easiest",
		"split:dev":                "train, eval, test and all",
		"has:zoo":                  `no field begins with "zoo"; they are action, attendees`,
		"chars>many":               "a number belongs behind >",
		"chars=nan":                "a number belongs behind =",
		"tokens>3":                 "chars counts characters",
		strings.Repeat("x", 5000):  "5000 bytes",
		strings.Repeat("x ", 1000): "1000 words",
	} {
		if _, err := x.Parse(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", query, err, want)
		}
	}
	text := NewIndex(mustLoad(t, map[string]string{"train.jsonl": text1}, nil), nil, nil)
	if _, err := text.Parse("has:x"); err == nil || !strings.Contains(err.Error(), "no fields") {
		t.Errorf("has: of text: %v", err)
	}
}

func TestQueriesSortAndKnowWhatIsUnseen(t *testing.T) {
	row := func(prompt string) string { return `{"prompt": "` + prompt + `", "completion": "x"}` + "\n" }
	d := mustLoad(t, map[string]string{
		"train.jsonl": row("bb bb") + row("aaaaaaaaa") + row("üü") + row("cc cc"),
		"test.jsonl":  row("bb cc") + row("bb zebra"),
	}, nil)
	x := NewIndex(d, nil, nil)
	for _, c := range []struct{ split, query, want string }{
		{Train, "sort:longest", "[1 0 3 2]"}, // equal lengths in file order
		{Train, "sort:shortest", "[2 0 3 1]"},
		{Train, "sort:longest sort:shortest", "[2 0 3 1]"},
		{Train, "sort:shortest cc", "[3]"},
		{Train, "is:unseen", "[]"},
		{Test, "is:unseen", "[1]"},
		{Test, "IS:UNSEEN bb", "[1]"},
		{Test, "is:unseen cc", "[]"},
		{Eval, "is:unseen sort:longest", "[]"},
		{Train, "split:test is:unseen", "[1]"},
		{Train, "~bb", "[0]"},
		{Test, "~bc", "[0]"},
	} {
		if got := fmt.Sprint(findRows(t, x, c.split, c.query)); got != c.want {
			t.Errorf("%s %q finds %s, want %s", c.split, c.query, got, c.want)
		}
	}
}

// By loss: what is no number is harder than any, what is not known comes last.
func TestQueriesByLoss(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": strings.Repeat(event1, 5)}, nil)
	x := NewIndex(d, nil, nil)
	losses := map[int]float64{0: 0.5, 1: math.NaN(), 3: 2, 4: 0.1}
	loss := func(n int) (float64, bool) { v, ok := losses[n]; return v, ok }
	for query, want := range map[string]string{
		"sort:hardest": "[1 3 0 4 2]",
		"sort:easiest": "[4 0 3 1 2]",
		"loss>0.4":     "[0 1 3]",
		"loss<=0.5":    "[0 4]",
		"-loss>0.4":    "[2 4]",
		"is:measured":  "[0 1 3 4]",
	} {
		q, err := x.Parse(query)
		if err != nil || !q.NeedsLoss() {
			t.Fatalf("%q: %v", query, err)
		}
		found, err := x.Search(context.Background(), Train, q, loss)
		if err != nil || fmt.Sprint(found.Rows) != want {
			t.Errorf("%q finds %v, want %s (%v)", query, found.Rows, want, err)
		}
	}
}

// Findings and lengths in tokens become words of the language, and the summary is
// of what was found.
func TestIndexKnowsFindingsAndTokens(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1 + event2 + event1 + event3, "eval.jsonl": event1}, nil)
	findings := Preflight(d, nil, nil, 0)
	enc := map[string]Encoded{}
	for s, name := range []string{Train, Eval, Test} {
		rows, _ := d.Split(name)
		e := Encoded{Split: name}
		for i := range rows {
			if s == 0 && i == 3 {
				e.Dropped = append(e.Dropped, Dropped{Row: i, Tokens: 900})
				continue
			}
			e.Rows = append(e.Rows, i)
			e.Examples = append(e.Examples, batch.Example{Row: i, IDs: make([]int32, 10*(i+1))})
		}
		enc[name] = e
	}
	x := NewIndex(d, enc, findings)
	for _, c := range []struct{ split, query, want string }{
		{Train, "is:dup-row", "[2]"},
		{Train, "is:bad", "[2 3]"},
		{Train, "is:dropped", "[3]"},
		{Eval, "is:dup-leak", "[0]"},
		{Train, "tokens>15", "[1 2 3]"},
		{Train, "tokens=20", "[1]"},
		{Train, "sort:longest", "[3 2 1 0]"},
	} {
		if got := fmt.Sprint(findRows(t, x, c.split, c.query)); got != c.want {
			t.Errorf("%s %q finds %s, want %s", c.split, c.query, got, c.want)
		}
	}
	q, _ := x.Parse("split:all -is:dropped")
	found, err := x.Search(context.Background(), Train, q, nil)
	if s := found.Summary; err != nil || fmt.Sprint(found.Rows) != "[0 1 2 4]" || s.Rows != 4 || s.Min != 10 || s.Max != 30 || s.Total != 70 || fmt.Sprint(s.Filled) != "[4 3 0]" {
		t.Errorf("%v, %+v, %v", found.Rows, s, err)
	}
	whole, _ := x.Search(context.Background(), Train, Query{}, nil)
	if whole.Summary.Dropped != 1 || whole.Summary.Max != 900 {
		t.Errorf("summary %+v", whole.Summary)
	}

	facets, err := x.Facets(context.Background(), Train, nil)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, f := range facets {
		counts[f.Query] = f.Rows
		if _, err := x.Parse(f.Query); err != nil {
			t.Errorf("%s: %v", f.Query, err)
		}
	}
	for query, want := range map[string]int{"has:action": 4, "no:attendees": 2, "has:attendees": 2, "is:bad": 2, "is:dropped": 1, "is:dup-row": 1, "split:all": 5, "split:eval": 1} {
		if counts[query] != want {
			t.Errorf("%s has %d rows, want %d", query, counts[query], want)
		}
	}
	if _, ok := counts["no:action"]; ok {
		t.Error("a facet without rows is offered")
	}
}

// A search stops when nobody waits for it any more.
func TestSearchIsCancelled(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1}, nil)
	x := NewIndex(d, nil, nil)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	q, _ := x.Parse("lunch")
	if _, err := x.Search(ctx, Train, q, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := x.Facets(ctx, Train, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("facets: %v", err)
	}
}

func TestFuzzyPrefersRunsAndWordStarts(t *testing.T) {
	for _, c := range []struct{ letters, better, worse string }{
		{"ws", "weekly sync", "new song"},
		{"wkly", "weekly plan", "walk all year"},
		{"sync", "sync", "s y n c"},
		{"sync", "weekly sync", "resync"},
		{"mtg", "mtg at hq", "mountain biking"},
	} {
		a, okA := fuzzyScore(c.better, c.letters)
		b, okB := fuzzyScore(c.worse, c.letters)
		if !okA || okB && b >= a {
			t.Errorf("%q: %q scores %d (%v), %q %d (%v)", c.letters, c.better, a, okA, c.worse, b, okB)
		}
	}
	if _, ok := fuzzyScore("abc", "acb"); ok {
		t.Error("letters out of order match")
	}
}

func TestCompleteAndToggle(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1 + event2 + event1}, nil)
	x := NewIndex(d, nil, Preflight(d, nil, nil, 0))
	for query, want := range map[string]string{
		"":            "",
		"ha":          "has:a",
		"has:at":      "has:attendees",
		"-has:at":     "-has:attendees",
		"lunch is:du": "lunch is:dup-row",
		"lunch":       "~lunch",
		"a ~lunch":    "a lunch",
		"sort:h":      "sort:hardest",
		"sort:x":      "sort:x",
		"has:attend ": "has:attend ",
	} {
		if got := x.Complete(query); got != want {
			t.Errorf("%q is completed to %q, want %q", query, got, want)
		}
	}
	if got := x.Options("is:d"); !slices.Equal(got, []string{"is:dropped", "is:dup-row"}) {
		t.Errorf("options of is:d: %q", got)
	}
	for _, c := range []struct{ query, add, want string }{
		{"", "is:bad", "is:bad"},
		{"x is:bad", "is:bad", "x"},
		{"sort:longest x", "sort:hardest", "x sort:hardest"},
		{"has:a", "no:a", "no:a"},
		{"has:a", "no:b", "has:a no:b"},
		{`"a b" split:eval`, "split:all", `"a b" split:all`},
	} {
		if got := Toggle(c.query, c.add); got != c.want {
			t.Errorf("%q and %q is %q, want %q", c.query, c.add, got, c.want)
		}
	}
}

// Whatever is typed is read or refused; what is found is of the dataset, each row
// once; and the row that is asked for by its own words is among it.
func FuzzQuery(f *testing.F) {
	f.Add("Weekly ÜBER \xff", `wkl "we has:a a:1`)
	f.Add("İstanbul", "İst ~ist")
	f.Add("x", `-no:a is:bad tokens>=1 chars<1e9 sort:hardest split:all loss>-1 -"x`)
	f.Add("a", "has:\"\xff")
	f.Fuzz(func(t *testing.T, text, query string) {
		object := &Object{}
		object.add("a", text)
		d := &Dataset{Schema: []string{"a", "B c"}, Train: []Row{{Event: text, Object: object}, {Prompt: text}}, Test: []Row{{Event: text + text}}}
		x := NewIndex(d, nil, []Finding{{ID: "DUP-ROW", Severity: SeverityNote, Split: Train, Rows: []int{0, 7, -1}}})
		loss := func(n int) (float64, bool) { return math.NaN(), n == 1 }
		check := func(query string) []int {
			q, err := x.Parse(query)
			if err != nil {
				return nil
			}
			found, err := x.Search(context.Background(), Train, q, loss)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[int]bool{}
			for _, n := range found.Rows {
				if n < 0 || n >= x.Rows() || seen[n] {
					t.Fatalf("rows %v", found.Rows)
				}
				seen[n] = true
			}
			if found.Summary.Rows != len(found.Rows) {
				t.Fatalf("%d rows, summary %+v", len(found.Rows), found.Summary)
			}
			return found.Rows
		}
		check(query)
		check(x.Complete(query))
		check(Toggle(query, "has:a"))
		if plain := `"` + strings.ReplaceAll(text, `"`, "") + `"`; !strings.Contains(text, `"`) && text != "" && len(plain) < maxQuery && check(plain) != nil {
			if got := check(plain); !slices.Contains(got, 0) || !slices.Contains(got, 1) {
				t.Errorf("%q is not found by its own text: %v", text, got)
			}
		}
	})
}
