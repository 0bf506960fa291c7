package tui

import (
	"fmt"
	"strings"
	"time"
)

// planShort is the plan in two lines.
func (e *experimentScreen) planShort(width int) []string {
	t := e.t
	if e.planErr != nil && !e.planBusy {
		lines := e.troubleLines("cost", e.planErr, width)
		if e.workErr != nil && e.workErr.Error() != e.planErr.Error() {
			lines = append(lines, e.troubleLines("data", e.workErr, width)...)
		}
		return lines
	}
	if !e.planned {
		return []string{label(t, "cost") + t.dim.Render("working it out "+t.g.ellipsis)}
	}
	p := e.plan
	parts := []string{fmt.Sprintf("%s trainable, %.2f %%", thousands(p.TrainableParams), p.TrainablePercent)}
	if p.Steps != nil {
		parts = append(parts, thousands(*p.Steps)+" steps")
	}
	if p.MemoryBytes != nil {
		parts = append(parts, bytesText(float64(*p.MemoryBytes)))
	}
	if p.Seconds != nil {
		took := "about " + roughTime(*p.Seconds)
		if width >= 90 {
			took += e.endText()
		}
		parts = append(parts, took)
	}
	style := t.text
	if e.planBusy {
		style = t.dim
	}
	lines := []string{label(t, "cost") + style.Render(strings.Join(parts, ", "))}
	if problem := e.modelLine(); problem != "" {
		lines = append(lines, label(t, "model")+problem)
	} else if k, ok := e.selected(); ok && e.warning(k.Name) != "" {
		return lines // it stands above
	} else if len(p.Warnings) > 0 {
		lines = append(lines, label(t, "warning")+t.warn.Render(t.clean(p.Warnings[0].Key+": "+p.Warnings[0].Message)))
	} else if len(p.Notes) > 0 {
		lines = append(lines, label(t, "note")+t.warn.Render(t.clean(p.Notes[0])))
	}
	return lines
}

// troubleLines are an error in two lines at most, under a name.
func (e *experimentScreen) troubleLines(name string, err error, width int) []string {
	t := e.t
	parts := wrap(t.clean(err.Error()), max(width-14, 8))
	first := label(t, name) + t.bad.Render(t.g.no+" "+parts[0])
	if len(parts) == 1 {
		return []string{first}
	}
	return []string{first, label(t, "") + t.bad.Render("  "+t.cut(strings.Join(parts[1:], " "), max(width-14, 1)))}
}

// planLines is the plan in full.
func (e *experimentScreen) planLines(width int) []string {
	t := e.t
	lines := []string{" " + t.strong.Render("what it costs")}
	if e.planBusy {
		lines[0] += t.dim.Render("  working it out " + t.g.ellipsis)
	}
	if e.planErr != nil {
		for _, l := range wrap(t.clean(e.planErr.Error()), max(width-4, 8)) {
			lines = append(lines, "  "+t.bad.Render(l))
		}
		return append(lines, e.modelHelp(width)...)
	}
	if !e.planned {
		return lines
	}
	p := e.plan
	row := func(name, value, note string) {
		if value == "" {
			value = t.dim.Render("not known yet")
		}
		lines = append(lines, label(t, name)+" "+value+t.dim.Render(note))
	}
	row("trainable", thousands(p.TrainableParams), fmt.Sprintf("  %.2f %% of %s", p.TrainablePercent, thousands(p.TotalParams)))
	steps, tokens, memory, seconds := "", "", "", ""
	if p.Steps != nil {
		steps = thousands(*p.Steps)
	}
	if p.Tokens != nil {
		tokens = thousands(*p.Tokens)
	}
	if p.MemoryBytes != nil {
		memory = bytesText(float64(*p.MemoryBytes))
	}
	if p.Seconds != nil {
		seconds = "about " + roughTime(*p.Seconds)
	}
	row("steps", steps, fmt.Sprintf("  %s of batches of %d", plural(e.config.Train.Epochs, "epoch"), e.config.Train.BatchSize))
	row("tokens", tokens, "")
	row("memory", memory, "")
	row("time", seconds, e.endText())
	if p.StepSeconds != nil {
		row("a step", stepTime(*p.StepSeconds), "  without evaluations")
	}
	if p.EOS != nil {
		row("EOS", t.clean(*p.EOS), "")
	}
	notes := append([]string{}, p.Notes...)
	for _, w := range p.Warnings {
		notes = append(notes, w.Key+": "+w.Message)
	}
	for _, n := range notes {
		for i, l := range wrap(t.clean(n), max(width-6, 8)) {
			lead := "    "
			if i == 0 {
				lead = "  " + t.warn.Render("!") + " "
			}
			lines = append(lines, lead+l)
		}
	}
	return append(lines, e.modelHelp(width)...)
}

// endText says when the run would end if it began now.
func (e *experimentScreen) endText() string {
	if e.plan.Seconds == nil || !finite(*e.plan.Seconds) || *e.plan.Seconds < 0 || *e.plan.Seconds > 1e9 {
		return ""
	}
	now := e.now()
	end := now.Add(time.Duration(*e.plan.Seconds * float64(time.Second)))
	if end.YearDay() == now.YearDay() && end.Year() == now.Year() {
		return ", until " + end.Format("15:04")
	}
	return ", until " + end.Format("Mon 2 Jan 15:04")
}

// stepTime writes the seconds of a step.
func stepTime(seconds float64) string {
	switch {
	case !finite(seconds) || seconds < 0 || seconds > 1e9:
		return "unknown"
	case seconds < 1:
		return fmt.Sprintf("about %.0f ms", 1000*seconds)
	}
	return fmt.Sprintf("about %.2g s", seconds)
}

// roughTime writes an estimate without false precision.
func roughTime(seconds float64) string {
	if !finite(seconds) || seconds < 0 || seconds > 1e9 {
		return "unknown"
	}
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
