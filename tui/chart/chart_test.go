package chart

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

var update = flag.Bool("update", false, "rewrite the golden frames")

// colours is a palette in which every ink has its own escape sequence.
func colours() Palette {
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(termenv.ANSI256)
	var p Palette
	for i := range p {
		if i > 0 {
			p[i] = PaintOf(r.NewStyle().Foreground(lipgloss.Color(fmt.Sprint(i))))
		}
	}
	return p
}

// checkFrame fails unless the view is exactly w x h cells.
func checkFrame(t *testing.T, c *Chart, w, h int) {
	t.Helper()
	lines := strings.Split(c.View(), "\n")
	if len(lines) != h {
		t.Fatalf("%dx%d: %d lines", w, h, len(lines))
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n != w {
			t.Fatalf("%dx%d: line %d is %d cells wide: %q", w, h, i, n, l)
		}
		if l != c.Lines()[i] {
			t.Fatalf("line %d of Lines differs from View", i)
		}
	}
}

// laden is a chart with all kinds of series, events and values that no drawing library likes.
func laden(r *rand.Rand, samples int, o Options) *Chart {
	c := New(o)
	raw := c.Add(Series{Label: "loss", Ink: InkS1, Smooth: []float64{0.9, 0.98}, MarkZero: true})
	c.Add(Series{Label: "area", Ink: InkS4, Shape: Dotted, Fill: true})
	dashed := c.Add(Series{Label: "ce", Ink: InkS2, Shape: Dashed})
	dots := c.Add(Series{Label: "eval 中", Ink: InkS3, Shape: Points, Mark: '○'})
	x := 0.0
	for range samples {
		x += float64(r.IntN(3))
		for _, s := range []int{raw, raw + 1, dashed, dots} {
			c.Append(s, x, wild(r))
		}
	}
	c.SetEvents([]Event{
		{X: x / 2, Label: "lr/2", Ink: InkWarn},
		{X: x / 3, Label: "", Ink: InkWarn, Short: true, Mark: '◆'},
		{X: math.NaN(), Label: "never", Ink: InkWarn},
		{X: math.Inf(1), Label: "never", Ink: InkWarn},
	})
	return c
}

func wild(r *rand.Rand) float64 {
	switch r.IntN(14) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1)
	case 2:
		return math.Inf(-1)
	case 3:
		return 0
	case 4:
		return math.MaxFloat64 * (r.Float64()*2 - 1)
	case 5:
		return math.SmallestNonzeroFloat64 * float64(r.IntN(9))
	case 6:
		return math.Copysign(0, -1)
	case 7:
		return math.Float64frombits(r.Uint64())
	}
	return r.NormFloat64()
}

func TestFrameIsExactAtEverySize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, ascii := range []bool{false, true} {
		for _, log := range []bool{false, true} {
			var charts []*Chart
			for _, n := range []int{0, 1, 2, 17, 3000} {
				c := laden(r, n, Options{Title: "loss ∇", XLabel: "step", ASCII: ascii, Log: log, Palette: colours()})
				c.SetRobust(n%2 == 1)
				charts = append(charts, c)
			}
			charts = append(charts, New(Options{ASCII: ascii, Log: log}))
			for h := 1; h <= 60; h += 1 + h/8 {
				for w := 1; w <= 200; w += 1 + w/12 {
					for i, c := range charts {
						if i < len(charts)-1 && w%2 == 0 {
							c.SetCrosshair(float64(w))
						} else {
							c.SetCrosshair(math.NaN())
						}
						c.SetSize(w, h)
						checkFrame(t, c, w, h)
					}
				}
			}
		}
	}
}

func TestASCIIWritesNothingElse(t *testing.T) {
	c := laden(rand.New(rand.NewPCG(3, 4)), 300, Options{Title: "∇ norm", XLabel: "Schritt…", ASCII: true})
	c.SetCrosshair(20)
	for _, w := range []int{10, 40, 120} {
		c.SetSize(w, 14)
		for _, r := range c.View() {
			if r > '~' {
				t.Fatalf("width %d: %q in an ASCII chart:\n%s", w, r, c.View())
			}
		}
	}
}

func TestSpikeOfOneSampleIsDrawn(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		c := New(Options{ASCII: ascii})
		s := c.Add(Series{Label: "norm", Ink: InkS1})
		for i := range 100_000 {
			y := 1.0
			if i == 61_234 {
				y = 10
			}
			c.Append(s, float64(i), y)
		}
		c.SetSize(60, 10)
		_, top, _ := strings.Cut(c.Lines()[0], string(unicodeGlyphs.tickY))
		if ascii {
			_, top, _ = strings.Cut(c.Lines()[0], string(asciiGlyphs.tickY))
		}
		if strings.TrimSpace(top) == "" {
			t.Fatalf("ascii %v: the spike is not on the top row:\n%s", ascii, c.View())
		}
	}
}

