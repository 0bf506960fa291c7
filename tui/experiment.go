package tui

import (
	"errors"
	"io/fs"
	"math"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
)

// experimentScreen is a form over the experiment file, made from its key table,
// with what the experiment would cost.
type experimentScreen struct {
	*app
	width, height int
	visible       bool

	keys     []experiments.Key
	rows     list // over keys
	filter   filter
	editing  bool
	line     lineEdit
	refused  string // why the edited value is not taken
	undo     []experiments.Config
	redo     []experiments.Config  // taken back, the last one last
	other    against               // what the values are compared with
	only     bool                  // list only what differs from it
	problems *experiments.Problems // between keys
	pre      preflight
	models   modelChoice
	sweep    sweep
}

// undoLimit is how many edits can be taken back.
const undoLimit = 200

func newExperiment(a *app) *experimentScreen {
	e := &experimentScreen{app: a, keys: experiments.Keys(), other: theDefaults}
	a.pickModel = e.askModel
	e.show()
	e.check()
	return e
}

func (e *experimentScreen) Title() string             { return "Experiment" }
func (e *experimentScreen) SetSize(width, height int) { e.width, e.height = width, height }
func (e *experimentScreen) CapturesText() bool        { return e.editing || e.filter.typing }
func (e *experimentScreen) Focus() tea.Cmd            { e.visible = true; return nil }

// Blur leaves what is being typed; a sweep goes on.
func (e *experimentScreen) Blur() { e.visible, e.editing, e.filter.typing = false, false, false }

// Keys depends on whether a value is being edited.
func (e *experimentScreen) Keys() []keyGroup {
	if e.sweep.on {
		return e.sweepKeys()
	}
	if e.filter.typing {
		return e.filter.keys()
	}
	if e.editing {
		return []keyGroup{{Title: "editing a value", Bindings: []binding{
			{Keys: []string{"enter"}, Text: "accept"},
			{Keys: []string{"esc"}, Text: "leave as it was"},
			{Keys: []string{"ctrl+u"}, Label: "^u", Text: "empty"},
		}}}
	}
	some := func() bool { _, ok := e.selected(); return ok }
	rows := e.rows.bindings("setting", func() tea.Cmd { return nil })
	rows[0].Quiet = true
	form := append([]binding{
		{Keys: []string{"s"}, Text: "start", Help: "train with these settings, in a run directory of its own", Run: e.askStart},
		{Keys: []string{"enter"}, Text: "edit", Help: "type a value, switch, or choose", Run: e.edit, When: some},
		{Keys: []string{"m"}, Text: "model", Help: "choose a model: the built-in one, those of the cache that Python shares, and those near at hand, with size and the memory that training needs", Run: e.askModel},
		{Keys: []string{"c"}, Text: "preflight", Help: "look at the first step before it is taken: data, mask, weights, one loss by three ways, gradients", Run: e.lookAhead},
		{Keys: []string{"f"}, Text: "find lr", Help: "sweep the learning rate: one step of training at each of many rates, in memory only; the curve suggests one", Run: e.findRate},
		{Keys: []string{"left", "h"}, Label: "←→", Text: "change", Help: "previous and next option; half and twice the number (also h, l)", Moves: true, Run: func() tea.Cmd { return e.turn(-1) }, When: some},
		{Keys: []string{"right", "l"}, Quiet: true, Moves: true, Run: func() tea.Cmd { return e.turn(1) }, When: some},
		{Keys: []string{"x"}, Text: "default", Help: "set the value back to its default", Run: e.reset, When: some},
		{Keys: []string{"u"}, Text: "undo", Help: "take the last change back", Run: e.takeBack, When: func() bool { return len(e.undo) > 0 }},
		{Keys: []string{"U", "ctrl+r"}, Label: "U", Text: "redo", Help: "make the change again that was taken back (also ^r)", Run: e.again, When: func() bool { return len(e.redo) > 0 }},
		{Keys: []string{"d"}, Text: "compare with", Help: "what the values are compared with: the defaults, a preset, the file, or an earlier run", Run: do(e.askAgainst)},
		{Keys: []string{"D"}, Text: "only differences", Help: "list only settings that differ from it, or all again", Run: do(e.onlyChanged)},
		{Keys: []string{"t"}, Text: "take", Help: "set the selected setting to the other's value", Run: e.take, When: e.differing},
	}, rows...)
	form = append(form,
		binding{Keys: []string{"tab"}, Help: "next section; shift+tab goes back", Quiet: true, Moves: true, Run: do(func() { e.section(1) })},
		binding{Keys: []string{"shift+tab"}, Quiet: true, Moves: true, Run: do(func() { e.section(-1) })},
		binding{Keys: []string{"/"}, Text: "find", Help: "list only settings whose name or meaning holds the words typed", Run: do(e.filter.open)},
	)
	return []keyGroup{
		{Title: "settings", Bindings: form},
		{Title: "experiment", Bindings: []binding{
			{Keys: []string{"p"}, Text: "presets", Help: "apply a recipe; data and model stay", Run: do(e.askPreset)},
			{Keys: []string{"w"}, Text: "write file", Help: "save the experiment as a file", Run: do(e.askSave)},
		}},
	}
}

