package tui

import (
	"fmt"
	"strings"

	"hone/experiments"
)

// From this width on, the plan stands beside the form; below it, under it.
const experimentWide = 96

// View draws the body.
func (e *experimentScreen) View() string {
	t := e.t
	if e.sweep.on {
		return t.body(e.sweepLines(), e.width, e.height)
	}
	head := e.headLine()
	lines := []string{head, t.ruleLine(e.width)}
	height := max(e.height-2, 0)
	if e.width >= experimentWide {
		rw := max(e.width*2/5, 44)
		lw := e.width - rw - 1
		right := append(e.keyLines(rw), "")
		right = append(right, e.planLines(rw)...)
		right = append(right, "")
		right = append(right, e.preflightLines(rw, 4)...)
		right = append(right, "")
		right = append(right, e.commandLines(rw)...)
		if curve := e.scheduleLines(rw, height-len(right)-1); curve != nil {
			right = append(append(right, ""), curve...)
		}
		return t.body(append(lines, t.beside(e.formLines(lw, height), right, lw, rw, height)...), e.width, e.height)
	}
	below := e.keyLines(e.width)
	if e.pre.busy || e.pre.err != nil || e.pre.verdict != nil { // else the footer has the key
		below = append(below, e.preflightLines(e.width, 1)...)
	}
	below = append(below, e.planShort(e.width)...)
	below = append(below, e.commandLines(e.width)...)
	room := min(len(below), max(height-5, height/2))
	form := height - room - 1
	lines = append(lines, e.formLines(e.width, form)...)
	lines = append(lines, t.ruleLine(e.width))
	lines = append(lines, below[:min(room, len(below))]...)
	return t.body(lines, e.width, e.height)
}

// headLine says which experiment this is and whether it is saved.
func (e *experimentScreen) headLine() string {
	t := e.t
	file := t.dim.Render("not saved; w writes a file")
	changes := len(experiments.Diff(e.savedAs, e.config))
	switch {
	case e.configPath != "" && changes == 0:
		file = t.dim.Render("saved as ") + t.clean(e.configPath)
	case e.configPath != "":
		file = t.clean(e.configPath) + t.warn.Render(" * "+plural(changes, "change")+" not saved")
	}
	left := " " + t.strong.Render(t.clean(e.config.Name)) + "  " + file
	if f := e.filter.view(t, 24); f != "" {
		left = " " + f + t.dim.Render("  "+plural(len(e.rows.visible), "setting"))
	}
	if n := len(e.changed()); n > 0 || e.other.short != theDefaults.short {
		left += t.dim.Render("  ") + t.warn.Render("*") + t.dim.Render(fmt.Sprintf(" %d from ", n)+t.clean(e.other.long))
	}
	right := t.good.Render(t.g.ok + " ready")
	if n := len(e.plan.Warnings); e.planned && n > 0 {
		right = t.warn.Render("! "+plural(n, "warning")) + "  " + right
	}
	switch {
	case e.problems != nil:
		right = t.bad.Render(t.g.no + " " + plural(len(e.problems.List), "error"))
	case e.starting:
		right = t.accent.Render("starting " + t.g.ellipsis)
	case e.workBusy:
		right = t.dim.Render("reading data " + t.g.ellipsis)
	case e.workErr != nil:
		right = t.bad.Render(t.g.no + " no data")
	case e.work != nil && e.work.ModelProblem != nil:
		right = t.bad.Render(t.g.no + " no model")
	}
	return t.ends(left, right+" ", e.width)
}

