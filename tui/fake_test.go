package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hone/data"
	"hone/engine/batch"
	"hone/engine/trace"
	"hone/experiments"
	"hone/runs"
)

// fakeBackend answers from what a test put into it.
type fakeBackend struct {
	mu       sync.Mutex
	work     *workspace
	workErr  error
	plan     planView
	planErr  error
	pre      experiments.Preflight
	preErr   error
	started  *experiments.Config // what Start was asked for last
	run      *fakeRun
	startErr error
	snap     *snapshot
	rows     []runRow
	rowsErr  error
	cmp      *comparison
	cmpErr   error
	made     *comparison // what Compare makes
	prompt   prompter
	sidesErr error
	noteErr  error
	files    map[string]experiments.Config
	replay   *experiments.Replay // of a step; nil = it lasts until it is stopped

	models    experiments.ModelsAtHand
	modelsErr error
	rates     *experiments.FoundRate // of a sweep
	ratesErr  error
	sides     []experiments.Side // of a run; nil = one of each kind
	artifact  *experiments.Artifact
	exportErr error
	endless   bool // sweeps and exports last until they are stopped

	calls []string
}

func (f *fakeBackend) called(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

// has reports whether a call was made.
func (f *fakeBackend) has(call string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == call {
			return true
		}
	}
	return false
}

func (f *fakeBackend) Open(ctx context.Context, c experiments.Config) (*workspace, error) {
	f.called("open %s", c.Data.Path)
	return f.work, f.workErr
}

func (f *fakeBackend) Plan(c experiments.Config) (planView, error) {
	f.called("plan r=%d", c.LoRA.R)
	p := f.plan
	p.TrainableParams = p.TrainableParams / 16 * int64(c.LoRA.R)
	p.Rates = ratesOf(c, p.Steps)
	return p, f.planErr
}

func (f *fakeBackend) Preflight(_ context.Context, c experiments.Config) (experiments.Preflight, error) {
	f.called("preflight r=%d", c.LoRA.R)
	return f.pre, f.preErr
}