// Update types in the edited field or the filter, and follows changes of the
// experiment from elsewhere.
func (e *experimentScreen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		if e.filter.typing {
			if e.filter.key(msg) {
				e.show()
			}
			return nil
		}
		return e.typed(msg)
	case preflightMsg:
		e.looked(msg)
	case modelsMsg:
		e.modelsFound(msg)
	case sweepMsg:
		return e.swept(msg)
	case themedMsg:
		e.redrawSweep()
	case configMsg:
		e.check()
		if len(experiments.Diff(e.pre.of, e.config)) > 0 {
			e.forgetPreflight()
		}
		if e.sweep.on && !e.sweepStands() {
			e.forgetSweep()
		}
		if e.only {
			e.show()
		}
	case againstRunsMsg:
		return e.askRun(msg)
	case savedMsg:
		if msg.err == nil && e.other.short == "file" {
			e.other = e.inFile()
		}
		if errors.Is(msg.err, fs.ErrExist) {
			e.askOverwrite(msg.path)
		}
	}
	return nil
}

// selected is the key under the selection.
func (e *experimentScreen) selected() (experiments.Key, bool) {
	i, ok := e.rows.selected()
	if !ok {
		return experiments.Key{}, false
	}
	return e.keys[i], true
}

// show lists the keys that pass the filter.
func (e *experimentScreen) show() {
	query := e.filter.text()
	var rows []int
	for i, k := range e.keys {
		if matches(strings.ToLower(k.Name+" "+k.Doc), query) && (!e.only || e.differs(k) != "") {
			rows = append(rows, i)
		}
	}
	e.rows.show(rows)
}

// check finds what is wrong with the values together.
func (e *experimentScreen) check() {
	e.problems = nil
	var p *experiments.Problems
	if err := e.config.Validate(); errors.As(err, &p) {
		e.problems = p
	}
}

// section selects the first key of the next or previous section.
func (e *experimentScreen) section(by int) {
	k, ok := e.selected()
	if !ok {
		return
	}
	at := e.rows.at
	for at >= 0 && at < len(e.rows.visible) && e.keys[e.rows.visible[at]].Section == k.Section {
		at += by
	}
	if at < 0 || at >= len(e.rows.visible) {
		return
	}
	for at > 0 && e.keys[e.rows.visible[at-1]].Section == e.keys[e.rows.visible[at]].Section {
		at--
	}
	e.rows.at = at
}

// apply makes c the edited experiment; the old one can be brought back.
func (e *experimentScreen) apply(c experiments.Config) tea.Cmd {
	if len(experiments.Diff(e.config, c)) == 0 {
		return nil
	}
	e.undo = append(e.undo, e.config)
	if len(e.undo) > undoLimit {
		e.undo = e.undo[1:]
	}
	e.redo = nil
	return e.setConfig(c)
}

// set changes one value from text, or says why not.
func (e *experimentScreen) set(key, text string) (tea.Cmd, error) {
	c := e.config.Clone()
	if err := setText(&c, key, text); err != nil {
		return nil, err
	}
	return e.apply(c), nil
}

