package experiments

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hone/runs"
)

// hostileComparison has text that would be markup, a formula or an escape.
func hostileComparison(t *testing.T) *Comparison {
	t.Helper()
	events := []string{"</article><script>alert(1)</script>", "=HYPERLINK(\"http://x\")", "| a | `b`\n# c", "plain"}
	file := func(texts ...string) *evalFile {
		f := &evalFile{Split: "test", Schema: []string{"a", "b<i>"}}
		for i, text := range texts {
			f.Outputs = append(f.Outputs, evalRow{Event: events[i], Target: `{"a": "x y z", "b<i>": null}`, Generated: Generated{Row: i, Text: text}})
		}
		return f
	}
	c, err := pair(BaseOf("run"), TunedOf("run"),
		file(`{"a": "<img src=x onerror=alert(1)>"}`, `no object <b>`, `{"a": "\ud800 x y z"}`, `{"a": "x y z", "b<i>": null}`),
		file(`{"a": "x y z", "b<i>": "</td><style>"}`, `{"a": "x y z", "b<i>": null}`, `{"a": "x y \" onload=\"z"}`, `{"a": "+1"}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Examples[3].Note = "<script>note</script> [x](javascript:alert(1))"
	return c
}

var tags = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)

func TestHTMLEscapesEverything(t *testing.T) {
	text, err := hostileComparison(t).Render(".html")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, tag := range tags.FindAllString(page, -1) {
		if strings.Contains(tag, "script") || strings.Contains(tag, "img") || regexp.MustCompile(`\son[a-z]+=`).MatchString(tag) || strings.Contains(tag, "src=") || strings.Contains(tag, "href=") {
			t.Errorf("a tag from outside: %s", tag)
		}
	}
	if n := strings.Count(page, "<style>"); n != 1 {
		t.Errorf("%d style sheets", n)
	}
	for _, want := range []string{
		"&lt;script&gt;alert(1)", "<del>x y z</del><ins>&lt;img", "invented where null was right", "default-src 'none'", "prefers-color-scheme: dark",
		`<article class="fixed">`, `<article class="regressed noted">`, `#show-still-wrong:checked ~ main article:not(.still-wrong)`, "--w:75.0%",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "url(") || strings.Contains(page, "@import") {
		t.Error("the page has a filtered value, or asks for another file")
	}
}

func TestMarkdownStaysOneTable(t *testing.T) {
	text, err := hostileComparison(t).Render(".md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "| ") {
			bare := strings.ReplaceAll(line, `\|`, "")
			if n := strings.Count(bare, "|"); n != 5 && n != 7 {
				t.Errorf("%d cells in %s", n-1, line)
			}
		}
		if strings.Contains(line, "<") || strings.Contains(line, "](") {
			t.Errorf("markup from outside: %s", line)
		}
	}
	if !strings.Contains(string(text), "| exact match | 4 | 0.250 | 0.250 | +0.000 |") {
		t.Errorf("no scores in\n%s", text)
	}
}

func TestCSVReadsBack(t *testing.T) {
	c := hostileComparison(t)
	text, err := c.Render(".csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) != 1+4*3 {
		t.Fatalf("%d lines: %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a spreadsheet would compute %q", cell)
			}
		}
	}
	if got := rows[4][4]; got != "'"+c.Examples[1].Event {
		t.Errorf("event %q", got)
	}
	if got := rows[11]; got[3] != "a" || got[7] != "'+1" || got[8] != "true" || got[9] != "false" || got[11] != "other" {
		t.Errorf("a field's line: %q", got)
	}
}

// A file has the notes as they are, and no half of it is ever there.
func TestExportWritesNotes(t *testing.T) {
	c := hostileComparison(t)
	c.RunDir = t.TempDir()
	if err := SetNote(c.RunDir, c.Examples[0].ID, "", "newer"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.RunDir, "Report.HTML")
	if err := c.Export(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), `<p class="note">newer</p>`) || c.Examples[0].Note != "" {
		t.Errorf("no note in the page: %v", err)
	}
	for _, name := range []string{"a.pdf", "html", ""} {
		if err := c.Export(filepath.Join(c.RunDir, name)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := os.WriteFile(runs.NotesFile(c.RunDir), []byte("["), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Export(path); !errors.Is(err, runs.ErrCorrupt) {
		t.Errorf("damaged notes: %v", err)
	}
}