// formLines are the settings, grouped by section, around the selected one.
func (e *experimentScreen) formLines(width, height int) []string {
	t := e.t
	if len(e.rows.visible) == 0 && e.only && e.filter.text() == "" {
		return t.block([]string{t.dim.Render("  nothing differs from " + t.clean(e.other.long) + "; D shows all settings")}, width, height)
	}
	if len(e.rows.visible) == 0 {
		return t.block([]string{t.dim.Render("  no setting matches; esc shows all")}, width, height)
	}
	columns := 1
	if width >= 150 {
		columns = 2
	}
	colWidth := (width - (columns - 1)) / columns
	var lines []string
	at := 0
	section := "?"
	for i, row := range e.rows.visible {
		k := e.keys[row]
		if k.Section != section {
			section = k.Section
			name := section
			if name == "" {
				name = "experiment"
			}
			if i > 0 && columns == 1 && height > len(e.rows.visible)+14 {
				lines = append(lines, "")
			}
			lines = append(lines, " "+t.strong.Render(name))
		}
		if i == e.rows.at {
			at = len(lines)
		}
		lines = append(lines, e.fieldLine(k, i == e.rows.at, colWidth))
	}
	e.rows.room = max(height*columns-2, 1)
	if columns > 1 && len(lines) > height {
		half := max(height, (len(lines)+1)/2)
		first := 0
		if at%half >= height {
			first = at%half - height + 1
		}
		left := lines[:half]
		right := lines[half:]
		return t.beside(left[min(first, len(left)):], right[min(first, len(right)):], colWidth, width-colWidth-1, height)
	}
	e.rows.first = scrollTo(at, min(e.rows.first, max(at-1, 0)), height, len(lines))
	return t.block(lines[e.rows.first:], width, height)
}

// fieldLine is one setting: name, value, and what is wrong or different.
func (e *experimentScreen) fieldLine(k experiments.Key, selected bool, width int) string {
	t := e.t
	mark, name := "  ", t.dim.Render(t.fit(k.Leaf(), 17))
	if selected {
		mark, name = " "+t.accent.Render(t.g.selected), t.accent.Render(t.fit(k.Leaf(), 17))
	}
	other := e.differs(k)
	if other != "" {
		mark += t.warn.Render("*")
	} else {
		mark += " "
	}
	room := max(width-21, 4)
	if selected && e.editing {
		line := e.line.View(t, min(room, max(room*3/5, 16)), true)
		if e.refused != "" {
			line = strings.TrimRight(line, " ") + "  " + t.bad.Render(t.g.no+" "+t.clean(e.refused))
		}
		return mark + name + " " + t.cut(line, room)
	}
	value := t.clean(e.shownValue(k))
	note := ""
	msg := e.problems.For(k.Name)
	if msg == "" && k.Name == "model.path" {
		msg = e.pullHint()
	}
	if msg != "" {
		note = t.bad.Render(t.g.no + " " + t.clean(msg))
	} else {
		if other != "" {
			note = t.dim.Render(e.other.short + " " + t.clean(other))
		}
		if msg := e.warning(k.Name); msg != "" {
			note = strings.TrimLeft(note+"  ", " ") + t.warn.Render("! "+t.clean(msg))
		}
	}
	if note != "" {
		valueRoom := min(textWidth(value), max(room-textWidth(note)-2, room/3))
		value = t.cut(value, valueRoom) + "  " + note
	}
	return mark + name + " " + t.cut(value, room)
}

// warning is what the plan advises against in a setting, "" if nothing.
func (e *experimentScreen) warning(key string) string {
	if e.planned {
		for _, w := range e.plan.Warnings {
			if w.Key == key {
				return w.Message
			}
		}
	}
	return ""
}

// shownValue is a value as the form reads best.
func (e *experimentScreen) shownValue(k experiments.Key) string {
	switch k.Kind {
	case experiments.KindBool:
		if valueText(e.config, k.Name) == "true" {
			return e.t.g.checked + " on"
		}
		return e.t.g.unchecked + " off"
	case experiments.KindStrings:
		if items := listOf(e.config, k.Name); len(items) > 0 {
			return strings.Join(items, " ")
		}
		return "(none)"
	case experiments.KindChoice:
		return valueText(e.config, k.Name)
	}
	switch v := valueText(e.config, k.Name); v {
	case "", "[]", "{}":
		return "(none)"
	default:
		return v
	}
}

