package tui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"hone/tui/chart"
)

// figure writes a loss or norm in at most eight cells: four significant digits,
// NaN and infinities by name.
func figure(v float64) string {
	a := math.Abs(v)
	if !(a >= 1e-3 && a < 1e5) {
		return chart.Exponent(v, 3)
	}
	decimals := 3 - int(math.Floor(math.Log10(a)))
	return strconv.FormatFloat(v, 'f', min(max(decimals, 0), 4), 64)
}

// rateText writes a learning rate as people do: 4.13e-4, 5e-4, 0.01.
func rateText(v float64) string {
	if math.Abs(v) >= 0.01 {
		return chart.Significant(v, 3)
	}
	return chart.Exponent(v, 3)
}

// shareText writes a share from 0 to 1 with two decimals; 1 only when it is all.
func shareText(v float64) string {
	switch {
	case !finite(v):
		return figure(v)
	case v < 1 && v >= 0.995:
		return "0.99"
	case v > 0 && v < 0.005:
		return "0.01"
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// percent writes a share as a whole percentage; 100 only when it is all, 0 only
// when it is none.
func percent(part, whole int) string {
	if whole <= 0 {
		return "0 %"
	}
	p := 100 * part / whole
	if p == 0 && part > 0 {
		return "<1 %"
	}
	return fmt.Sprintf("%d %%", min(p, 100))
}

// bytesText writes a size in memory.
func bytesText(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", n/1e6)
	}
	return fmt.Sprintf("%.0f kB", n/1e3)
}

// secondsText writes the duration of a step.
func secondsText(v float64) string {
	switch {
	case !finite(v) || v <= 0:
		return ""
	case v >= 100:
		return clock(time.Duration(v * float64(time.Second)))
	case v >= 10:
		return fmt.Sprintf("%.1f s", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f s", v)
	}
	return fmt.Sprintf("%.0f ms", v*1000)
}

// joinFit joins what fits in width with gap spaces between, first come first
// served; what does not fit is left out whole.
func joinFit(width, gap int, parts ...string) string {
	var b strings.Builder
	used := 0
	for _, p := range parts {
		n := textWidth(p)
		if n == 0 {
			continue
		}
		lead := 0
		if used > 0 {
			lead = gap
		}
		if used+lead+n > width {
			continue
		}
		b.WriteString(spaces(lead) + p)
		used += lead + n
	}
	return b.String()
}

// infoText looks a text or number up in the maps of a run.json, under the first of
// the keys that is there.
func infoText(maps []map[string]any, keys ...string) string {
	for _, m := range maps {
		for _, k := range keys {
			switch v := m[k].(type) {
			case string:
				if v != "" {
					return v
				}
			case float64:
				return strconv.FormatFloat(v, 'g', 6, 64)
			case int:
				return strconv.Itoa(v)
			}
		}
	}
	return ""
}

// infoNumber is infoText for numbers; 0 = not there.
func infoNumber(maps []map[string]any, keys ...string) float64 {
	for _, m := range maps {
		for _, k := range keys {
			switch v := m[k].(type) {
			case float64:
				return v
			case int:
				return float64(v)
			case int64:
				return float64(v)
			}
		}
	}
	return 0
}
