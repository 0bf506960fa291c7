package chart

// Window is the part of an x axis that is shown; whoever draws charts with a common x keeps one for all of them. The zero Window shows everything.
// A window that reaches the end follows it as the axis grows.
type Window struct {
	lo, hi float64
	on     bool
	tail   bool // ends where the axis ends
}

// On says whether less than everything is shown.
func (w Window) On() bool { return w.on }

// Over is the part of an axis from first to last that is shown; ok is false when that is all of it.
func (w Window) Over(first, last float64) (lo, hi float64, ok bool) {
	width := w.hi - w.lo
	if !w.on || !(width > 0 && width < last-first) {
		return first, last, false
	}
	hi = w.hi
	if w.tail || hi > last {
		hi = last
	}
	if hi-width < first {
		hi = first + width
	}
	return hi - width, hi, true
}

// Zoom multiplies the width shown by factor, but not to less than least, and keeps `at` where it stands.
func (w *Window) Zoom(first, last, at, factor, least float64) {
	lo, hi, _ := w.Over(first, last)
	width := max((hi-lo)*factor, least)
	if !(width < last-first) || !(hi > lo) {
		*w = Window{}
		return
	}
	at = min(max(at, lo), hi)
	w.place(first, last, at-(at-lo)/(hi-lo)*width, width)
}

// Pan moves the window by a share of its width, negative to the left, stopping at the ends.
func (w *Window) Pan(first, last, share float64) {
	if lo, hi, ok := w.Over(first, last); ok {
		w.place(first, last, lo+share*(hi-lo), hi-lo)
	}
}

// Show moves the window, no further than it must, so that x is in it.
func (w *Window) Show(first, last, x float64) {
	lo, hi, ok := w.Over(first, last)
	switch {
	case !ok:
	case x < lo:
		w.place(first, last, x, hi-lo)
	case x > hi:
		w.place(first, last, x-(hi-lo), hi-lo)
	}
}

// place makes the window one of a width that begins at lo, moved into the axis.
func (w *Window) place(first, last, lo, width float64) {
	lo = max(min(lo, last-width), first)
	*w = Window{lo: lo, hi: lo + width, on: true, tail: lo+width >= last-width*1e-9}
}
