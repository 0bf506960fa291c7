package tui

import (
	"errors"
	"fmt"
	"testing"

	"hone/data"
)

// sizes are the usual terminal, a large one and an odd one.
var sizes = [][2]int{{80, 24}, {120, 40}, {93, 17}}

// states are the main states of the screens: how to get there from a start.
var states = []goldenState{
	{"data", nil, []string{"down", "down"}},
	{"data-statistics", nil, []string{"v"}},
	{"data-findings", nil, []string{"f"}},
	{"data-filter", nil, []string{"/", "text:weekly"}},
	{"data-no-data", func(f *fakeBackend) {
		f.work, f.workErr = nil, errors.New("loading data: calendar.jsonl: no such file or directory")
	}, nil},
	{"data-no-model", noModel, nil},
	{"experiment", nil, []string{"2", "down", "down"}},
	{"experiment-edit", nil, []string{"2", "/", "text:lora.r", "enter", "enter", "ctrl+u", "text:0"}},
	{"experiment-no-model", noModel, []string{"2"}},
	{"experiment-preflight", nil, []string{"2", "down", "down", "c"}},
	{"experiment-refused", func(f *fakeBackend) { f.pre = samplePreflight(6) }, []string{"2", "down", "down", "c"}},
	{"experiment-presets", nil, []string{"2", "p"}},
	{"compare", nil, []string{"6", "down", "c", "down"}},
	{"compare-raw", nil, []string{"6", "down", "c", "r"}},
	{"compare-scores", nil, []string{"6", "down", "c", "v"}},
	{"compare-mistakes", nil, []string{"6", "down", "c", "v", "v"}},
	{"compare-note", nil, []string{"6", "down", "c", "s", "down", "/", "text:note:", "enter"}},
	{"compare-chooser", nil, []string{"6", "down", "c", "a"}},
	{"compare-odds", nil, []string{"6", "down", "c", "t", "text:Dinner with Zoe", "enter", "o", "right"}},
	{"compare-none", func(f *fakeBackend) { f.cmp, f.cmpErr = nil, errNotCompared }, []string{"6", "down", "c"}},
	{"compare-try", nil, []string{"6", "down", "c", "t", "text:Dinner with Zoe", "enter"}},
	{"compare-no-run", nil, []string{"5"}},
	{"runs", nil, []string{"6", "down", "down"}},
	{"runs-marked", nil, []string{"6", " ", "down"}},
	{"experiment-against", nil, []string{"2", "d", "text:quick", "enter", "/", "text:lora", "enter"}},
	{"experiment-differences", nil, []string{"2", "d", "text:careful", "enter", "D"}},
	{"runs-pair", nil, []string{"6", " ", "down", "="}},
	{"runs-query", nil, []string{"6", "/", "text:lr>=1e-4 tag:go"}},
	{"runs-query-error", nil, []string{"6", "/", "text:lr>=fast"}},
	{"runs-tags", nil, []string{"6", "down", "t"}},
	{"runs-overlay", nil, []string{"6", " ", "down", "down", " ", "up", "o", "left", "H", "+"}},
	{"runs-none", func(f *fakeBackend) { f.rows = nil }, []string{"6"}},
	{"runs-delete", nil, []string{"6", "down", "d"}},
	{"help", nil, []string{"?"}},
	{"palette", nil, []string{"ctrl+p", "text:sta"}},
}

func noModel(f *fakeBackend) {
	w := sampleWorkspace()
	w.Tokens, w.Measure, w.OpenBase = nil, nil, nil
	w.ModelProblem = errors.New("this version has no built-in model or dataset: name a model with --model DIR (config.json, safetensors and tokenizer.json) or --model FILE.gguf")
	for s := range w.Splits {
		w.Splits[s].Encoded = false
	}
	d := &data.Dataset{Schema: sampleSchema}
	for i := range 554 {
		row, _ := sampleRow(i)
		d.Train = append(d.Train, row)
	}
	d.Eval, d.Test = d.Train[:118], d.Train[:120]
	w.Index = data.NewIndex(d, nil, w.Findings)
	f.work = w
	f.planErr = w.ModelProblem
}

func TestGoldenFrames(t *testing.T) { goldenFrames(t, states, sizes) }

// goldenState is what a frame is kept of: a backend and the keys that lead there.
type goldenState struct {
	name  string
	setup func(*fakeBackend)
	keys  []string
}

// goldenFrames compares the frames of states at sizes with the golden ones.
func goldenFrames(t *testing.T, states []goldenState, sizes [][2]int) {
	for _, s := range states {
		for _, size := range sizes {
			name := fmt.Sprintf("%s-%dx%d", s.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := full()
				if s.setup != nil {
					s.setup(f)
				}
				b := start(t, f, size[0], size[1])
				b.press(s.keys...)
				checkFrame(t, name, b.View(), size[0], size[1])
				b.golden(name)
			})
		}
	}
}
