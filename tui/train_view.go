package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"hone/tui/chart"
)

// From this width on, evaluations and watched examples stand beside the charts.
const trainWide = 110

// wide reports the two-column layout.
func (s *trainScreen) wide() bool { return s.width >= trainWide }

// trainInks are the styles of the inks of a chart.
func trainInks(t *theme) map[chart.Ink]lipgloss.Style {
	colour := func(light, dark string) lipgloss.Style {
		return t.text.Foreground(lipgloss.AdaptiveColor{Light: light, Dark: dark})
	}
	return map[chart.Ink]lipgloss.Style{
		chart.InkAxis: t.dim, chart.InkLabel: t.dim, chart.InkTitle: t.strong, chart.InkGhost: t.dim,
		chart.InkCross: t.accent, chart.InkBad: t.bad, chart.InkWarn: t.warn, chart.InkGood: t.good,
		chart.InkS1: t.field, chart.InkS2: t.strong,
		chart.InkS3: colour("30", "80"), chart.InkS4: colour("92", "141"), chart.InkS5: colour("94", "180"), chart.InkS6: colour("240", "250"),
	}
}

// trainLook is everything a frame depends on: while it stays equal, so does the
// frame.
type trainLook struct {
	width, height    int
	snap             *snapshot
	feed             *trainFeed
	version          int // of the feed
	run              *trainConfigMsg
	runDir, ownState string
	starting, own    bool
	charts           chartLook
	detail           bool
	cross            uint64 // bits: NaN equals itself
	orders           int
	heat             trainHeatLook
}

// trainHeatLook is the part of it that is about the gradients; zero while they are
// not shown.
type trainHeatLook struct {
	on            bool
	view          *gradView
	of, err       string
	layer, module int
}

func (s *trainScreen) look() trainLook {
	l := trainLook{
		width: s.width, height: s.height, snap: s.snap, feed: s.feed, run: s.run, runDir: s.runDir, ownState: s.ownState,
		starting: s.starting, own: s.ownShown(), charts: s.charts, detail: s.detail,
		cross: math.Float64bits(s.charts.cross), orders: len(s.orders),
	}
	l.charts.cross = 0
	if h := &s.heat; h.on {
		l.heat = trainHeatLook{on: true, view: h.grads, of: h.gradsOf, layer: h.layer, module: h.module}
		if h.gradsErr != nil {
			l.heat.err = h.gradsErr.Error()
		}
	}
	if s.feed != nil {
		l.version = s.feed.version
	}
	return l
}

// View draws the body, anew only when something it depends on changed: Bubble Tea
// asks for it after every message.
func (s *trainScreen) View() string {
	if look := s.look(); s.frame == "" || look != s.drawn {
		s.frame, s.drawn = s.draw(), look
	}
	return s.frame
}

func (s *trainScreen) draw() string {
	t := s.t
	switch {
	case s.feed == nil && s.snap == nil && s.runDir == "":
		return t.body(s.noRunLines(), s.width, s.height)
	case s.feed == nil && s.snap != nil && s.snap.Err != nil:
		return t.body(s.unreadableLines(), s.width, s.height)
	case s.feed == nil:
		return t.body([]string{"", t.dim.Render("  reading " + t.clean(baseName(s.runDir)) + " " + t.g.ellipsis)}, s.width, s.height)
	}
	banner := s.banner()
	lines := append(s.head(len(banner)), banner...)
	logs := s.logLines(s.logRoom(s.height - len(lines)))
	room := s.height - len(lines) - len(logs)
	var under []string
	if (s.wide() || !s.detail) && !s.heat.on {
		under = s.underLines(room)
	}
	room -= len(under)
	switch {
	case room <= 0:
	case s.feed.steps == 0 && len(s.feed.scores) == 0:
		lines = append(lines, t.block(s.startingLines(), s.width, room)...)
	case s.wide():
		right := min(max(s.width*43/100, 50), 86)
		left := s.width - right - 2
		panel := t.block(s.panel(right, room), right, room)
		for i, l := range s.mainLines(left, room) {
			lines = append(lines, l+"  "+panel[i])
		}
	case s.detail && !s.heat.on:
		lines = append(lines, t.block(s.panel(s.width, room), s.width, room)...)
	case room >= 34:
		// Tall: the panel fits below the charts.
		below := room * 2 / 5
		lines = append(lines, s.mainLines(s.width, room-below)...)
		lines = append(lines, t.block(s.panel(s.width, below), s.width, below)...)
	default:
		lines = append(lines, s.mainLines(s.width, room)...)
	}
	lines = append(lines, under...)
	return t.body(append(lines, logs...), s.width, s.height)
}

