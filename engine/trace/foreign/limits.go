package foreign

import (
	"fmt"

	"hone/engine/trace"
)

// Limits of what is kept of a hostile or broken file.
const (
	maxString  = 1 << 20   // bytes of a string of JSON
	maxNumber  = 400       // bytes of a number of JSON
	maxDepth   = 64        // nested objects and lists
	maxKeys    = 96        // members of one log entry, or numbers of a trainer's state
	maxSeries  = 256       // series of a log
	maxSamples = 1_000_000 // values of a log, over all series
	maxArgs    = 2000      // arguments, or keys of a configuration
	maxNotes   = 20
)

// keeper fills a log and keeps it within the limits.
type keeper struct {
	log     *trace.Log
	samples int
	full    bool
}

func newKeeper(tool, file string) *keeper {
	return &keeper{log: &trace.Log{
		Tool: tool, Files: []string{file},
		Series: map[string][]trace.Sample{}, State: map[string]float64{}, Totals: map[string]float64{},
	}}
}

func (k *keeper) note(format string, args ...any) {
	if len(k.log.Notes) < maxNotes {
		k.log.Notes = append(k.log.Notes, fmt.Sprintf(format, args...))
	}
}

// add keeps a value of a series.
func (k *keeper) add(name string, s trace.Sample) {
	series, known := k.log.Series[name]
	if k.samples >= maxSamples || !known && len(k.log.Series) >= maxSeries {
		if !k.full {
			k.full = true
			k.note("more than %d values or %d series: the rest was left out, from step %d on", maxSamples, maxSeries, s.Step)
		}
		return
	}
	k.samples++
	k.log.Series[name] = append(series, s)
}

// clip shortens text from a file before it goes into a message.
func clip(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "..."
}