func TestValuesOffTheLineStandOnTheMarkerRow(t *testing.T) {
	c := New(Options{Title: "loss"})
	s := c.Add(Series{Label: "loss", Ink: InkS1, MarkZero: true})
	for i := range 60 {
		c.Append(s, float64(i), 1+float64(i))
	}
	c.Append(s, 60, math.NaN())
	c.Append(s, 70, math.Inf(1))
	c.Append(s, 80, math.Inf(-1))
	c.Append(s, 90, 0)
	c.Append(s, 100, 2)
	c.SetSize(80, 12)
	markers := c.Lines()[9]
	for _, want := range []string{"✕", "▲", "▼", "0"} {
		if strings.Count(markers, want) != 1 {
			t.Errorf("%s is not once on the marker row %q", want, markers)
		}
	}
	if title := c.Lines()[0]; !strings.Contains(title, "✕ 1 NaN") || !strings.Contains(title, "0 1 zero") {
		t.Errorf("the title does not count markers: %q", title)
	}
	if !strings.Contains(c.View(), "60 ┤") || strings.Contains(c.View(), "Inf ┤") {
		t.Errorf("the range is not that of the finite samples:\n%s", c.View())
	}
}

func TestNaNBreaksTheLine(t *testing.T) {
	c := New(Options{})
	s := c.Add(Series{Ink: InkS1})
	for i := range 101 {
		y := 5.0
		if i > 40 && i < 60 {
			y = math.NaN()
		}
		c.Append(s, float64(i), y)
	}
	c.SetSize(60, 9)
	var middle string
	for _, l := range c.Lines()[:7] {
		if strings.ContainsFunc(l, func(r rune) bool { return r > 0x2800 && r <= 0x28ff }) {
			middle = l
		}
	}
	_, plot, _ := strings.Cut(middle, "┤")
	if plot == "" {
		_, plot, _ = strings.Cut(middle, "│")
	}
	if !strings.Contains(plot, strings.Repeat(" ", 8)) || strings.HasSuffix(plot, " ") || strings.HasPrefix(plot, " ") {
		t.Fatalf("no gap in the middle of %q\n%s", plot, c.View())
	}
}

func TestLogIsRefusedWithoutPositiveValues(t *testing.T) {
	c := New(Options{})
	s := c.Add(Series{Ink: InkS1})
	if c.SetLog(true) {
		t.Error("an empty chart took a logarithmic axis")
	}
	c.Append(s, 1, 0)
	c.Append(s, 2, -3)
	c.Append(s, 3, math.NaN())
	c.Append(s, 4, math.Inf(1))
	if c.SetLog(true) || c.Log() {
		t.Error("nothing is positive, yet the axis is logarithmic")
	}
	c.Append(s, 5, 0.1)
	if !c.SetLog(true) || !c.Log() {
		t.Error("refused with a positive value")
	}
	c.SetSize(60, 12)
	if v := c.View(); !strings.Contains(v, "1 zero") || !strings.Contains(v, "1 negative") {
		// One series and no title: the counts need a title row.
		c.SetTitle("loss")
		if v = c.View(); !strings.Contains(v, "1 zero") || !strings.Contains(v, "1 negative") {
			t.Errorf("what the axis cannot show is not marked:\n%s", v)
		}
	}
	c.Truncate(s, 4)
	checkFrame(t, c, 60, 12) // falls back to linear
}

func TestViewIsCached(t *testing.T) {
	c := laden(rand.New(rand.NewPCG(5, 6)), 100, Options{Title: "loss"})
	c.SetSize(80, 20)
	before := c.View()
	same := func(what string, f func()) {
		t.Helper()
		f()
		if c.dirty {
			t.Errorf("%s made the frame stale", what)
		}
	}
	same("the same size", func() { c.SetSize(80, 20) })
	same("the same title", func() { c.SetTitle("loss") })
	same("the same log", func() { c.SetLog(false) })
	same("no crosshair twice", func() { c.SetCrosshair(math.NaN()) })
	same("the same events", func() { c.SetHidden(0, false) })
	if n := testing.AllocsPerRun(10, func() { _ = c.View() }); n != 0 {
		t.Errorf("a cached view allocates %v times", n)
	}
	c.Append(0, 1e6, 1)
	if c.View() == before {
		t.Error("a new sample did not change the view")
	}
	if c.Append(0, 5, 1) || c.Append(0, math.NaN(), 1) || c.Append(0, math.Inf(1), 1) || c.dirty {
		t.Error("an x that goes back or is not finite was taken")
	}
}

