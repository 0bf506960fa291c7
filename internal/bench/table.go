package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrTable is wrapped by errors about lines that are no measurements.
var ErrTable = errors.New("not a measurement")

// line is a measurement of Hone, or of a peer by the tools that measure it.
type line struct {
	Setting
	TokensPerSecond float64 `json:"tokens_per_second"`
	PromptRate      float64 `json:"prompt_tokens_per_second"`
	ShareOfBound    float64 `json:"share_of_bound"`
	GemmBound       float64 `json:"gemm_bound"`
	Seconds         float64 `json:"seconds"`
	Rows            int     `json:"n"`
	Exact           float64 `json:"exact_match"`
	PeakBytes       int64   `json:"peak_bytes"`

	Peer   string  `json:"peer"`
	GGUF   string  `json:"gguf"`
	Batch  int     `json:"batch"`
	MaxRSS float64 `json:"max_rss_gb"` // ru_maxrss, which is in KiB, by a million
}

// work is what a line is about: lines of the same work and side are rounds of
// one measurement.
func (l line) work() string {
	switch {
	case l.Peer == "pytorch+peft":
		return "train"
	case l.Peer != "":
		return "decode"
	}
	return l.What
}

// memory is the peak in bytes, 0 if not known.
func (l line) memory() float64 {
	if l.MaxRSS > 0 {
		return l.MaxRSS * 1e6 * 1024
	}
	return float64(l.PeakBytes)
}

// side is who did the work, and in what.
func (l line) side() string {
	switch {
	case l.GGUF != "":
		return l.Peer + " " + strings.TrimSuffix(l.GGUF, ".gguf")
	case l.Peer != "" && l.Batch > 0 && l.work() == "decode":
		return fmt.Sprintf("%s %s, batch %d", l.Peer, l.DType, l.Batch)
	case l.Peer != "":
		return l.Peer + " " + l.DType
	}
	return l.Model + " " + l.DType
}

// rounds are the lines of one work and side.
type rounds []line

func (r rounds) median(of func(line) float64) float64 {
	values := make([]float64, len(r))
	for i, l := range r {
		values[i] = of(l)
	}
	return median(values)
}

func (r rounds) rate() float64 { return r.median(func(l line) float64 { return l.TokensPerSecond }) }

func (r rounds) memory() float64 { return r.median(line.memory) }

// Table reads measurements, one JSON object a line, of Hone and of peers, and
// writes the medians over the rounds and their ratios as Markdown. Errors wrap
// [ErrTable].
func Table(w io.Writer, in io.Reader) error {
	own, peers, err := readLines(in)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return fmt.Errorf("%w: there is no line of Hone's", ErrTable)
	}
	first := own[0][0]
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s, %d cores, %s, %d threads. Kernels: %s. Rounds: %d; medians.\n", first.CPU, first.Cores, first.OS, first.Threads, first.Why, len(own[0]))
	compared(out, "train", "share of bound", own, peers, func(r rounds) string {
		return fmt.Sprintf("%.0f %% of %.0f GFLOP/s", 100*r.median(func(l line) float64 { return l.ShareOfBound }), r.median(func(l line) float64 { return l.GemmBound }))
	})
	compared(out, "decode", "prompt tokens/s", own, peers, func(r rounds) string {
		return fmt.Sprintf("%.0f", r.median(func(l line) float64 { return l.PromptRate }))
	})
	evaluations(out, own)
	return out.Flush()
}

// readLines groups the lines, in the order in which each group began.
func readLines(in io.Reader) (own, peers []rounds, err error) {
	add := func(groups []rounds, l line) []rounds {
		for i, g := range groups {
			if g[0].work() == l.work() && g[0].side() == l.side() {
				groups[i] = append(g, l)
				return groups
			}
		}
		return append(groups, rounds{l})
	}
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), 16<<20)
	for n := 1; s.Scan(); n++ {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w: %w", n, ErrTable, err)
		}
		switch {
		case l.Peer != "":
			peers = add(peers, l)
		case l.What != "":
			own = add(own, l)
		default:
			return nil, nil, fmt.Errorf("line %d: %w: it says neither what nor which peer", n, ErrTable)
		}
	}
	return own, peers, s.Err()
}

// compared writes a table of one work: every measurement of Hone with every
// peer's, but for f32 against a peer's bf16.
func compared(w io.Writer, work, detail string, own, peers []rounds, text func(rounds) string) {
	of := func(groups []rounds) []rounds {
		return slices.DeleteFunc(slices.Clone(groups), func(r rounds) bool { return r[0].work() != work })
	}
	mine, theirs := of(own), of(peers)
	if len(mine) == 0 {
		return
	}
	fmt.Fprintf(w, "\n| %s | tokens/s | %s | peak | peer | its tokens/s | its peak | speed | memory |\n|---|---|---|---|---|---|---|---|---|\n", work, detail)
	for _, m := range mine {
		start := fmt.Sprintf("| %s | %.1f | %s | %s |", m[0].side(), m.rate(), text(m), gigabytes(m.memory()))
		alone := true
		for _, t := range theirs {
			if m[0].DType == "f32" && t[0].DType == "bf16" {
				continue
			}
			alone = false
			memory := ""
			if t.memory() > 0 {
				memory = fmt.Sprintf("%.2f", m.memory()/t.memory())
			}
			fmt.Fprintf(w, "%s %s | %.1f | %s | %.2fx | %s |\n", start, t[0].side(), t.rate(), gigabytes(t.memory()), m.rate()/t.rate(), memory)
		}
		if alone {
			fmt.Fprintf(w, "%s | | | | |\n", start)
		}
	}
}

// evaluations writes the table of Hone's evaluations.
func evaluations(w io.Writer, own []rounds) {
	header := "\n| eval | rows | seconds | tokens/s | exact match | peak |\n|---|---|---|---|---|---|\n"
	for _, r := range own {
		if r[0].work() != "eval" {
			continue
		}
		fmt.Fprintf(w, "%s| %s, batch %d | %d | %.1f | %.1f | %.3f | %s |\n", header, r[0].side(), r[0].Batch, r[0].Rows,
			r.median(func(l line) float64 { return l.Seconds }), r.rate(), r.median(func(l line) float64 { return l.Exact }), gigabytes(r.memory()))
		header = ""
	}
}

func gigabytes(bytes float64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f GB", bytes/1e9)
}
