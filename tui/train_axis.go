package tui

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"hone/runs"
)

// xAxis is what the x axis of the charts counts.
type xAxis int

const (
	xSteps xAxis = iota
	xTokens
	xTime
	xAxes
)

// String names the axis.
func (a xAxis) String() string { return [...]string{"steps", "tokens", "time"}[a] }

// place is where a step stands on each of the axes: tokens and seconds are of all steps up to it.
type place struct {
	step    int
	tokens  int
	seconds float64
}

// timeUnit is what seconds are divided by for the time axis.
type timeUnit struct {
	seconds float64
	name    string
	upTo    float64 // seconds that it is good for
}

var timeUnits = []timeUnit{{1, "seconds", 300}, {60, "minutes", 5 * 3600}, {3600, "hours", 1e18}}

// unitOf is the unit for a run of so many seconds.
func unitOf(seconds float64) timeUnit {
	for _, u := range timeUnits {
		if seconds <= u.upTo {
			return u
		}
	}
	return timeUnits[len(timeUnits)-1]
}

// after is the place of the step that follows. A duration that is not a number counts as none, so that the axis never goes back.
func (p place) after(s runs.Step) place {
	p.step = s.Step
	p.tokens += max(s.Tokens, 0)
	if v := float64(s.Seconds); finite(v) && v > 0 {
		p.seconds += v
	}
	return p
}

// secondsOf is how long the steps of a history took.
func secondsOf(steps []runs.Step) float64 {
	var p place
	for _, s := range steps {
		p = p.after(s)
	}
	return p.seconds
}

// secondsClock writes seconds as a clock does, tenths of a short time.
func secondsClock(v float64) string {
	if v < 60 {
		return fmt.Sprintf("%.1f s", v)
	}
	return clock(time.Duration(min(v, 1e9) * float64(time.Second)))
}

// axisName is the label of the x axis.
func (f *trainFeed) axisName() string {
	switch f.axis {
	case xTokens:
		return "tokens"
	case xTime:
		return f.unit.name
	}
	return "step"
}

// xOf is where a place stands on the feed's axis.
func (f *trainFeed) xOf(p place) float64 {
	switch f.axis {
	case xTokens:
		return float64(p.tokens)
	case xTime:
		return p.seconds / f.unit.seconds
	}
	return float64(p.step)
}

// x is where a step stands on the feed's axis: the place of the last step that is not after it, or, on the axis of steps, itself.
func (f *trainFeed) x(step float64) float64 {
	if f.axis == xSteps {
		return step
	}
	i := sort.Search(len(f.places), func(i int) bool { return float64(f.places[i].step) > step })
	if i == 0 {
		return 0
	}
	return f.xOf(f.places[i-1])
}

// stepAt is the step at an x of the feed's axis.
func (f *trainFeed) stepAt(x float64) int {
	i := sort.Search(len(f.places), func(i int) bool { return f.xOf(f.places[i]) >= x })
	if i == len(f.places) {
		return int(x)
	}
	return f.places[i].step
}

// place is the index of the place of a step, or of the last one before it; ok is false for none, and for NaN.
func (f *trainFeed) place(step float64) (int, bool) {
	if len(f.places) == 0 || step != step {
		return 0, false
	}
	i := sort.Search(len(f.places), func(i int) bool { return float64(f.places[i].step) > step })
	return max(i-1, 0), true
}

// reach are the first and last step that the charts show.
func (f *trainFeed) reach() (first, last float64) {
	if n := len(f.places); n > 0 {
		first, last = float64(f.places[0].step), float64(f.places[n-1].step)
	}
	for _, p := range f.scores {
		first, last = min(first, float64(p.step)), max(last, float64(p.step))
	}
	return first, last
}

// stepMark is something to be found at a step, in words.
type stepMark struct {
	step int
	text string
}

// note adds a mark; order puts it in its place.
func (f *trainFeed) note(step int, text string) {
	f.stops = append(f.stops, stepMark{step, text})
}

// order sorts the marks that came after the first known ones in among them. It is
// done once a snapshot: the events of one come before its steps, so that sorting
// each mark in would move all of them again and again.
func (f *trainFeed) order(known int) {
	byStep := func(a, b stepMark) int { return cmp.Compare(a.step, b.step) }
	fresh := f.stops[known:]
	if len(fresh) == 0 {
		return
	}
	slices.SortStableFunc(fresh, byStep)
	from := sort.Search(known, func(i int) bool { return f.stops[i].step > fresh[0].step })
	slices.SortStableFunc(f.stops[from:], byStep)
}

// nextMark is the step of the next mark after a step, or before it.
func (f *trainFeed) nextMark(from int, forward bool) (int, bool) {
	if forward {
		i := sort.Search(len(f.stops), func(i int) bool { return f.stops[i].step > from })
		if i == len(f.stops) {
			return 0, false
		}
		return f.stops[i].step, true
	}
	i := sort.Search(len(f.stops), func(i int) bool { return f.stops[i].step >= from })
	if i == 0 {
		return 0, false
	}
	return f.stops[i-1].step, true
}

// marksAt says what is marked at a step; "" for nothing.
func (f *trainFeed) marksAt(step int) string {
	var said []string
	for i := sort.Search(len(f.stops), func(i int) bool { return f.stops[i].step >= step }); i < len(f.stops) && f.stops[i].step == step; i++ {
		said = append(said, f.stops[i].text)
	}
	return strings.Join(said, "; ")
}

// odd marks what is wrong or unusual about a step.
func (f *trainFeed) odd(p stepPoint) {
	switch {
	case !finite(p.loss):
		f.note(p.step, "the loss is "+figure(p.loss))
		f.fault = p.step
	case p.loss == 0:
		f.note(p.step, "the loss is exactly zero")
		f.fault = p.step
	}
	if f.noNorms {
		return
	}
	over := f.clip > 0 && p.norm > f.clip
	switch {
	case !finite(p.norm):
		f.note(p.step, "the gradient norm is "+figure(p.norm))
		f.fault = p.step
	case p.norm == 0:
		f.note(p.step, "the gradient norm is exactly zero")
	case over && !f.wasOver:
		f.note(p.step, fmt.Sprintf("gradients are clipped from here: norm %s, limit %s", figure(p.norm), figure(f.clip)))
	}
	f.wasOver = over
}