func (f *fakeBackend) SaveConfig(path string, c experiments.Config, overwrite bool) error {
	f.called("save %s %v", path, overwrite)
	if _, there := f.files[path]; there && !overwrite {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if f.files == nil {
		f.files = map[string]experiments.Config{}
	}
	f.files[path] = c
	return nil
}

func (f *fakeBackend) RunConfig(dir string) (experiments.Config, error) {
	f.called("config %s", dir)
	c := experiments.Default()
	c.LoRA.R = 8
	return c, nil
}

func (f *fakeBackend) Start(ctx context.Context, c experiments.Config, o experiments.StartOptions) (ownRun, error) {
	store := o.Store
	if o.RunDir != "" {
		store = "runs"
	}
	f.called("start %s dir=%s r=%d", store, o.RunDir, c.LoRA.R)
	if o.Rewind != nil {
		f.called("rewind to %d without %v", o.Rewind.To, o.Rewind.Without)
	}
	for _, x := range o.Inject {
		f.called("inject %s", x)
	}
	f.started = &c
	if f.startErr != nil {
		return nil, f.startErr
	}
	return f.run, nil
}

func (f *fakeBackend) Follow(dir string) follower {
	f.called("follow %s", dir)
	if f.snap == nil {
		return &fakeFollower{&snapshot{Dir: dir, State: runs.Absent, History: &runs.History{}, Err: errors.New("no run")}, false}
	}
	snap := *f.snap
	snap.Dir = dir
	return &fakeFollower{&snap, false}
}

func (f *fakeBackend) Runs(context.Context, string) ([]runRow, error) {
	f.called("runs")
	return f.rows, f.rowsErr
}

func (f *fakeBackend) Curve(dir string) ([]curvePoint, error) {
	f.called("curve %s", dir)
	var points []curvePoint
	for i := range 200 {
		points = append(points, curvePoint{i + 1, float64(len(dir)%7+1) * math.Exp(-float64(i)/60)})
	}
	points[120].Loss = math.NaN()
	return points, nil
}

func (f *fakeBackend) Label(dir string, change func(*runs.Labels)) error {
	for i := range f.rows {
		if r := &f.rows[i]; r.Dir == dir {
			l := runs.Labels{Name: r.Name, Tags: r.Tags, Note: r.Note}
			change(&l)
			r.Name, r.Tags, r.Note = l.Name, l.Tags, l.Note
			f.called("label %s %q %q %q", r.ID, l.Name, l.Tags, l.Note)
			return nil
		}
	}
	return errors.New("no such run")
}

func (f *fakeBackend) Gradients(string, int) (runs.GradientTail, error) {
	return runs.GradientTail{}, nil
}

func (f *fakeBackend) Remove(store, id string) error {
	f.called("remove %s", id)
	var kept []runRow
	for _, r := range f.rows {
		if r.ID != id {
			kept = append(kept, r)
		}
	}
	f.rows = kept
	return nil
}

func (f *fakeBackend) ReadComparison(sides [2]experiments.Side, split string) (*comparison, error) {
	f.called("read %s %s %s", sides[1].RunDir, sides[0].Model, split)
	return f.cmp, f.cmpErr
}

func (f *fakeBackend) Compare(ctx context.Context, sides [2]experiments.Side, split string, progress func(done, total int)) (*comparison, error) {
	f.called("compare %s %s", sides[1].RunDir, split)
	progress(1, 2)
	if f.made == nil {
		return nil, errors.New("the adapter is gone")
	}
	progress(2, 2)
	return f.made, nil
}

func (f *fakeBackend) Sides(_ context.Context, store, dir string) ([]experiments.Side, error) {
	other := "runs/2026-11-22-0911-high-\x1b[31mrate"
	return []experiments.Side{
		experiments.BaseOf(dir), experiments.CheckpointOf(dir, 50), experiments.CheckpointOf(dir, 100), experiments.TunedOf(dir),
		experiments.BaseOf(other), experiments.TunedOf(other),
	}, f.sidesErr
}

func (f *fakeBackend) SetNote(dir, id, event, text string) error {
	f.called("note %s %s %s", dir, id, text)
	return f.noteErr
}

func (f *fakeBackend) Export(_ *comparison, path string, overwrite bool) error {
	f.called("export %s %v", path, overwrite)
	if path == "there.html" && !overwrite {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return nil
}

func (f *fakeBackend) OpenPrompt(context.Context, [2]experiments.Side) (prompter, error) {
	f.called("prompt")
	if f.prompt == nil {
		return nil, errors.New("the model is gone")
	}
	return f.prompt, nil
}

type fakeFollower struct {
	snap *snapshot
	told bool
}

func (f *fakeFollower) Poll() (*snapshot, bool) {
	changed := !f.told
	f.told = true
	return f.snap, changed
}

// fakeRun is a run of this process that a test ends.
type fakeRun struct {
	dir   string
	state string
	calls []string
	live  context.Context
	end   context.CancelFunc
	err   error
}

func newFakeRun(dir string) *fakeRun {
	r := &fakeRun{dir: dir, state: runs.Running}
	r.live, r.end = context.WithCancel(context.Background())
	return r
}

func (r *fakeRun) Dir() string   { return r.dir }
func (r *fakeRun) State() string { return r.state }
func (r *fakeRun) Pause()        { r.calls = append(r.calls, "pause") }
func (r *fakeRun) Resume()       { r.calls = append(r.calls, "resume") }
func (r *fakeRun) Step()         { r.calls = append(r.calls, "step") }
func (r *fakeRun) Stop()         { r.calls = append(r.calls, "stop"); r.state = runs.Stopped; r.end() }
func (r *fakeRun) Checkpoint()   { r.calls = append(r.calls, "checkpoint") }
func (r *fakeRun) Evaluate()     { r.calls = append(r.calls, "evaluate") }
func (r *fakeRun) SetLR(float64) { r.calls = append(r.calls, "lr") }
func (r *fakeRun) Abandon()      { r.calls = append(r.calls, "abandon"); r.state = runs.Stopped; r.end() }

func (r *fakeRun) SetLoss(w experiments.LossConfig) error {
	r.calls = append(r.calls, "loss "+lossWeightsText(w))
	return w.Check()
}

func (r *fakeRun) SetBatchSize(n int) error {
	r.calls = append(r.calls, fmt.Sprintf("batch %d", n))
	return nil
}
func (r *fakeRun) Watch([]int)           { r.calls = append(r.calls, "watch") }
func (r *fakeRun) Done() <-chan struct{} { return r.live.Done() }
func (r *fakeRun) Err() error            { return r.err }

type fakePrompt struct{}

func (fakePrompt) Close() {}

func (fakePrompt) Try(_ context.Context, text string, _ bool, sides [2]bool, seen func(int, experiments.TriedToken)) ([2]*generated, error) {
	var out [2]*generated
	say := func(side int, words ...string) {
		for i, w := range words {
			p := 0.9 / float64(i%3+1)
			seen(side, experiments.TriedToken{Text: w, P: p, End: w == "<|im_end|>", Top: []experiments.Alternate{{Text: w, P: p}, {Text: " o\x1b[0mther\n", P: 0.04}, {Text: "\xe4\xbc", P: math.NaN()}}})
		}
	}
	if sides[0] {
		say(0, "Calendar", ": ", text, "\nnothing")
		out[0] = &generated{Text: "Calendar: " + text, Tokens: 9, StoppedBy: "max_new", Reason: "no JSON object"}
	}
	say(1, `{"`, "action", `": "`, "Dinner", `"}`, "<|im_end|>")
	out[1] = &generated{
		Text: `{"action": "Dinner"}`, Tokens: 6, StoppedBy: "eos", Valid: true,
		Keys: []string{"action"}, Values: map[string]string{"action": `"Dinner"`},
	}
	return out, nil
}

var sampleSchema = []string{"action", "date", "time", "attendees", "location", "duration", "recurrence", "notes"}

// sampleEvents are texts with what outside text may hold: accents, wide and
// combining characters, escapes, tabs.
var sampleEvents = []string{
	"Weekly check-in 21 - Oct - 2023 8:15 am Teams",
	"Weekly sync with Jane on March 21, 2024, 12:00 pm in the large meeting room of the second floor, bring the numbers",
	"Late night study session at the caf\u00e9 on 15th, Dec 2024 at 9:00 pm",
	"\u4f1a\u8bae with \u674e\u96f7 2024-04-27 8:45 \u4f1a\u8bae\u5ba4",
	"Evil \x1b[31mred\x1b[0m\ttab and \u202eturned\nline",
	"Share updates w/ Liam 1st, Nov 2023 09:30 Auditorium 2hrs",
	"Photography class at the studio \U0001F469\u200d\U0001F4BB e\u0301t\u00e9",
	"Q&A workshop 18th Aug, 2024 17:00 Zoom",
}

// sampleTemplate is what the sample's prompts are made of.
const sampleTemplate = "Extract calendar information from: {event_text}\nCalendar JSON:"

// sampleRow makes a row whose tokens are words; the class of a completion's
// word follows the JSON around it.
func sampleRow(i int) (data.Row, []tokenView) {
	event := sampleEvents[i%len(sampleEvents)]
	prompt := data.Render(sampleTemplate, event)
	target := fmt.Sprintf(`{"action": "Weekly sync", "date": "%02d/03/2024", "time": "12:00 PM", "attendees": ["Jane"], "location": null}`, i%28+1)
	object, err := data.ParseObject([]byte(target))
	if err != nil {
		panic(err)
	}
	var tokens []tokenView
	for j, w := range strings.Split(prompt, " ") {
		if j > 0 {
			w = " " + w
		}
		tokens = append(tokens, tokenView{Text: w})
	}
	for f, part := range strings.Split(target, ", ") {
		key, value, _ := strings.Cut(part, ": ")
		tokens = append(tokens, tokenView{Text: " " + key, Target: true}, tokenView{Text: ":", Target: true})
		for _, w := range strings.Split(value, " ") {
			tokens = append(tokens, tokenView{Text: " " + w, Target: true, Field: sampleSchema[f]})
		}
	}
	tokens = append(tokens, tokenView{Text: "<|im_end|>", Target: true, End: true})
	for j := range tokens {
		tokens[j].ID = int32(j*j*17%49152 + 1)
	}
	return data.Row{File: "data/train.jsonl", Line: i + 1, Event: event, Prompt: prompt, Completion: target, Object: object}, tokens
}

// sampleWorkspace is a dataset of 554, 118 and 120 rows.
func sampleWorkspace() *workspace {
	var tokens [3][][]tokenView
	d := &data.Dataset{Schema: sampleSchema, Template: sampleTemplate, Format: data.Events}
	w := &workspace{
		Source: "calendar.jsonl", Format: "events", Schema: sampleSchema,
		Findings: []data.Finding{
			{ID: "DUP", Severity: "warning", Message: "2 rows of train say the same", Advice: "Remove one of them; it counts twice.", Split: "train", Rows: []int{3, 7}, Evidence: []string{"rows 3 and 7"}},
			{ID: "LEAK", Severity: "error", Message: "1 row of test is in train as well", Advice: "Take it out of one of them: the score is too good.", Split: "test", Rows: []int{1}},
		},
	}
	encoded := map[string]data.Encoded{}
	splits := []*[]data.Row{&d.Train, &d.Eval, &d.Test}
	for s, n := range []int{554, 118, 120} {
		name := data.Splits()[s]
		e := data.Encoded{Split: name}
		sp := splitView{Name: name, Encoded: true, Tokens: n * 119, Targets: n * 78}
		for i := range n {
			row, of := sampleRow(i)
			*splits[s] = append(*splits[s], row)
			view := rowView{File: row.File, Line: row.Line, Text: row.Event, Event: true, Prompt: row.Prompt, Target: row.Completion}
			if s == 0 && i == 5 {
				view.Marks = &rowMarks{Dropped: "its 512 tokens are more than data.max_length"}
				e.Dropped = append(e.Dropped, data.Dropped{Row: i, Tokens: 512})
				of = nil
			} else {
				e.Rows = append(e.Rows, i)
				e.Examples = append(e.Examples, batch.Example{Row: i, IDs: make([]int32, len(of)+i*i%23)})
			}
			sp.Rows = append(sp.Rows, view)
			tokens[s] = append(tokens[s], of)
		}
		w.Splits = append(w.Splits, sp)
		encoded[name] = e
	}
	w.Splits[0].Rows[3].Marks = &rowMarks{Findings: []string{"DUP"}}
	w.Splits[0].Rows[7].Marks = &rowMarks{Findings: []string{"DUP"}}
	w.Splits[0].Dropped = 1
	w.Index = data.NewIndex(d, encoded, w.Findings)
	w.Tokens = func(split, row int) []tokenView { return tokens[split][row] }
	w.Trained = func(split, row int) []textPart {
		return trainedParts(d, &(*splits[split])[row], "<|im_end|>")
	}
	w.Raw = func(split, row int) (string, error) {
		if row == 4 {
			return "", fmt.Errorf("reading data/train.jsonl:5: %w", data.ErrChanged)
		}
		r := (*splits[split])[row]
		line, err := json.Marshal(map[string]any{"event_text": r.Event, "output": r.Object})
		return string(line), err
	}
	w.Measure = fakeMeasure(w)
	w.OpenBase = func(context.Context) (prompter, error) { return fakePrompt{}, nil }
	return w
}

// fakeMeasure finds a row the harder the higher its number is, one of them beyond
// all numbers.
func fakeMeasure(w *workspace) func(context.Context, experiments.Side, []int, func(losses, int, int)) error {
	return func(ctx context.Context, s experiments.Side, rows []int, seen func(losses, int, int)) error {
		known := losses{Source: "weights of " + s.RunDir + s.Model, Model: modelName(s)}
		seen(known, 0, len(rows))
		for i, n := range rows {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			split, row := w.Index.Place(n)
			targets := 0
			for _, token := range w.Tokens(split, row) {
				if token.Target {
					targets++
				}
			}
			if targets == 0 {
				continue
			}
			loss := rowLoss{Row: n, Nats: float64(n) / 400}
			for k := range targets {
				loss.Tokens = append(loss.Tokens, float32(k*k%9)/2)
			}
			if n == 12 {
				loss.Nats, loss.Tokens[3] = math.NaN(), float32(math.NaN())
			}
			known.Rows = append(known.Rows, loss)
			seen(known, i+1, len(rows))
		}
		return nil
	}
}

// samplePlan is what the sample would cost.
func samplePlan() planView {
	steps, tokens, memory, seconds, eos := 350, 329630, int64(1.3e9), 702.0, "<|im_end|>"
	step := 1.84
	return planView{
		TrainableParams: 4884480, TotalParams: 139399680, TrainablePercent: 3.504, Steps: &steps, Tokens: &tokens,
		MemoryBytes: &memory, Seconds: &seconds, EOS: &eos, StepSeconds: &step,
		Warnings: []experiments.Warning{{Key: "data.max_length", Message: "drops 1 train row: longer than 384 tokens"}},
	}
}

// samplePreflight is a verdict that failed at a stage, or passed with a warning.
func samplePreflight(failed int) experiments.Preflight {
	p := experiments.Preflight{Verdict: experiments.PreflightWarning, Seconds: 1.34}
	for i, name := range []string{"triage", "data", "mask", "weights", "single loss", "batch loss", "loop loss", "loss terms"} {
		s := experiments.PreflightStage{Number: i, Name: name, State: experiments.PreflightPassed, Text: "as it should be"}
		switch {
		case i == 1:
			s.State = experiments.PreflightWarning
			s.Findings = []trace.Finding{{ID: trace.DupLeak, Severity: trace.Warning, Evidence: []string{"1 of 120 test rows is in the train split too"}, Advice: "Remove it from one of the two."}}
		case failed > 0 && i == failed:
			s.State = experiments.PreflightFailed
			s.Findings = []trace.Finding{{ID: trace.ShiftTwice, Severity: trace.Error, Evidence: []string{"step 1: 8 of 8 rows predict the \x1b[31mtoken after the next"}, Advice: "Labels are shifted by the data and by the model: shift once."}}
			p.Verdict = experiments.PreflightFailed
		case failed > 0 && i > failed:
			s.State = experiments.PreflightSkipped
		}
		p.Stages = append(p.Stages, s)
	}
	return p
}

// sampleComparison is 120 examples of which tuning fixed most, made from texts as
// the live backend makes it.
func sampleComparison() *comparison {
	v := comparisonOf(sampleOutputs())
	v.Pairs[4].Note = "the date stands in the text as 1st, Nov 2023; is the target right? \x1b[31m"
	v.count()
	return v
}

var sampleOutputs = sync.OnceValue(func() *experiments.Comparison {
	row := func(text string, i int) string {
		return fmt.Sprintf(`{"event": %q, "target": "{\"action\": \"Share updates\", \"date\": \"01/11/2023\", \"time\": \"09:30 AM\", \"attendees\": [\"Liam\"], \"location\": \"Auditorium\", \"duration\": \"2hrs\", \"recurrence\": null, \"notes\": null}", "row": %d, "text": %q, "tokens": %d, "stopped_by": "eos", "target_loss": {"nats": %g, "tokens": 64, "worst": " st", "worst_nats": 3.9}}`,
			sampleEvents[i%len(sampleEvents)], i, text, 40+i, 0.01*float64(i*i%97))
	}
	dir, err := os.MkdirTemp("", "hone-sample-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	var base, tuned []string
	for i := range 120 {
		b := "The meeting is"
		if i%4 == 1 {
			b = "{\"action\": \"Share updates w/ Liam\",\n  \"date\": \"2023-11-01\", \"time\": \"09:30\", \"notes\": null}"
		}
		date, list, extra := "01/11/2023", `["Liam"]`, ""
		switch {
		case i%6 == 1:
			date = "2023-11-01"
		case i%6 == 4:
			date, list, extra = "1st", `["Liam", "Zo\u00eb \u674e"]`, " w/ Liam"
		}
		u := fmt.Sprintf(`{"action": "Share updates%s", "date": "%s", "time": "09:30 AM", "attendees": %s, "location": "Auditorium", "duration": "2hrs", "recurrence": null, "notes": null}`, extra, date, list)
		if i == 17 {
			u = "{\"action\": \x1b[31m"
		}
		base, tuned = append(base, row(b, i)), append(tuned, row(u, i))
	}
	for name, rows := range map[string][]string{"base": base, "tuned": tuned} {
		schema, _ := json.Marshal(sampleSchema)
		text := fmt.Sprintf(`{"split": "test", "model": %q, "schema": %s, "measured": true, "outputs": [%s]}`, name, schema, strings.Join(rows, ",\n"))
		text = strings.ReplaceAll(text, `\x1b`, `\u001b`)
		file := runs.EvalFile(dir, name, "test")
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			panic(err)
		}
	}
	c, err := experiments.ReadComparison(dir, "test")
	if err != nil {
		panic(err)
	}
	return c
})

// sampleRuns are runs in every state.
func sampleRuns() []runRow {
	a, b := experiments.Default(), experiments.Default()
	a.LoRA.R, a.Train.LR = 8, 1e-4
	none := math.NaN()
	curve := func(from float64) (c []float64) {
		for i := range 32 {
			c = append(c, from*math.Exp(-float64(i)/8))
		}
		return c
	}
	nan := curve(1.4)
	nan[20] = math.NaN()
	return []runRow{
		{ID: "2026-11-23-1530-calendar", Name: "calendar", Dir: "runs/2026-11-23-1530-calendar", State: runs.Running, Started: "2026-11-23 15:30", Took: "4:12", Step: 143, Steps: 350, Curve: curve(1.6), Loss: 0.0713, Exact: 0.66, FieldAccuracy: 0.95, Valid: 1, Seconds: 252, Config: &b},
		{ID: "2026-11-23-1402-calendar", Name: "calendar", Dir: "runs/2026-11-23-1402-calendar", State: runs.Finished, Started: "2026-11-23 14:02", Took: "11:42", Step: 350, Steps: 350, Curve: curve(1.5), Loss: 0.0412, Exact: 0.6917, FieldAccuracy: 0.953, Valid: 1, Seconds: 702, Tags: []string{"good", "lr-sweep"}, Note: "kept for the report", Config: &a},
		{ID: "2026-11-22-0911-high-rate", Name: "high-rate", Dir: "runs/2026-11-22-0911-high-rate", State: runs.Failed, Started: "2026-11-22 09:11", Took: "0:58", Step: 41, Steps: 350, Curve: nan, Loss: math.NaN(), Exact: math.NaN(), FieldAccuracy: none, Valid: none, Seconds: 58, Problem: "halted at step 41, before the update: the loss is 0/0, row 412 has no targets", Config: &b},
		{ID: "2026-11-21-2200-other", Name: "other", Dir: "runs/2026-11-21-2200-other", State: runs.Unreadable, Loss: math.NaN(), Exact: math.NaN(), FieldAccuracy: none, Valid: none, Problem: "damaged run directory"},
	}
}

// sampleSnapshot is a live run at step 143 of 350.
func sampleSnapshot(dir, state string) *snapshot {
	h := &runs.History{}
	for i := 1; i <= 143; i++ {
		loss := runs.Number(1.6*math.Exp(-float64(i)/30) + 0.05)
		h.Steps = append(h.Steps, runs.Step{
			Type: "step", Step: i, Epoch: runs.Number(float64(i) / 70), Loss: loss, CE: loss * 0.7, JSON: 0.06, Field: 0.09, Confidence: 0.04,
			GradNorm: runs.Number(0.3 + 1.1*math.Exp(-float64(i)/20)), LR: 4.13e-4, Tokens: 950, TargetTokens: 620, Seconds: 1.84,
		})
		if i%25 == 0 {
			h.Evals = append(h.Evals, runs.Eval{Type: "eval", Step: i, Split: "eval", Loss: loss, ExactMatch: runs.Number(float64(i) / 200), JSONValidity: 1, FieldAccuracy: 0.9, N: 32})
		}
	}
	return &snapshot{
		Dir: dir, Version: 1, State: state, History: h, StepsPerSecond: 0.54, TokensPerSecond: 482, Left: 11*time.Minute + 42*time.Second,
		Info: runs.RunInfo{ID: baseName(dir), Name: "calendar", State: state, Step: 143, Steps: 350},
	}
}

// full is a backend that has everything.
func full() *fakeBackend {
	cmp := sampleComparison()
	return &fakeBackend{
		models: sampleModels(), rates: sampleRates(), artifact: sampleArtifact(),
		work: sampleWorkspace(), plan: samplePlan(), pre: samplePreflight(0), rows: sampleRuns(), cmp: cmp, made: cmp, prompt: fakePrompt{},
		snap: sampleSnapshot("runs/2026-11-23-1530-calendar", runs.Running),
		run:  newFakeRun("runs/2026-11-23-1530-calendar"),
	}
}
