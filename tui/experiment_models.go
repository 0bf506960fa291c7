package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/internal/hub"
)

// modelChoice is the list of models that was asked for last.
type modelChoice struct {
	gen    int
	picker *picker
}

// The picker of models is larger than others: its rows are wide, and it says more of
// the selected one.
const (
	modelsWide  = 112
	modelsTall  = 40
	modelsAbout = 4
)

// askModel offers the models at hand. They are looked for in a command; the picker is
// open meanwhile.
func (e *experimentScreen) askModel() tea.Cmd {
	ctx, stop := context.WithCancel(e.ctx)
	p := newPicker("models", "no model has these words", nil)
	p.busy, p.wide, p.tall, p.more = "looking through the cache and the directories at hand", modelsWide, modelsTall, modelsAbout
	p.head = [2]string{"model", modelColumns("type", "weights", "on disk", "training") + "  "}
	p.typed, p.closed = e.typedModel, stop
	e.models.gen++
	e.models.picker = p
	e.ask(p)
	gen, c, store, back := e.models.gen, e.config, e.store, e.back
	return func() tea.Msg {
		defer stop()
		found, err := back.Models(ctx, c, store)
		return modelsMsg{gen, found, err}
	}
}

// modelColumns is what stands at the right of a model.
func modelColumns(kind, weights, bytes, needs string) string {
	return fmt.Sprintf("%-7s %7s %8s %8s", kind, weights, bytes, needs)
}

// modelsFound fills the picker.
func (e *experimentScreen) modelsFound(msg modelsMsg) {
	if msg.gen != e.models.gen {
		return
	}
	p := e.models.picker
	var rows []pickRow
	now := -1
	for _, m := range msg.found.Models {
		if samePath(m.Path, e.config.Model.Path) {
			now = len(rows)
		}
		rows = append(rows, e.modelRow(m, msg.found))
	}
	typed := p.line.Text() != ""
	p.fill(rows)
	if now >= 0 && !typed {
		p.rows.choose(now)
	}
	switch {
	case msg.err != nil:
		p.trouble = msg.err.Error()
	case msg.found.More:
		p.trouble = "the search ended at its limits: type the path of what is not listed"
	}
}

// modelRow is a model in the picker.
func (e *experimentScreen) modelRow(m experiments.ModelAtHand, found experiments.ModelsAtHand) pickRow {
	r := pickRow{text: m.Path, run: func() tea.Cmd { return e.takeModel(m.Path) }}
	where := m.Format + " on disk"
	switch m.Place {
	case experiments.ModelBuiltin:
		where = "comes with Hone"
	case experiments.ModelCached:
		where = m.Format + " in the cache that Python shares, revision " + m.Revision
	}
	if samePath(m.Path, e.config.Model.Path) {
		where += ", in use"
	}
	r.about = []string{where}
	if m.Problem != nil {
		r.why = m.Problem.Error()
		short := r.why
		if rest, ok := strings.CutPrefix(short, "reading "); ok { // which file says the path
			_, short, _ = strings.Cut(rest, ": ")
		}
		r.note = e.t.g.no + " " + short
		return r
	}
	r.about = append(r.about, fmt.Sprintf("%s: %d layers of %d, vocabulary of %s, %s weights", m.Architecture, m.Layers, m.Hidden, thousands(m.Vocab), thousands(m.Parameters)))
	needs, mark := "", " "
	if m.Needs > 0 {
		needs, mark = bytesText(float64(m.Needs)), e.t.g.ok
		says := fmt.Sprintf("training needs about %s or more (a row of %d tokens at a time); a run may use %s", needs, found.Tokens, bytesText(float64(found.Memory)))
		if m.Needs > found.Memory {
			mark = "!"
			says = fmt.Sprintf("training needs about %s, more than the %s that a run may use: shorter rows (data.max_length) or model.dtype = int8 need less", needs, bytesText(float64(found.Memory)))
		}
		r.about = append(r.about, says)
	}
	r.note = modelColumns(m.Architecture, weightsText(m.Parameters), bytesText(float64(m.Bytes)), needs) + " " + mark
	return r
}

// weightsText writes a number of weights as people do: 3.7 M, 135 M, 1.2 B.
func weightsText(n int64) string {
	switch v := float64(n); {
	case v >= 1e9:
		return fmt.Sprintf("%.1f B", v/1e9)
	case v >= 1e7:
		return fmt.Sprintf("%.0f M", v/1e6)
	case v >= 1e6:
		return fmt.Sprintf("%.1f M", v/1e6)
	}
	return fmt.Sprintf("%.0f k", float64(n)/1e3)
}

// typedModel is the row of what was typed, where it looks like a path or a hub id
// that is not listed.
func (e *experimentScreen) typedModel(text string) (pickRow, bool) {
	if !strings.ContainsAny(text, `/\`) && !strings.HasSuffix(text, ".gguf") {
		return pickRow{}, false
	}
	for i := range e.models.picker.all {
		if e.models.picker.all[i].text == text {
			return pickRow{}, false
		}
	}
	about := []string{"a directory with config.json and safetensors, or a .gguf file"}
	if experiments.IsHubID(text) {
		about = append(about, "or a model of a hub: one that is not listed is not in the cache, hone pull "+text+" fetches it")
	}
	return pickRow{text: text, note: "as it is typed", about: about, run: func() tea.Cmd { return e.takeModel(text) }}, true
}

// takeModel makes a model the experiment's: one change of the form.
func (e *experimentScreen) takeModel(path string) tea.Cmd {
	for i, k := range e.keys {
		if k.Name == "model.path" {
			e.rows.choose(i)
		}
	}
	before := e.config.Model.Path
	cmd, err := e.set("model.path", path)
	switch {
	case err != nil:
		return problem(errors.New("model.path " + err.Error()))
	case cmd == nil:
		return nil
	}
	return tea.Batch(cmd, notice("model.path "+before+" "+e.t.g.arrow+" "+path+"; u takes it back"))
}

// pullHint says how the model is fetched that the form names and the cache has not;
// "" where that is not what is wrong.
func (e *experimentScreen) pullHint() string {
	if e.work == nil || e.workBusy || !errors.Is(e.work.ModelProblem, hub.ErrNotCached) {
		return ""
	}
	return "not in the cache: hone pull " + e.config.Model.Path
}