// lossParts are the loss and its terms.
func (s *trainScreen) lossParts() []string {
	t, p := s.t, s.feed.last
	if s.feed.steps == 0 {
		return []string{t.dim.Render("loss  " + t.g.off)}
	}
	parts := []string{t.dim.Render("loss") + "  " + s.value(p.loss, true)}
	if !s.feed.terms {
		return parts
	}
	for i, name := range trainTerms {
		parts = append(parts, t.dim.Render(name)+" "+s.value(p.terms[i], false))
	}
	return parts
}

// value draws a figure; one that is not a number is marked as wrong.
func (s *trainScreen) value(v float64, strong bool) string {
	switch {
	case !finite(v):
		return s.t.bad.Render(s.t.g.no + " " + figure(v))
	case strong:
		return s.t.strong.Render(figure(v))
	}
	return figure(v)
}

// progress draws how far the run is, in width cells for the bar.
func (s *trainScreen) progress(width int) []string {
	t, info := s.t, s.snap.Info
	step, steps := max(info.Step, s.feed.last.step), info.Steps
	if steps <= 0 {
		return []string{t.dim.Render("step ") + fmt.Sprint(step)}
	}
	parts := []string{t.dim.Render("step ") + fmt.Sprintf("%d / %d", step, steps)}
	if s.feed.steps > 0 {
		parts = append(parts, t.dim.Render("epoch ")+fmt.Sprintf("%.2f", s.feed.last.epoch))
	}
	edges := [2]string{"▕", "▏"}
	if t.g.ascii {
		edges = [2]string{"[", "]"}
	}
	share := percent(step, steps)
	if width >= 6 {
		share = t.dim.Render(edges[0]) + t.field.Render(pad(t.barOf(float64(step)/float64(steps), width), width)) + t.dim.Render(edges[1]) + " " + share
	}
	return append(parts, share)
}

// pace are speed and time left.
func (s *trainScreen) pace() []string {
	t, snap := s.t, s.snap
	var parts []string
	if snap.TokensPerSecond > 0 {
		parts = append(parts, fmt.Sprintf("%.0f", snap.TokensPerSecond)+t.dim.Render(" tok/s"))
	}
	seconds := s.feed.last.seconds
	if snap.StepsPerSecond > 0 {
		seconds = 1 / snap.StepsPerSecond
	}
	if text := secondsText(seconds); text != "" {
		parts = append(parts, text+t.dim.Render("/step"))
	}
	if snap.live() && snap.Left > 0 {
		parts = append(parts, clock(snap.Left)+t.dim.Render(" left"))
	}
	return parts
}

// rates are learning rate, gradient norm and how often it was clipped.
func (s *trainScreen) rates() []string {
	t, f := s.t, s.feed
	if f.steps == 0 {
		return nil
	}
	name := "∇ "
	if t.g.ascii {
		name = "grad norm "
	}
	norm := t.dim.Render(name) + s.value(f.last.norm, false)
	if f.noNorms {
		norm = t.dim.Render(name + "not logged")
	}
	if f.maxNorm > 0 {
		norm += t.dim.Render(fmt.Sprintf(" (max %s @%d)", figure(f.maxNorm), f.maxNormStep))
	}
	rate := t.dim.Render("lr not logged")
	if finite(f.last.lr) {
		rate = t.dim.Render("lr ") + rateText(f.last.lr)
	}
	parts := []string{rate, norm}
	if f.clip > 0 {
		parts = append(parts, t.dim.Render("clipped ")+percent(f.clipped, f.steps))
	}
	return parts
}

// warnings are counts of steps whose figures are odd.
func (s *trainScreen) warnings() []string {
	t, f := s.t, s.feed
	var parts []string
	if f.nonFinite > 0 {
		parts = append(parts, t.bad.Render(fmt.Sprintf("%s %s not finite", t.g.no, plural(f.nonFinite, "step"))))
	}
	if f.zeroLoss > 0 {
		parts = append(parts, t.warn.Render(fmt.Sprintf("! loss 0 in %s", plural(f.zeroLoss, "step"))))
	}
	return parts
}

// computer are memory, data type and kernels, where the run says them.
func (s *trainScreen) computer() []string {
	info := s.snap.Info
	all := []map[string]any{info.Resolved, info.Machine, info.Summary}
	var parts []string
	if n := infoNumber(all, "rss_bytes", "memory_bytes", "peak_memory_bytes", "peak_rss_bytes"); n > 0 {
		parts = append(parts, bytesText(n))
	}
	how := strings.TrimSpace(infoText(all, "dtype") + " " + infoText(all, "kernels", "kernel_set"))
	if how != "" {
		parts = append(parts, s.t.dim.Render(s.t.clean(how)))
	}
	return parts
}

