package tui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/runs"
)

// watchedRow is an example whose output is regenerated as training goes.
type watchedRow struct {
	split string
	row   int
	outs  []watchedOut // the last two, oldest first
	diff  []fieldDiff  // between them
	words []wordPart   // between them, of texts of which no field changed
}

// watchedOut is one output of a watched row.
type watchedOut struct {
	step         int
	text         string
	valid, exact bool
	field        float64
	keys         []string
	values       map[string]string
}

// fieldDiff is a field whose value changed from one output to the next; "" is a
// missing key.
type fieldDiff struct {
	name, before, after string
	words               []wordPart
}

// Limits of what is kept of outputs.
const (
	maxWatched    = 32
	maxOutputText = 16 << 10
)

// watch takes a new output of a watched row.
func (f *trainFeed) watch(r runs.Sample) {
	at := slices.IndexFunc(f.watched, func(w *watchedRow) bool { return w.row == r.Row && w.split == r.Split })
	if at < 0 {
		if len(f.watched) == maxWatched {
			return
		}
		at = len(f.watched)
		f.watched = append(f.watched, &watchedRow{split: r.Split, row: r.Row})
	}
	w := f.watched[at]
	text := r.Text
	if len(text) > maxOutputText {
		text = text[:maxOutputText]
	}
	out := watchedOut{step: r.Step, text: strings.TrimSpace(text), valid: r.Valid, exact: r.Exact, field: float64(r.FieldAccuracy)}
	out.keys, out.values = objectFields(text)
	if n := len(w.outs); n > 0 && w.outs[n-1].step == out.step {
		w.outs[n-1] = out
	} else {
		w.outs = append(w.outs, out)
	}
	if len(w.outs) > 2 {
		w.outs = slices.Delete(w.outs, 0, len(w.outs)-2)
	}
	w.diff, w.words = nil, nil
	if len(w.outs) == 2 {
		w.diff = diffFields(w.outs[0], w.outs[1])
		if len(w.diff) == 0 && w.outs[0].text != w.outs[1].text {
			w.words = diffWords(w.outs[0].text, w.outs[1].text)
		}
	}
}

// watchOnly forgets the rows that are no longer watched.
func (f *trainFeed) watchOnly(rows []int) {
	f.watched = slices.DeleteFunc(f.watched, func(w *watchedRow) bool { return !slices.Contains(rows, w.row) })
}

// diffFields lists the fields that differ, in the order of the newer output.
func diffFields(old, now watchedOut) []fieldDiff {
	var out []fieldDiff
	add := func(name, before, after string) {
		out = append(out, fieldDiff{name, before, after, diffWords(orNoKey(before), orNoKey(after))})
	}
	for _, k := range now.keys {
		if old.values[k] != now.values[k] {
			add(k, old.values[k], now.values[k])
		}
	}
	for _, k := range old.keys {
		if _, kept := now.values[k]; !kept {
			add(k, old.values[k], "")
		}
	}
	return out
}

// orNoKey writes the value of a field, or that the object does not have it.
func orNoKey(value string) string {
	if value == "" {
		return "(no key)"
	}
	return value
}

// objectFields reads the keys and values of the first JSON object of an output,
// as far as it goes: an object that was cut off gives the fields before the cut.
func objectFields(text string) ([]string, map[string]string) {
	at := strings.IndexByte(text, '{')
	if at < 0 {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(text[at:]))
	if _, err := d.Token(); err != nil {
		return nil, nil
	}
	var keys []string
	values := map[string]string{}
	for d.More() && len(keys) < 64 {
		t, err := d.Token()
		name, isKey := t.(string)
		if err != nil || !isKey {
			break
		}
		var v json.RawMessage
		if d.Decode(&v) != nil {
			break
		}
		if _, seen := values[name]; !seen {
			keys = append(keys, name)
		}
		values[name] = plainValue(v)
	}
	return keys, values
}

