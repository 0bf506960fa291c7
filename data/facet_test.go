package data

import (
	"fmt"
	"testing"
)

func TestFindFacets(t *testing.T) {
	row := func(prompt string) string { return `{"prompt": "` + prompt + `", "completion": "x"}` + "\n" }
	d := mustLoad(t, map[string]string{
		"train.jsonl": row("bb bb") + row("aaaaaaaaa") + row("üü") + row("cc cc"),
		"test.jsonl":  row("bb cc") + row("bb zebra"),
	}, nil)
	for _, c := range []struct{ split, query, want string }{
		{Train, "sort:longest", "[1 0 3 2]"}, // equal lengths in file order
		{Train, "sort:shortest", "[2 0 3 1]"},
		{Train, "sort:longest sort:shortest", "[2 0 3 1]"},
		{Train, "sort:shortest cc", "[3]"},
		{Train, `"sort:longest"`, "[]"}, // quoted: text
		{Train, "is:unseen", "[]"},
		{Test, "is:unseen", "[1]"},
		{Test, "IS:UNSEEN bb", "[1]"},
		{Test, "is:unseen cc", "[]"},
		{Eval, "is:unseen sort:longest", "[]"},
	} {
		if got := fmt.Sprint(d.Find(c.split, c.query)); got != c.want {
			t.Errorf("%s %q finds %s, want %s", c.split, c.query, got, c.want)
		}
	}
}