func TestConstantSinglePointHugeAndTinyHaveDistinctLabels(t *testing.T) {
	for name, ys := range map[string][]float64{
		"one":      {0.25},
		"constant": {3, 3, 3},
		"zero":     {0, 0, 0},
		"huge":     {-math.MaxFloat64, math.MaxFloat64},
		"tiny":     {math.SmallestNonzeroFloat64, 3 * math.SmallestNonzeroFloat64},
		"close":    {1.000001, 1.000002},
		"closer":   {1, 1 + 1e-15},
		"negative": {-5, -4.5, -1e-9},
		"mixed":    {1e-300, 1e300},
	} {
		for _, log := range []bool{false, true} {
			c := New(Options{Log: log})
			s := c.Add(Series{Ink: InkS1})
			for i, y := range ys {
				c.Append(s, float64(i), y)
			}
			c.SetSize(70, 18)
			checkFrame(t, c, 70, 18)
			seen := map[string]bool{}
			for _, l := range c.Lines() {
				label, _, found := strings.Cut(l, "┤")
				label = strings.TrimSpace(label)
				if !found {
					continue
				}
				if seen[label] || label == "" {
					t.Errorf("%s, log %v: label %q twice:\n%s", name, log, label, c.View())
				}
				seen[label] = true
			}
			if len(seen) < 2 {
				t.Errorf("%s, log %v: labels %v:\n%s", name, log, seen, c.View())
			}
		}
	}
}

func TestXLabelsKeepApart(t *testing.T) {
	for _, last := range []float64{1, 7, 99, 350, 12_345, 99_999_999, 1e12} {
		for w := 8; w <= 160; w++ {
			c := New(Options{XLabel: "step"})
			s := c.Add(Series{Ink: InkS1})
			c.Append(s, 0, 1)
			c.Append(s, last, 2)
			c.SetSize(w, 8)
			labels := c.Lines()[7]
			axis := c.Lines()[6]
			ticks := strings.Count(axis, "┬")
			fields := strings.Fields(strings.TrimSuffix(strings.TrimRight(labels, " "), "step"))
			if ticks != len(fields) {
				t.Fatalf("width %d, to %g: %d ticks, labels %q:\n%s", w, last, ticks, fields, c.View())
			}
		}
	}
}

// On a logarithmic x axis decades are equally wide, and labels and marks stand at
// their values.
func TestLogarithmicX(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		c := New(Options{XLabel: "learning rate", LogX: true, ASCII: ascii})
		s := c.Add(Series{Ink: InkS1})
		for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
			if c.Append(s, bad, 1) {
				t.Errorf("x %g was taken", bad)
			}
		}
		for i := range 61 {
			c.Append(s, math.Pow(10, -6+float64(i)/10), float64(i))
		}
		c.SetEvents([]Event{{X: 1e-3, Label: "mid"}})
		c.SetWindow(0, 1) // nothing that such an axis could show
		c.SetSize(90, 12)
		lines := c.Lines()
		labels := strings.Join(strings.Fields(lines[11]), " ")
		if labels != "1e-6 1e-5 0.0001 0.001 0.01 learning rate" {
			t.Errorf("labels %q", labels)
		}
		at := func(label string) int { return len([]rune(lines[11][:strings.Index(lines[11], label)])) + len(label)/2 }
		if a, b, d := at("1e-6"), at("1e-5"), at("0.001 "); b-a < 10 || d-a < 3*(b-a)-2 || d-a > 3*(b-a)+2 {
			t.Errorf("decades at %d, %d and %d:\n%s", a, b, d, c.View())
		}
		if mark := []rune(lines[2])[at("0.001 ")-1 : at("0.001 ")+2]; !strings.ContainsAny(string(mark), "╎:|") {
			t.Errorf("no mark at 0.001, but %q:\n%s", string(mark), c.View())
		}
		for h := 1; h <= 20; h++ {
			for w := 1; w <= 60; w++ {
				c.SetSize(w, h)
				checkFrame(t, c, w, h)
			}
		}
	}
}

// Dots stand at the samples alone, and a line goes over them.
func TestDots(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		c := New(Options{ASCII: ascii})
		line := c.Add(Series{Label: "average", Ink: InkS1})
		dots := c.Add(Series{Label: "each", Ink: InkGhost, Shape: Dots})
		for i := range 5 {
			c.Append(line, float64(i*10), 1)
			c.Append(dots, float64(i*10), float64(1+i%2*2))
		}
		c.SetSize(60, 12)
		top := string([]rune(c.Lines()[1])[3:]) // behind the axis
		if n := len(strings.Fields(top)); n != 2 {
			t.Errorf("%d marks at the top, want 2: %q\n%s", n, top, c.View())
		}
		if !strings.Contains(c.Lines()[0], c.Sample(dots)+" each") {
			t.Errorf("no sample of the dots: %q", c.Lines()[0])
		}
	}
}