// takeBack undoes the last change.
func (e *experimentScreen) takeBack() tea.Cmd {
	c := e.undo[len(e.undo)-1]
	e.undo, e.redo = e.undo[:len(e.undo)-1], append(e.redo, e.config)
	return e.goBack(c)
}

// again makes the change that was undone last.
func (e *experimentScreen) again() tea.Cmd {
	c := e.redo[len(e.redo)-1]
	e.redo, e.undo = e.redo[:len(e.redo)-1], append(e.undo, e.config)
	return e.goBack(c)
}

// goBack makes c the edited experiment, selects what changed if it is one setting,
// and says what did.
func (e *experimentScreen) goBack(c experiments.Config) tea.Cmd {
	changes := experiments.Diff(e.config, c)
	for i, k := range e.keys {
		if len(changes) == 1 && k.Name == changes[0].Key {
			e.rows.choose(i)
		}
	}
	return tea.Batch(e.setConfig(c), notice(e.changesText(changes, 3)))
}

// changesText says in a line what changes, at most so many of them.
func (e *experimentScreen) changesText(changes []experiments.Change, most int) string {
	var parts []string
	for i, ch := range changes {
		if i == most {
			parts = append(parts, "and "+plural(len(changes)-i, "other"))
			break
		}
		parts = append(parts, ch.Key+" "+ch.A+" "+e.t.g.arrow+" "+ch.B)
	}
	return strings.Join(parts, ", ")
}

// reset sets the selected value to its default.
func (e *experimentScreen) reset() tea.Cmd {
	k, _ := e.selected()
	cmd, err := e.set(k.Name, valueText(experiments.Basis(e.config), k.Name))
	if err != nil {
		return problem(err)
	}
	return cmd
}

// edit begins to change the selected value: switches switch, lists of options
// open a checklist, everything else is typed in place.
func (e *experimentScreen) edit() tea.Cmd {
	k, _ := e.selected()
	switch {
	case k.Kind == experiments.KindBool, k.Kind == experiments.KindChoice:
		return e.turn(1)
	case k.Kind == experiments.KindStrings && len(k.Options) > 0 && !beyond(k, listOf(e.config, k.Name)):
		e.ask(newChecklist(k, listOf(e.config, k.Name), func(items []string) (tea.Cmd, error) {
			return e.set(k.Name, listText(items))
		}))
		return nil
	}
	e.editing, e.refused = true, ""
	text := valueText(e.config, k.Name)
	if k.Kind == experiments.KindStrings {
		text = strings.Join(listOf(e.config, k.Name), ", ")
	}
	e.line = newLineEdit(text)
	return nil
}

// typed is a press while a value is edited.
func (e *experimentScreen) typed(msg tea.KeyMsg) tea.Cmd {
	k, _ := e.selected()
	switch normalKey(msg) {
	case "esc":
		e.editing, e.refused = false, ""
		return nil
	case "enter", "up", "down", "tab":
		cmd, err := e.set(k.Name, e.line.Text())
		if err != nil {
			e.refused = err.Error()
			return nil
		}
		e.editing, e.refused = false, ""
		switch normalKey(msg) {
		case "up":
			e.rows.move(-1)
		case "down", "tab":
			e.rows.move(1)
		}
		return cmd
	}
	e.line.Key(msg)
	e.refused = ""
	c := e.config.Clone()
	if err := setText(&c, k.Name, e.line.Text()); err != nil {
		e.refused = err.Error()
	}
	return nil
}

// turn goes to the next option, switches, or doubles and halves a number.
func (e *experimentScreen) turn(by int) tea.Cmd {
	k, _ := e.selected()
	now := valueText(e.config, k.Name)
	next := now
	switch k.Kind {
	case experiments.KindBool:
		next = strconv.FormatBool(now != "true")
	case experiments.KindChoice:
		for i, o := range k.Options {
			if o == now {
				next = k.Options[((i+by)%len(k.Options)+len(k.Options))%len(k.Options)]
			}
		}
	case experiments.KindInt, experiments.KindFloat:
		v, err := strconv.ParseFloat(now, 64)
		if err != nil {
			return nil
		}
		next = scaled(v, by, k)
	default:
		return e.edit()
	}
	cmd, err := e.set(k.Name, next)
	if err != nil {
		return notice(k.Name + " " + err.Error())
	}
	return cmd
}

