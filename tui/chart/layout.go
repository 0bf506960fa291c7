package chart

// rect is a rectangle of cells.
type rect struct{ x, y, w, h int }

// layout says which part of a frame holds what; a row or column that is absent is -1.
type layout struct {
	plot   rect
	title  int // row
	marks  int // row of the markers
	axis   int // row of the x axis
	labels int // row of the x labels
	yAxis  int // column of the y axis
}

// rows shares the height out: the plot first, then markers (when there are any), then title, axis and labels as there is room.
func rows(h int, titled, marked bool) layout {
	l := layout{title: -1, marks: -1, axis: -1, labels: -1, yAxis: -1}
	titled = titled && h >= 4
	marked = marked && h >= 2
	axis := h >= 5
	labelled := h >= 6
	top, bottom := 0, h
	if titled {
		l.title, top = 0, 1
	}
	take := func(want bool, row *int) {
		if want {
			bottom--
			*row = bottom
		}
	}
	take(labelled, &l.labels)
	take(axis, &l.axis)
	take(marked, &l.marks)
	l.plot.y, l.plot.h = top, bottom-top
	return l
}

// columns shares the width out: labels of labelWidth cells and the axis stand on the left where the plot keeps enough.
func (l *layout) columns(w, labelWidth int) {
	left := 0
	switch {
	case labelWidth > 0 && w >= labelWidth+2+8:
		left = labelWidth + 2 // a label, a blank-or-tick, the axis
		l.yAxis = left - 1
	case w >= 6:
		left = 1
		l.yAxis = 0
	}
	l.plot.x, l.plot.w = left, w-left
}