// differs is the other's value where it is another one.
func (e *experimentScreen) differs(k experiments.Key) string {
	if !e.counts(k.Name) {
		return ""
	}
	now, err := e.config.Get(k.Name)
	other, err2 := e.other.config.Get(k.Name)
	if err != nil || err2 != nil || now == other {
		return ""
	}
	switch {
	case k.Kind == experiments.KindBool && other == "true":
		return "on"
	case k.Kind == experiments.KindBool:
		return "off"
	case k.Kind == experiments.KindStrings:
		other = strings.Join(listOf(e.other.config, k.Name), " ")
	}
	if other = strings.Trim(other, `"`); other == "" {
		return "(none)"
	}
	return other
}

// defaults are the values of an empty experiment file.
var defaults = experiments.Default()

// keyLines explain the selected setting.
func (e *experimentScreen) keyLines(width int) []string {
	t := e.t
	k, ok := e.selected()
	if !ok {
		return nil
	}
	lines := []string{" " + t.strong.Render(k.Name)}
	if other := e.differs(k); other != "" {
		lines[0] += t.dim.Render("  " + e.other.short + " " + t.clean(other) + "; t takes it")
	}
	doc := k.Doc
	switch k.Name {
	case "model.path":
		doc += "; m lists what is at hand"
	case "train.lr":
		doc += "; f looks for one"
	}
	for _, l := range wrap(t.clean(doc), max(width-2, 8)) {
		lines = append(lines, " "+l)
	}
	for i, l := range wrap(t.clean(k.Range), max(width-2, 8)) {
		if i == 2 {
			break
		}
		lines = append(lines, " "+t.dim.Render(l))
	}
	if len(k.Options) > 0 && k.Kind == experiments.KindChoice {
		var b strings.Builder
		now := valueText(e.config, k.Name)
		for _, o := range k.Options {
			if o == now {
				b.WriteString(" " + t.accent.Render("["+o+"]"))
			} else {
				b.WriteString(" " + t.dim.Render(" "+o+" "))
			}
		}
		lines[len(lines)-1] = b.String()
	}
	if msg := e.warning(k.Name); msg != "" {
		for i, l := range wrap(t.clean(msg), max(width-4, 8)) {
			lead := "   "
			if i == 0 {
				lead = " " + t.warn.Render("!") + " "
			}
			lines = append(lines, lead+t.warn.Render(l))
		}
	}
	return lines
}

// modelLine is the model problem on one line, "" without one.
func (e *experimentScreen) modelLine() string {
	t := e.t
	switch {
	case e.workErr != nil:
		return t.bad.Render(t.g.no + " " + t.clean(firstLine(e.workErr)))
	case e.work != nil && e.work.ModelProblem != nil:
		return t.bad.Render(t.g.no + " " + t.clean(firstLine(e.work.ModelProblem)))
	}
	return ""
}

// modelHelp says what keeps the experiment from starting, and how to name a model.
func (e *experimentScreen) modelHelp(width int) []string {
	t := e.t
	var err error
	what := "model"
	switch {
	case e.workErr != nil:
		err, what = e.workErr, "data"
	case e.work != nil && e.work.ModelProblem != nil:
		err = e.work.ModelProblem
	default:
		return nil
	}
	lines := []string{"", " " + t.bad.Render(t.g.no+" no "+what)}
	for _, part := range strings.Split(err.Error(), "\n") {
		for _, l := range wrap(t.clean(part), max(width-4, 8)) {
			lines = append(lines, "   "+l)
		}
	}
	return append(lines, t.dim.Render("   edit "+what+".path, or hone --"+what+" PATH"))
}

// commandLines are the command that does the same without a screen.
func (e *experimentScreen) commandLines(width int) []string {
	t := e.t
	text := strings.Join(experiments.TrainCommand(e.config, e.configPath, e.savedAs), " ")
	lines := []string{}
	for i, l := range wrap(t.clean(text), max(width-14, 8)) {
		name := ""
		if i == 0 {
			name = "command"
		}
		if i == 6 {
			break
		}
		lines = append(lines, label(t, name)+l)
	}
	return lines
}

// firstLine is an error's first line.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