// scoreParts is the last evaluation on one line.
func (s *trainScreen) scoreParts() []string {
	t := s.t
	if len(s.feed.scores) == 0 {
		return []string{t.dim.Render("eval  none yet")}
	}
	last := s.feed.scores[len(s.feed.scores)-1]
	if !s.feed.wrote() {
		return []string{t.dim.Render(fmt.Sprintf("eval @%d", last.step)), t.dim.Render("loss ") + s.value(last.loss, false)}
	}
	series := make([]float64, 0, 8)
	for _, p := range s.feed.scores[max(len(s.feed.scores)-8, 0):] {
		series = append(series, p.exact)
	}
	return []string{
		t.dim.Render(fmt.Sprintf("eval @%d", last.step)),
		t.dim.Render("exact ") + t.strong.Render(shareText(last.exact)) + " " + t.field.Render(t.spark(series, 8)),
		t.dim.Render("valid ") + shareText(last.valid),
		t.dim.Render("field ") + shareText(last.field),
		t.dim.Render("loss ") + s.value(last.loss, false),
	}
}

// head are the figures above the charts: one line beside the panel, up to four
// without one, fewer where a banner takes lines as well.
func (s *trainScreen) head(banner int) []string {
	t := s.t
	inner := s.width - 2
	loss := joinFit(inner, 2, s.lossParts()...)
	if s.wide() {
		bar := min(s.width/6, 30)
		right := joinFit(inner, 3, s.progress(bar)...)
		for bar >= 0 && textWidth(loss)+3+textWidth(right) > inner {
			bar -= 6
			right = joinFit(inner, 3, s.progress(bar)...)
		}
		return []string{" " + t.ends(loss, right, inner) + " "}
	}
	bar := max(min(s.width/5, inner-62), 8)
	lines := []string{" " + loss}
	room := s.height - max(banner-1, 0)*3
	if room >= 8 {
		lines = append(lines, " "+joinFit(inner, 2, append(s.progress(bar), s.pace()...)...))
	}
	if room >= 14 {
		lines = append(lines, " "+joinFit(inner, 2, slices.Concat(s.warnings(), s.rates(), s.computer())...))
	}
	if room >= 17 && s.feed.steps > 0 {
		lines = append(lines, " "+joinFit(inner, 2, s.scoreParts()...))
	}
	return lines
}

// mainLines are the charts or, in their place, the gradients.
func (s *trainScreen) mainLines(width, height int) []string {
	if s.heat.on {
		return s.heatLines(width, height)
	}
	return s.chartLines(width, height)
}

// chartLines draws the charts above each other: exactly height lines of width cells.
func (s *trainScreen) chartLines(width, height int) []string {
	f := s.feed
	heights := []int{height}
	switch {
	case height >= 30:
		third := height / 5
		second := height * 3 / 10
		heights = []int{height - second - third, second, third}
	case height >= 11:
		second := max(height*2/5, 5)
		heights = []int{height - second, second}
	}
	shown := []trainChart{f.loss, f.norm, f.lr}[:len(heights)]
	// One width of labels for all, so that a step stands in one column.
	labels := 0
	for i, c := range shown {
		c.SetSize(width, heights[i])
		labels = max(labels, c.LabelWidth())
	}
	var lines []string
	for _, c := range shown {
		c.SetLabelWidth(labels)
		lines = append(lines, c.Lines()...)
	}
	return lines
}

// logRoom is how many lines of the log are shown in a body with room lines left.
func (s *trainScreen) logRoom(room int) int {
	switch {
	case room < 8:
		return 0
	case room < 12:
		return 1
	}
	return min(max(room/9, 2), 8)
}

// logLines are the newest events, the last at the bottom.
func (s *trainScreen) logLines(room int) []string {
	t := s.t
	log := s.feed.log
	var lines []string
	newest := -1 // the change that u takes back
	for i, l := range log {
		if l.order && l.kind == logAct {
			newest = i
		}
	}
	for i := max(len(log)-room, 0); i < len(log); i++ {
		l := log[i]
		glyph, style := t.dim.Render(t.g.masked), t.dim
		switch l.kind {
		case logGood:
			glyph, style = t.good.Render(t.g.ok), t.text
		case logAct:
			glyph, style = t.accent.Render(t.g.selected), t.text
		case logWarn:
			glyph, style = t.warn.Render("!"), t.text
		case logBad:
			glyph, style = t.bad.Render(t.g.no), t.text
		}
		text := t.clean(l.text)
		if l.undone {
			text, style = text+" (undone)", t.dim
		}
		line := " " + t.dim.Render(pad(l.at, 8)) + " " + glyph + " " + style.Render(text)
		if i == newest && s.undoable() && s.ownShown() {
			line += "   " + t.key.Render("u") + t.dim.Render(" undo")
		}
		lines = append(lines, line)
	}
	return lines
}
