package tui

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// exportJob is a model of a run that is written in a format of other tools. It belongs
// to no screen: it goes on while others are looked at.
type exportJob struct {
	side    experiments.Side
	o       experiments.ArtifactOptions
	stop    context.CancelFunc
	running sync.Mutex // held while it writes, so that leaving can wait for that
	doing   string
	stopped bool
	ended   bool
	made    *experiments.Artifact
	err     error
}

// exporting reports whether an export is under way.
func (a *app) exporting() bool { return a.export != nil && !a.export.ended }

// endExport stops an export that is under way and waits until nothing of it is left.
func (a *app) endExport() {
	if a.exporting() {
		a.export.stop()
		a.export.running.Lock()
		defer a.export.running.Unlock()
	}
}

// exportChoice chooses what is exported, and as what.
type exportChoice struct {
	dir    string
	sides  []experiments.Side // what the run keeps first
	at     int
	picker *picker
}

// side is the model that was chosen.
func (c *exportChoice) side() experiments.Side { return c.sides[c.at] }

// found takes the models of the run over: what it keeps, its checkpoints, newest
// first, and what it began with.
func (c *exportChoice) found(msg runModelsMsg) {
	c.picker.busy = ""
	if msg.err != nil {
		c.picker.trouble = msg.err.Error()
		return
	}
	slices.Reverse(msg.sides)
	if len(msg.sides) == 0 || msg.sides[0] != experiments.TunedOf(c.dir) {
		c.picker.trouble = "nothing of it is kept yet: it is saved at the first evaluation or at the end"
	}
	if len(msg.sides) > 0 {
		c.sides, c.at = msg.sides, 0
	}
	c.name()
}

// next chooses another model of the run.
func (c *exportChoice) next(by int) {
	c.at = (c.at + by + len(c.sides)) % len(c.sides)
	c.name()
}

// name says in the title which model is exported.
func (c *exportChoice) name() {
	c.picker.title = "export " + c.side().Name() + " of " + baseName(c.dir)
}

// askExport offers the formats for a run's models, or shows the export that is under
// way.
func (a *app) askExport(dir string) tea.Cmd {
	switch {
	case a.exporting():
		a.ask(&exportView{a, a.export})
		return nil
	case a.replay != nil && samePath(dir, a.replay.dir):
		return problem(errReplay)
	case a.sweeping:
		return problem(errors.New("a sweep of the learning rate is under way: esc on 2 stops it"))
	case a.ownLive():
		a.ask(&dialog{
			Title:   "export beside a live run",
			Text:    []string{"An export loads the model a second time and takes the processor from the run that this process trains."},
			Choices: []choice{{Keys: []string{"y"}, Text: "export anyway", Run: func() tea.Cmd { return a.chooseFormat(dir) }}},
		})
		return nil
	}
	return a.chooseFormat(dir)
}

// chooseFormat opens the picker of formats; the run's models are read meanwhile.
func (a *app) chooseFormat(dir string) tea.Cmd {
	c := &exportChoice{dir: dir, sides: []experiments.Side{experiments.TunedOf(dir)}}
	var rows []pickRow
	for _, f := range experiments.ArtifactFormats() {
		rows = append(rows, pickRow{text: f.Name, note: f.Doc, run: func() tea.Cmd { a.askExportTo(c.side(), f); return nil }})
	}
	p := newPicker("", "no format has these words", rows)
	p.busy = "reading the run"
	p.longNotes, p.wide, p.tall = true, 96, 20
	p.extra = []binding{
		{Keys: []string{"tab"}, Text: "model", Help: "another model of the run: a checkpoint, or what it began with", Run: do(func() { c.next(1) }), When: func() bool { return len(c.sides) > 1 }},
		{Keys: []string{"shift+tab"}, Quiet: true, Run: do(func() { c.next(-1) }), When: func() bool { return len(c.sides) > 1 }},
	}
	c.picker = p
	c.name()
	a.ask(p)
	back := a.back
	return func() tea.Msg {
		sides, err := back.RunModels(dir)
		return runModelsMsg{c, sides, err}
	}
}

// askExportTo asks where to.
func (a *app) askExportTo(side experiments.Side, f experiments.ArtifactFormat) {
	path, err := experiments.ArtifactPath(side, f.Name)
	if err != nil {
		path = ""
	}
	a.ask(&question{
		Title: "export " + side.Name() + " to " + f.Name,
		Text:  []string{f.Doc + ". It is read back and compared before it gets its name. Write to"},
		Line:  newLineEdit(path),
		Check: func(in string) error {
			if in == "" {
				return errors.New("a path is needed")
			}
			return nil
		},
		Done: func(in string) tea.Cmd {
			return a.exportTo(side, experiments.ArtifactOptions{Format: f.Name, Path: in})
		},
	})
}

// exportTo writes in the background and shows how far it is.
func (a *app) exportTo(side experiments.Side, o experiments.ArtifactOptions) tea.Cmd {
	if a.exporting() {
		return problem(errors.New("an export is under way already"))
	}
	ctx, stop := context.WithCancel(a.ctx)
	job := &exportJob{side: side, o: o, stop: stop, doing: "beginning"}
	a.export = job
	a.ask(&exportView{a, job})
	back := a.back
	feed := newFeed()
	o.Progress = func(doing string) {
		feed.put(func() tea.Msg { return exportStepMsg{job, doing, feed.next} })
	}
	work := func() tea.Msg {
		job.running.Lock()
		defer job.running.Unlock()
		defer feed.close()
		defer stop()
		if err := ctx.Err(); err != nil {
			return exportEndMsg{job: job, err: err}
		}
		made, err := back.ExportModel(ctx, side, o)
		return exportEndMsg{job, made, err}
	}
	return tea.Batch(work, feed.next)
}

// exportEnded takes the outcome over. A path that is taken is asked about.
func (a *app) exportEnded(msg exportEndMsg) tea.Cmd {
	job := msg.job
	job.ended, job.made, job.err = true, msg.made, msg.err
	job.stopped = job.stopped && msg.err != nil
	switch {
	case errors.Is(msg.err, context.Canceled):
		job.stopped = true
		return notice("the export was stopped; nothing of it is left")
	case errors.Is(msg.err, fs.ErrExist) && !job.o.Overwrite:
		a.ask(&dialog{
			Title: "there is something already",
			Text:  []string{job.o.Path + " exists. Only what an earlier export wrote there is replaced."},
			Choices: []choice{{Keys: []string{"o"}, Text: "overwrite it", Run: func() tea.Cmd {
				o := job.o
				o.Overwrite = true
				return a.exportTo(job.side, o)
			}}},
		})
		return nil
	case msg.err != nil:
		return problem(msg.err)
	}
	return notice("exported to " + msg.made.Path)
}
