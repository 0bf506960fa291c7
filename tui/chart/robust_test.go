package chart

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestOneSpikeDoesNotFlattenARun puts one sample of any height anywhere into runs of any kind: the rest keeps a third of the plot's height, an arrow
// stands over the spike, the title says how high it is, and no marker is lost.
func TestOneSpikeDoesNotFlattenARun(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for round := range 100 {
		n := robustLeast + r.IntN(3000)
		log := round%2 == 0
		c := New(Options{Title: "loss", Robust: true, Log: log})
		s := c.Add(Series{Ink: InkS1, MarkZero: true})
		level := math.Exp(r.NormFloat64() * 5)
		at := r.IntN(n)
		size := math.Pow(10, 2+r.Float64()*30)
		var rest []float64
		nans, zeros := 0, 0
		for i := range n {
			y := level * math.Exp(r.NormFloat64()*0.3)
			switch {
			case i == at:
				y *= size
			case r.IntN(50) == 0:
				y = math.NaN()
				nans++
			case r.IntN(60) == 0:
				y = 0
				zeros++
			default:
				rest = append(rest, y)
			}
			c.Append(s, float64(i), y)
		}
		c.SetSize(100, 20)
		f := lastFrame(c)
		slices.Sort(rest)
		low, high := rest[len(rest)/20], rest[len(rest)-1-len(rest)/20]
		if share := f.y.unit(high) - f.y.unit(low); share < 0.25 {
			t.Fatalf("round %d, log %v: the bulk has %.2f of the height:\n%s", round, log, share, c.View())
		}
		top := c.Lines()[1]
		x := f.column(f.x.unit(float64(at)))
		if cells := []rune(top); !slices.Contains(cells[max(x-1, 0):min(x+2, len(cells))], '↑') { // a sample between two columns may be on either
			t.Fatalf("round %d, log %v: no arrow at column %d of %q", round, log, x, top)
		}
		if !strings.Contains(c.Lines()[0], "↑ to ") {
			t.Fatalf("the title does not say how high the spike is: %q", c.Lines()[0])
		}
		if int(f.counts[NaN]) != nans || int(f.counts[Zero]) != zeros {
			t.Fatalf("%d NaN and %d zeros are marked as %v", nans, zeros, f.counts)
		}
	}
}

// lastFrame draws a chart once more and keeps the scales.
func lastFrame(c *Chart) *frame {
	f := frame{Chart: c, g: &c.grid, gl: &unicodeGlyphs}
	f.ranges()
	f.l = rows(c.h, true, f.counts != [numKinds]uint32{})
	before, _, _ := strings.Cut(c.View(), "└")
	f.l.columns(c.w, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])-1)
	return &f
}

// TestRobustRangeLeavesSoundRunsAlone has no arrows over a run without outliers, over a few evaluations, and over a level line with a ripple.
func TestRobustRangeLeavesSoundRunsAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for name, y := range map[string]func(i int) float64{
		"noise":  func(int) float64 { return 1 + r.Float64() },
		"decay":  func(i int) float64 { return 3*math.Exp(-float64(i)/200) + 0.02 },
		"ripple": func(i int) float64 { return 1 + 0.02*math.Sin(float64(i)) },
		"level":  func(int) float64 { return 5 },
	} {
		c := New(Options{Title: "loss", Robust: true, Log: true})
		s := c.Add(Series{Ink: InkS1})
		eval := c.Add(Series{Ink: InkS2, Shape: Points})
		for i := range 400 {
			c.Append(s, float64(i), y(i))
		}
		for i := range 5 { // few: each of them counts
			c.Append(eval, float64(i*80), math.Pow(10, float64(i)))
		}
		c.SetSize(90, 16)
		if strings.ContainsAny(c.View(), "↑↓") {
			t.Errorf("%s has outliers:\n%s", name, c.View())
		}
	}
}

// TestRobustNeedsNoFiniteSample draws what has none, and one spike in a window of its own.
func TestRobustNeedsNoFiniteSample(t *testing.T) {
	c := New(Options{Title: "loss", Robust: true})
	s := c.Add(Series{Ink: InkS1})
	for i := range 100 {
		c.Append(s, float64(i), math.NaN())
	}
	c.SetSize(60, 10)
	checkFrame(t, c, 60, 10)
	if !strings.Contains(c.Lines()[0], "100 NaN") {
		t.Errorf("the markers are gone: %q", c.Lines()[0])
	}
}

func TestClippedSamplesAreMarked(t *testing.T) {
	c := New(Options{Title: "norm"})
	s := c.Add(Series{Ink: InkS1, Limit: 1})
	for i := range 100 {
		y := 0.5
		if i == 50 {
			y = 2
		}
		c.Append(s, float64(i), y)
	}
	c.Append(s, 100, math.Inf(1)) // has a marker of its own
	c.SetSize(60, 12)
	if !strings.Contains(c.Lines()[0], "c 1 clipped") || strings.Count(c.Lines()[9], "c") != 1 {
		t.Errorf("clipping is not marked once:\n%s", c.View())
	}
	if top := c.Lines()[1]; !strings.ContainsFunc(top, func(r rune) bool { return r > 0x2800 && r <= 0x28ff }) {
		t.Errorf("a clipped sample is not on the line:\n%s", c.View())
	}
}