// scaled writes twice or half of v; from 0 it goes to the default, or to 1.
func scaled(v float64, by int, k experiments.Key) string {
	factor := 2.0
	if by < 0 {
		factor = 0.5
	}
	next := v * factor
	if v == 0 && by > 0 {
		next, _ = strconv.ParseFloat(k.Default, 64)
		if next == 0 && k.Kind == experiments.KindInt {
			next = 1
		} else if next == 0 {
			next = 0.05
		}
	}
	if k.Kind == experiments.KindInt {
		next = math.Floor(next)
		return strconv.FormatFloat(math.Max(next, k.Min), 'f', 0, 64)
	}
	return strconv.FormatFloat(next, 'g', 6, 64)
}

// Escape ends a sweep, leaves its curve, and takes the filter away.
func (e *experimentScreen) Escape() (tea.Cmd, bool) {
	if e.sweep.on {
		return e.leaveSweep(), true
	}
	if e.filter.clear() {
		e.show()
		return nil, true
	}
	return nil, false
}

// Wheel moves the selection.
func (e *experimentScreen) Wheel(_, _, lines int) tea.Cmd {
	if e.sweep.on {
		return nil
	}
	e.rows.move(lines)
	return nil
}

// askPreset offers the recipes.
func (e *experimentScreen) askPreset() {
	d := &dialog{Title: "presets", Text: []string{"A recipe sets [lora], [loss] and [train]; data and model stay. u takes it back."}}
	for i, p := range experiments.Presets() {
		d.Choices = append(d.Choices, choice{
			Keys: []string{strconv.Itoa(i + 1)},
			Text: p.Name + ": " + p.Doc + " " + e.presetChanges(p),
			Run: func() tea.Cmd {
				return tea.Batch(e.apply(p.Apply(e.config)), notice("recipe "+p.Name+" applied"))
			},
		})
	}
	e.ask(d)
}

// presetChanges says what a recipe would change.
func (e *experimentScreen) presetChanges(p experiments.Preset) string {
	changes := experiments.Diff(e.config, p.Apply(e.config))
	if len(changes) == 0 {
		return "Changes nothing."
	}
	for i := range changes {
		k, _ := experiments.FindKey(changes[i].Key)
		changes[i].Key = k.Leaf()
		if k.Kind == experiments.KindStrings {
			changes[i].A, changes[i].B = strings.Join(listOf(e.config, k.Name), " "), strings.Join(listOf(p.Config, k.Name), " ")
		}
	}
	return "Changes " + e.changesText(changes, 12) + "."
}

// askSave asks for the file's name.
func (e *experimentScreen) askSave() {
	path := e.configPath
	if path == "" {
		path = e.config.Name + ".toml"
	}
	e.ask(&question{
		Title: "write the experiment file", Line: newLineEdit(path),
		Text: []string{"Every setting with its meaning. `hone train --config FILE` trains it."},
		Check: func(s string) error {
			if s == "" {
				return errors.New("a file name is needed")
			}
			return nil
		},
		Done: func(s string) tea.Cmd { return e.save(s, s == e.configPath) },
	})
}

// save writes the file in a command.
func (e *experimentScreen) save(path string, overwrite bool) tea.Cmd {
	c, back := e.config, e.back
	return func() tea.Msg { return savedMsg{path, c, back.SaveConfig(path, c, overwrite)} }
}

// askOverwrite asks before another file is replaced.
func (e *experimentScreen) askOverwrite(path string) {
	e.ask(&dialog{
		Title: "the file exists", Text: []string{path + " is there already."},
		Choices: []choice{{Keys: []string{"o"}, Text: "overwrite it", Run: func() tea.Cmd { return e.save(path, true) }}},
	})
}
