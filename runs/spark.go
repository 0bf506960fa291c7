package runs

// Column is a stretch of a series that is drawn as one column of a chart.
type Column struct {
	// Min and Max are over the finite values; both are 0 where there are none.
	Min, Max  Number
	Finite    int // finite values in the stretch
	NonFinite int // NaN and infinities in it
}

// Decimate cuts a series into at most columns stretches of near equal length and
// keeps the least and largest value of each, so that no spike is lost. A series
// of fewer values has a column for each.
func Decimate(n int, value func(i int) Number, columns int) []Column {
	if n <= 0 || columns <= 0 {
		return nil
	}
	columns = min(columns, n)
	out := make([]Column, columns)
	for c := range out {
		col := &out[c]
		for i := n * c / columns; i < n*(c+1)/columns; i++ {
			v := value(i)
			switch {
			case !v.Finite():
				col.NonFinite++
				continue
			case col.Finite == 0:
				col.Min, col.Max = v, v
			default:
				col.Min, col.Max = min(col.Min, v), max(col.Max, v)
			}
			col.Finite++
		}
	}
	return out
}