func TestNeighbor(t *testing.T) {
	c := New(Options{})
	s := c.Add(Series{Ink: InkS1, MarkZero: true})
	if _, ok := c.Neighbor(s, 3, 1); ok {
		t.Error("an empty series has a neighbour")
	}
	for i := range 500 {
		c.Append(s, float64(i), 1)
	}
	if x, _ := c.Neighbor(s, 12.4, 1); x != 13 {
		t.Errorf("neighbour of 12.4 is %g", x)
	}
	if x, _ := c.Neighbor(s, 498, 10); x != 499 {
		t.Errorf("the last neighbour is %g", x)
	}
}

func TestOneEscapeSequenceForARun(t *testing.T) {
	c := New(Options{Palette: colours()})
	s := c.Add(Series{Ink: InkS1})
	for i := range 50 {
		c.Append(s, float64(i), 1)
	}
	c.SetSize(60, 8)
	for _, l := range c.Lines() {
		if n := strings.Count(l, "\x1b["); n > 8 {
			t.Errorf("%d escape sequences in %q", n, l)
		}
	}
}

func TestGolden(t *testing.T) {
	story := func(o Options) *Chart {
		c := New(o)
		loss := c.Add(Series{Label: "total", Ink: InkS1, Smooth: []float64{0.9, 0.98}, MarkZero: true})
		eval := c.Add(Series{Label: "eval", Ink: InkS2, Shape: Points})
		for i := 1; i <= 143; i++ {
			y := 1.6*math.Exp(-float64(i)/18) + 0.05 + 0.015*math.Sin(float64(i)*1.7)
			switch i {
			case 60:
				y = math.NaN()
			case 70:
				y = 0
			case 90:
				y = 6
			}
			c.Append(loss, float64(i), y)
			if i%25 == 0 {
				c.Append(eval, float64(i), 1.3*math.Exp(-float64(i)/18)+0.06)
			}
		}
		c.SetEvents([]Event{{X: 25, Short: true, Mark: '◆', Ink: InkGood}, {X: 125, Label: "best", Ink: InkGood}, {X: 131, Label: "lr/2", Ink: InkWarn}})
		return c
	}
	for _, size := range [][2]int{{40, 6}, {72, 14}, {110, 22}} {
		for _, ascii := range []bool{false, true} {
			for _, mode := range []string{"linear", "log", "robust", "crosshair"} {
				c := story(Options{Title: "loss", XLabel: "step", ASCII: ascii})
				switch mode {
				case "log":
					c.SetLog(true)
				case "robust":
					c.SetRobust(true)
				case "crosshair":
					c.SetCrosshair(75)
				}
				c.SetSize(size[0], size[1])
				alphabet := "unicode"
				if ascii {
					alphabet = "ascii"
				}
				golden(t, fmt.Sprintf("%dx%d-%s-%s", size[0], size[1], mode, alphabet), c.View())
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if string(want) != got+"\n" {
		t.Errorf("%s differs; got\n%s\nwant\n%s", name, got, want)
	}
}

func TestWindowShowsOnlyItsPart(t *testing.T) {
	c := New(Options{Title: "loss"})
	s := c.Add(Series{Ink: InkS1, Smooth: []float64{0.5}})
	for i := range 1000 {
		c.Append(s, float64(i), float64(i))
	}
	c.SetSize(60, 12)
	whole := c.View()
	c.SetWindow(100, 200)
	if !strings.Contains(c.View(), "200 ┤") || strings.Contains(c.View(), "500") {
		t.Errorf("the window is not what is drawn:\n%s", c.View())
	}
	c.SetWindow(5, 5)
	if c.View() != whole {
		t.Error("an empty window does not show everything again")
	}
	c.SetWindow(5000, 6000)
	checkFrame(t, c, 60, 12)
}

func TestResetAndTruncate(t *testing.T) {
	fresh := func(n int) *Chart {
		c := New(Options{Title: "loss"})
		s := c.Add(Series{Label: "a", Ink: InkS1, Smooth: []float64{0.9, 0.98}, MarkZero: true})
		for i := range n {
			c.Append(s, float64(i), math.Sin(float64(i)))
		}
		c.SetSize(60, 12)
		return c
	}
	c := fresh(500)
	c.Truncate(0, 123)
	if c.View() != fresh(123).View() {
		t.Errorf("truncated:\n%s\nmade short:\n%s", c.View(), fresh(123).View())
	}
	for i := 123; i < 500; i++ {
		c.Append(0, float64(i), math.Sin(float64(i)))
	}
	if c.View() != fresh(500).View() {
		t.Error("grown again it differs from what never was truncated")
	}
	c.Reset()
	if c.Len(0) != 0 || c.View() != fresh(0).View() {
		t.Errorf("reset:\n%s", c.View())
	}
}
