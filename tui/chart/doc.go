// Package chart draws line charts as text for a terminal.
//
// A Chart holds any number of series of (x, y) samples and draws them into an exact rectangle of character cells:
//
//	c := chart.New(chart.Options{Title: "loss", XLabel: "step"})
//	loss := c.Add(chart.Series{Label: "loss", Ink: chart.InkS1, Smooth: []float64{0.9}, MarkZero: true})
//	eval := c.Add(chart.Series{Label: "eval", Ink: chart.InkS2, Shape: chart.Points})
//	c.Append(loss, 1, 1.61)
//	c.Append(eval, 25, 0.42)
//	c.SetSize(80, 16)
//	fmt.Println(c.View())
//
// What it promises:
//
//   - View returns exactly the height asked for in lines and exactly the width in cells, at every size from 1x1.
//   - A value that is not finite never reaches the drawing: it breaks the line and stands as a glyph on a marker row (✕ NaN, ▲ +Inf, ▼ -Inf),
//     so do exact zeros of a series that asks for it, and what a logarithmic axis cannot show.
//   - The cost of a frame depends on its size and hardly on the length of the history: every series keeps a tree of minima and maxima that grows
//     with Append, and every column asks that tree, so that a spike of one sample among a million is still drawn.
//   - A range made Robust is that of the bulk of the samples. What lies beyond is never silently gone: arrows stand at the edge where it is, and the
//     title says how far it goes.
//   - View is a cached string until the data, the size or an option changed.
//   - Series differ in shape as well as in colour, and with ASCII set nothing but ASCII is written.
//
// The cells of a chart carry an Ink, a meaning; a Palette says how each ink is written. The zero Palette writes no escape sequence at all.
//
// The braille grid and the line runes are those of ntcharts. Its canvas keeps a lipgloss style of some hundred bytes in every cell and renders cells
// one by one, which costs more than a millisecond a frame; the cells here are a rune and a byte, and equal neighbours share one escape sequence.
package chart
