package foreign

import (
	"fmt"
	"math"

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

// keeper fills a log and keeps it within the limits. A log of more values than are
// kept is thinned out: its long series keep every second value, then every fourth,
// and so on, and always those at which a series becomes zero or not finite, or
// ceases to be.
type keeper struct {
	log     *trace.Log
	samples int
	most    int // maxSamples; tests have less
	kept    map[string]*thinned
	full    bool            // thinning out does not help any more
	said    map[string]bool // what notes say of what is not kept
}

// thinned is what is known of a series beside the values kept of it.
type thinned struct {
	came   int       // values so far
	every  int       // of how many one is kept
	kind   kind      // of the last value
	places []arrival // of the values kept
}

// arrival says which value of its series a kept one was.
type arrival struct {
	index int
	turn  bool // its kind is another than that of the value before
}

type kind int

const (
	plain kind = iota
	zero
	noNumber
)

func kindOf(x float64) kind {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return noNumber
	case x == 0:
		return zero
	}
	return plain
}

func newKeeper(tool, file string) *keeper {
	return &keeper{most: maxSamples, kept: map[string]*thinned{}, said: map[string]bool{}, log: &trace.Log{
		Tool: tool, Files: []string{file},
		Series: map[string][]trace.Sample{}, State: map[string]float64{}, Totals: map[string]float64{},
	}}
}

func (k *keeper) note(format string, args ...any) {
	if len(k.log.Notes) < maxNotes {
		k.log.Notes = append(k.log.Notes, fmt.Sprintf(format, args...))
	}
}

// add keeps a value of a series, or thins it out.
func (k *keeper) add(name string, s trace.Sample) {
	of := k.kept[name]
	if of == nil {
		if len(k.kept) >= maxSeries {
			k.leaveOut("more than %d series: the rest was left out, from step %d on", maxSeries, s.Step)
			return
		}
		of = &thinned{every: 1, kind: kindOf(s.Value)}
		k.kept[name] = of
	}
	at := arrival{index: of.came, turn: kindOf(s.Value) != of.kind}
	of.came, of.kind = of.came+1, kindOf(s.Value)
	if !of.keeps(at) {
		return
	}
	if k.samples >= k.most && !k.full {
		before := k.samples
		k.thin()
		k.full = before-k.samples < k.most/8 // nearly nothing but turns
		if !of.keeps(at) {
			return
		}
	}
	if k.samples >= k.most {
		k.leaveOut("more than %d values that become or cease to be zero or no number: the rest was left out, from step %d on", k.most, s.Step)
		return
	}
	k.samples++
	of.places = append(of.places, at)
	k.log.Series[name] = append(k.log.Series[name], s)
}

func (t *thinned) keeps(a arrival) bool { return a.turn || a.index%t.every == 0 }

// thin halves the long series, all of about one length together, so that what was
// logged at one step stays together.
func (k *keeper) thin() {
	longest := 0
	for _, of := range k.kept {
		longest = max(longest, len(of.places))
	}
	for name, of := range k.kept {
		if len(of.places) <= longest/2 {
			continue
		}
		of.every *= 2
		series, n := k.log.Series[name], 0
		for i, at := range of.places {
			if of.keeps(at) {
				series[n], of.places[n] = series[i], at
				n++
			}
		}
		k.samples -= len(of.places) - n
		k.log.Series[name], of.places = series[:n], of.places[:n]
	}
	k.leaveOut("more than %d values: of long series only one of so many is kept, and each that becomes or ceases to be zero or no number", k.most)
}

// leaveOut says once that something of the log is not kept.
func (k *keeper) leaveOut(format string, args ...any) {
	if !k.said[format] {
		k.said[format] = true
		k.note(format, args...)
	}
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
