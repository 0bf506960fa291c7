package tui

import (
	"fmt"
	"math"

	tea "github.com/charmbracelet/bubbletea"
)

// trainHeat is the size of the gradients of the newest step by layer and module, in
// the place of the charts of Train. It is what Trace draws, read anew as the run
// goes on while it is shown.
type trainHeat struct {
	gradReader
	on            bool
	layer, module int // selected
}

// heatChart is the least height of the chart below the gradients.
const heatChart = 6

// toggleHeat shows the gradients by layer and module, or the charts.
func (s *trainScreen) toggleHeat() tea.Cmd {
	s.heat.on = !s.heat.on
	return s.readHeat()
}

// readHeat reads the newest gradients while they are shown.
func (s *trainScreen) readHeat() tea.Cmd {
	if !s.heat.on || !s.visible {
		return nil
	}
	return s.heat.next(s.snap)
}

// heatView is what is known of the gradients of the run that is shown; nil = nothing.
func (s *trainScreen) heatView() *gradView {
	if s.heat.gradsOf != s.runDir {
		return nil
	}
	return s.heat.grads
}

// heatKeys are the keys while the gradients are shown.
func (s *trainScreen) heatKeys() []binding {
	has := func() bool { v := s.heatView(); return v != nil && v.layers > 0 }
	move := func(layers, modules int) func() tea.Cmd {
		return do(func() {
			v := s.heatView()
			s.heat.layer = max(min(s.heat.layer+layers, v.layers-1), 0)
			s.heat.module = max(min(s.heat.module+modules, len(v.modules)-1), 0)
		})
	}
	return []binding{
		{Keys: []string{"left"}, Label: "arrows", Text: "cell", Help: "move the selected cell", Run: move(-1, 0), When: has},
		{Keys: []string{"right"}, Help: "next layer", Quiet: true, Run: move(1, 0), When: has},
		{Keys: []string{"up"}, Help: "module above", Quiet: true, Run: move(0, -1), When: has},
		{Keys: []string{"down"}, Help: "module below", Quiet: true, Run: move(0, 1), When: has},
		{Keys: []string{"home"}, Help: "first layer", Quiet: true, Run: move(-math.MaxInt32, 0), When: has},
		{Keys: []string{"end"}, Help: "last layer", Quiet: true, Run: move(math.MaxInt32, 0), When: has},
		{Keys: []string{"g"}, Text: "charts", Help: "the charts again (also esc)", Run: s.toggleHeat},
	}
}

// heatLines draws the gradients and, where there is room below them, the chart of
// their norm: exactly height lines of width cells.
func (s *trainScreen) heatLines(width, height int) []string {
	t := s.t
	title := " " + t.strong.Render("gradient norm, layers x modules")
	v := s.heatView()
	if v == nil {
		text := t.dim.Render("  no gradients were recorded yet")
		switch {
		case s.heat.gradsOf != s.runDir:
			text = t.dim.Render("  reading the trace " + t.g.ellipsis)
		case s.heat.gradsErr != nil:
			text = t.bad.Render("  " + t.g.no + " " + t.clean(s.heat.gradsErr.Error()))
		}
		return t.block([]string{title, "", text}, width, height)
	}
	title = joinFit(width-2, 3, title, t.dim.Render("step ")+fmt.Sprint(v.step), s.heatProblem(v))
	m := gradMatrix{gradView: v, layer: s.heat.layer, module: s.heat.module, focused: true, legendBelow: true}
	lines := append([]string{title}, m.lines(t, width, height-1)...)
	if below := height - len(lines) - 1; below >= heatChart {
		s.feed.norm.SetSize(width, below)
		lines = append(append(lines, ""), s.feed.norm.Lines()...)
	}
	return t.block(lines, width, height)
}

// heatProblem says how many tensors are not finite, or why the view is an old one; ""
// for neither.
func (s *trainScreen) heatProblem(v *gradView) string {
	t := s.t
	switch {
	case s.heat.gradsErr != nil:
		return t.bad.Render(t.g.no + " " + t.clean(firstLine(s.heat.gradsErr)))
	case v.badTensors > 0:
		return t.bad.Render(fmt.Sprintf("%s %s not finite", t.g.no, plural(v.badTensors, "tensor")))
	}
	return ""
}