// plainValue writes a JSON value for people: a string without its quotes, the
// rest compact.
func plainValue(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil && len(v) > 0 && v[0] == '"' {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	return b.String()
}

// askWatch asks which rows of the eval split to watch.
func (s *trainScreen) askWatch() {
	var now []string
	for _, w := range s.feed.watched {
		now = append(now, strconv.Itoa(w.row+1))
	}
	s.ask(&question{
		Title: "watched rows",
		Text:  []string{"Numbers of rows of the eval split, from 1, as 3 17 42. Their outputs are made anew at every evaluation and compared with the ones before."},
		Line:  newLineEdit(strings.Join(now, " ")),
		Check: func(in string) error { _, err := parseRows(in, s.evalRows()); return err },
		Done: func(in string) tea.Cmd {
			rows, err := parseRows(in, s.evalRows())
			if err != nil || !s.ownShown() {
				return nil
			}
			s.own.Watch(rows)
			return notice("watching " + plural(len(rows), "row") + " from the next evaluation on")
		},
	})
}

// evalRows is how many rows the eval split has; 0 = not known.
func (s *trainScreen) evalRows() int {
	if s.startedWork == nil || s.startedDir != s.runDir {
		return 0
	}
	for _, sp := range s.startedWork.Splits {
		if sp.Name == "eval" {
			return len(sp.Rows)
		}
	}
	return 0
}

// parseRows reads row numbers from 1 as indices from 0; last 0 = not known.
func parseRows(in string, last int) ([]int, error) {
	var rows []int
	for _, word := range strings.FieldsFunc(in, func(r rune) bool { return r == ' ' || r == ',' }) {
		n, err := strconv.Atoi(word)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a row number", word)
		case n < 1:
			return nil, errors.New("rows are numbered from 1")
		case last > 0 && n > last:
			return nil, fmt.Errorf("the eval split has %d rows", last)
		case len(rows) == maxWatched:
			return nil, fmt.Errorf("at most %d rows can be watched", maxWatched)
		}
		if !slices.Contains(rows, n-1) {
			rows = append(rows, n-1)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("type row numbers such as 3 17")
	}
	return rows, nil
}

// watchLines draws the watched examples in at most room lines.
func (s *trainScreen) watchLines(width, room int) []string {
	t := s.t
	if room <= 0 {
		return nil
	}
	if len(s.feed.watched) == 0 {
		if !s.feed.wrote() {
			return []string{t.dim.Render(" watching   nothing is generated from texts")}
		}
		return []string{t.dim.Render(" watching   no outputs yet: they come with evaluations")}
	}
	var lines []string
	for i, w := range s.feed.watched {
		block := s.watchBlock(w, width)
		if len(lines)+len(block) > room && i > 0 {
			left := len(s.feed.watched) - i
			if len(lines) < room {
				lines = append(lines, t.dim.Render(fmt.Sprintf(" and %d more", left)))
			}
			break
		}
		lines = append(lines, block...)
	}
	return lines[:min(len(lines), room)]
}

// watchBlock is one watched example: which, its last outputs, what changed.
func (s *trainScreen) watchBlock(w *watchedRow, width int) []string {
	t := s.t
	last := w.outs[len(w.outs)-1]
	verdict := t.bad.Render(t.g.no + " not JSON")
	switch {
	case last.exact:
		verdict = t.good.Render(t.g.ok + " exact")
	case last.valid:
		verdict = t.warn.Render(fmt.Sprintf("fields %s", shareText(last.field)))
	}
	head := t.dim.Render(" watching ") + t.text.Render(fmt.Sprintf("row %d", w.row+1))
	if event := s.watchedEvent(w); event != "" {
		head += "  " + t.dim.Render(t.clean(`"`+event+`"`))
	}
	lines := []string{t.ends(head, verdict, width)}
	for _, o := range w.outs {
		lines = append(lines, t.fit(" "+t.dim.Render(fmt.Sprintf("%6d  ", o.step))+t.clean(o.text), width))
	}
	for i, d := range w.diff {
		if i == 3 {
			lines = append(lines, t.fit(t.dim.Render(fmt.Sprintf("         and %d more fields changed", len(w.diff)-3)), width))
			break
		}
		lines = append(lines, t.fit("         "+t.text.Render(t.clean(d.name))+"  "+t.drawWords(d.words), width))
	}
	if len(w.diff) == 0 && len(w.outs) == 2 {
		what := t.dim.Render("no field changed")
		if len(w.words) > 0 {
			what += "  " + t.drawWords(w.words)
		}
		lines = append(lines, t.fit("         "+what, width))
	}
	return lines
}

// watchedEvent is the text of a watched row, where the opened experiment is the
// one that the run was started from.
func (s *trainScreen) watchedEvent(w *watchedRow) string {
	if s.startedWork == nil || s.startedDir != s.feed.dir {
		return ""
	}
	for _, sp := range s.startedWork.Splits {
		if sp.Name == w.split && w.row >= 0 && w.row < len(sp.Rows) {
			return sp.Rows[w.row].Text
		}
	}
	return ""
}
