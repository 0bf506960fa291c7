package trace

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	var numbers []int
	for _, m := range Catalogue {
		for _, name := range append([]string{m.ID}, m.Also...) {
			if name == "" || seen[name] || name != strings.ToUpper(name) {
				t.Errorf("the name %q of %s is there twice or no id", name, m.ID)
			}
			seen[name] = true
		}
		if m.Number > 0 {
			numbers = append(numbers, m.Number)
		}
		if !slices.Contains([]Class{InHone, InLogs, InOthers}, m.Class) {
			t.Errorf("%s: class %q", m.ID, m.Class)
		}
		for what, text := range map[string]string{"title": m.Title, "see": m.See, "why": m.Why, "find": m.Find, "do": m.Do} {
			if text == "" || what != "title" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s is %q", m.ID, what, text)
			}
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			t.Fatalf("the list of 42 has %v", numbers)
		}
	}
	if len(numbers) != 42 {
		t.Errorf("%d of 42 modes", len(numbers))
	}
	if m, ok := ByID("VOCAB-MISMATCH"); !ok || m.ID != OOVLabel {
		t.Errorf("VOCAB-MISMATCH is %+v", m)
	}
	if _, ok := ByID("nothing"); ok {
		t.Error("found nothing")
	}
}

// Every id that the data's preflight uses is in the catalogue: its source is read,
// for the engine may not import data.
func TestDataIDs(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../data/preflight.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		lit, ok := node.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		id := strings.Trim(lit.Value, `"`)
		if id == strings.ToUpper(id) && (strings.Contains(id, "-") || id == "LEN1") && !strings.Contains(id, " ") {
			n++
			if _, ok := ByID(id); !ok {
				t.Errorf("%s is not in the catalogue", id)
			}
		}
		return true
	})
	if n < 15 {
		t.Errorf("found only %d ids", n)
	}
}
