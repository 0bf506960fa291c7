package tui

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"hone/experiments"
	"hone/runs"
)

// recordedSteps is how many steps the recorded run of the tests has: each took a
// second, and each of its four evaluations two.
const recordedSteps = 40

// recordRun writes a finished run.
func recordRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "2026-11-23-1530-calendar")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := experiments.Default()
	c.Train.EvalEvery, c.Train.CheckpointEvery = 10, 20
	config, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	info, err := json.Marshal(runs.RunInfo{
		Schema: 1, ID: filepath.Base(dir), Name: "calendar", State: runs.Finished, PID: 77, Started: began, Updated: began.Add(time.Minute), Ended: began.Add(time.Minute),
		ElapsedSeconds: 60, Step: recordedSteps, Steps: recordedSteps, Resolved: map[string]any{"dtype": "f32", "kernels": "avx2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var metrics, trace strings.Builder
	add := func(to *strings.Builder, record any) {
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		to.Write(append(text, '\n'))
	}
	at := began
	add(&metrics, runs.Log{Type: "log", Time: at, Level: "info", Message: "kernels avx2"})
	for s := 1; s <= recordedSteps; s++ {
		at = at.Add(time.Second)
		x := float64(s)
		loss := 0.2 + 3*math.Exp(-x/9) + 0.15*math.Sin(x*2.3)*math.Exp(-x/20)
		add(&metrics, runs.Step{
			Type: "step", Step: s, Epoch: runs.Number(x / 20), Loss: runs.Number(loss), CE: runs.Number(loss * 0.8), JSON: 0.1, Field: 0.2, Confidence: 0.3,
			GradNorm: runs.Number(2*math.Exp(-x/15) + 0.2), LR: runs.Number(5e-4 * (1 - x/recordedSteps)), Tokens: 800, TargetTokens: 400, Seconds: 1,
		})
		g := gradients(s, 4)
		norms := map[string]runs.Number{}
		for name, v := range g.Norms {
			norms[name] = runs.Number(v)
		}
		add(&trace, runs.TraceGrad{K: "grad", Step: s, Norms: norms, Norm: runs.Number(g.Norm), Clip: 1})
		if s%10 == 0 {
			at = at.Add(2 * time.Second)
			add(&metrics, runs.Eval{Type: "eval", Step: s, Split: "eval", Loss: runs.Number(loss + 0.1), ExactMatch: runs.Number(x / 50), JSONValidity: runs.Number(x / 40), FieldAccuracy: runs.Number(x / 45), N: 32, Seconds: 2})
			add(&metrics, runs.Sample{Type: "sample", Step: s, Time: at, Split: "eval", Row: 1, Text: fmt.Sprintf(`{"action": "Lunch", "time": "%d:30"}`, s), Tokens: 12, StoppedBy: "closed", Valid: true})
		}
		if s%20 == 0 {
			add(&metrics, runs.Checkpoint{Type: "checkpoint", Step: s, Time: at, Path: runs.CheckpointName(s), Reason: "every"})
		}
	}
	for path, text := range map[string]string{
		runs.ConfigFile(dir): string(config), runs.InfoFile(dir): string(info), runs.MetricsFile(dir): metrics.String(), runs.TracePath(dir): trace.String(),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// replayBench is the workbench on a replay whose clock the test drives.
type replayBench struct {
	*bench
	time time.Time
}

func startReplay(t *testing.T, dir string, speed float64, width, height int) *replayBench {
	t.Helper()
	player, err := runs.OpenPlayer(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := player.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &replayBench{bench: &bench{t: t, fake: full(), clock: time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)}, time: time.Unix(1000, 0)}
	a := newApp(context.Background(), Options{Config: experiments.Default(), Store: "runs", Version: "test"}, r.fake, plainTheme(false))
	a.after = func(time.Duration, tea.Msg) tea.Cmd { return nil } // the test polls
	a.now = func() time.Time { return r.clock }
	a.play(newReplay(player, speed, func() time.Time { return r.time }))
	r.shell = newShell(a)
	r.active = trainScreenID
	r.send(tea.WindowSizeMsg{Width: width, Height: height})
	r.run(r.Init())
	return r
}

// pass lets time go by and polls.
func (r *replayBench) pass(d time.Duration) *snapshot {
	r.t.Helper()
	r.time = r.time.Add(d)
	r.run(r.pollSoon())
	return r.snap
}

// at fails unless the playback has come to a step.
func (r *replayBench) at(step, percent int, state string) {
	r.t.Helper()
	if s := r.snap; s.Info.Step != step || s.Replay.Percent != percent || s.State != state || len(s.History.Steps) != step {
		r.t.Fatalf("the replay is at step %d (%d in the history), %d %%, %s; want step %d, %d %%, %s",
			s.Info.Step, len(s.History.Steps), s.Replay.Percent, s.State, step, percent, state)
	}
}

// Whatever the pace, every record comes once and in its order.
func TestReplayDeliversEveryRecordOnce(t *testing.T) {
	dir := recordRun(t)
	all, err := runs.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		speed float64
		tick  time.Duration
	}{{1, 300 * time.Millisecond}, {10, 100 * time.Millisecond}, {0.5, 7 * time.Second}, {1000, time.Second}, {math.Inf(1), time.Millisecond}} {
		r := startReplay(t, dir, test.speed, 80, 24)
		var got runs.History
		c := newCursor(dir)
		take := func(s *snapshot) {
			if !c.advance(s, func(e runs.Event) { got.Events = append(got.Events, e) }, func(s runs.Step) { got.Steps = append(got.Steps, s) }, func(e runs.Eval) { got.Evals = append(got.Evals, e) }) {
				t.Fatalf("at %gx the history was cut back", test.speed)
			}
		}
		for take(r.snap); !r.snap.Replay.ended(); take(r.pass(test.tick)) {
			if len(r.snap.History.Steps) == recordedSteps && r.snap.State == runs.Finished {
				break
			}
		}
		if !reflect.DeepEqual(got.Steps, all.Steps) || !reflect.DeepEqual(got.Evals, all.Evals) || !reflect.DeepEqual(got.Events, all.Events) {
			t.Errorf("at %gx: %d steps, %d evaluations, %d events; want %d, %d, %d", test.speed, len(got.Steps), len(got.Evals), len(got.Events), len(all.Steps), len(all.Evals), len(all.Events))
		}
		r.at(recordedSteps, 100, runs.Finished)
	}
}

func TestReplayFollowsItsClock(t *testing.T) {
	r := startReplay(t, recordRun(t), 1, 80, 24)
	r.at(0, 0, runs.Running)
	r.sees("the recording begins", "replay 1x", "0 %")
	r.pass(999 * time.Millisecond)
	r.at(0, 2, runs.Running)
	r.pass(time.Millisecond)
	r.at(1, 2, runs.Running)

	r.press(" ") // pause
	r.pass(time.Hour)
	r.at(1, 2, runs.Paused)
	r.sees("paused after step 1: space plays on", "= replay 1x", "space play ")
	r.press(".", ".")
	r.pass(time.Hour)
	r.at(3, 6, runs.Paused)
	r.press(" ")
	r.pass(2 * time.Second)
	r.at(5, 10, runs.Running)

	r.press(">") // 2x
	r.sees("replay at 2x")
	r.at(5, 10, runs.Running)
	r.pass(2 * time.Second)
	r.at(9, 19, runs.Running)
	r.press("<", "<") // 0.5x
	r.pass(2 * time.Second)
	r.at(10, 21, runs.Running)
	r.pass(2 * time.Second) // an evaluation is under way
	r.at(10, 23, runs.Running)
	r.pass(2 * time.Second)
	if n := len(r.snap.History.Evals); n != 1 {
		t.Errorf("%d evaluations after the first", n)
	}

	r.press(" ", "}") // 35 %
	r.at(14, 35, runs.Paused)
	r.press("{", "{")
	r.at(7, 15, runs.Paused)
	r.press(")")
	r.at(10, 25, runs.Paused)
	r.press(")")
	r.at(20, 50, runs.Paused)
	r.press("(", "(")
	r.at(0, 0, runs.Paused)

	r.press("%", "text:abc", "enter")
	r.sees("neither a share such as 60% nor a step")
	r.press("ctrl+u", "text:41", "enter")
	r.sees("never came to step 41")
	r.press("ctrl+u", "text:33", "enter")
	r.at(33, 81, runs.Paused)
	r.press("%", "text:50%", "enter")
	r.at(20, 50, runs.Paused)

	r.press("%", "text:100%", "enter")
	r.at(40, 100, runs.Finished)
	r.sees("replay over", "finished", "play again")
	r.press(" ")
	r.at(0, 0, runs.Running)
	r.pass(2 * time.Second)
	r.at(1, 2, runs.Running)
	r.press(">", ">", ">", ">", ">", ">", ">", ">", ">", ">", ">")
	r.sees("full speed: everything at once")
	r.pass(0)
	r.at(40, 100, runs.Finished)
}

// The screens show the moment that is played.
func TestReplayOnEveryScreen(t *testing.T) {
	r := startReplay(t, recordRun(t), 1, 120, 40)
	r.press("%", "text:20", "enter", " ")
	r.sees("step 20 / 40", "eval        10")
	r.press("4", "tab", "tab", "tab")
	r.sees("gradients of step 20", "nothing wrong so far")
	r.press("6")
	r.sees("2026-11-23-1530-calendar", "20/40")
	r.press("5")
	r.sees("replay 1x paused")
	r.press("g")
	r.lacks("generating")
	// What another process or this one would have to train says why it does nothing.
	r.press("3")
	for _, key := range []string{"e", "c", "l", "u", "w", "s"} {
		r.press(key)
		r.sees("this is a replay of what was recorded: nothing is trained")
	}
	// The keys of the replay are in footer, help and palette, and give way to a screen's own.
	r.sees("space play", ". step", "</> speed", "{/} jump")
	r.press("?")
	r.sees("replay", "play one step of the run, then pause", "to the next evaluation")
	r.press("esc", "ctrl+p", "text:play one")
	r.sees("step")
	r.press("esc", "6")
	r.lacks("space play")
}

// Whatever is pressed, the recorded run stays as it was, to the byte.
func TestReplayWritesNothing(t *testing.T) {
	dir := recordRun(t)
	before := treeOf(t, dir)
	r := startReplay(t, dir, 10, 100, 30)
	for id := range screenCount {
		r.press(fmt.Sprint(int(id) + 1))
		for _, key := range []string{" ", ".", "e", "c", "l", "u", "w", "s", "g", "r", "d", "y", "enter", "esc", "}", "enter", "esc"} {
			r.press(key)
			r.press("esc")
			r.pass(time.Second)
		}
	}
	for _, call := range []string{"start", "remove", "compare"} {
		if r.fake.has(call) && strings.Contains(fmt.Sprint(r.fake), dir) {
			t.Errorf("%s reached the backend", call)
		}
	}
	back := replaying{r.fake, r.replay}
	if _, err := back.Start(context.Background(), experiments.Default(), experiments.StartOptions{RunDir: dir}); err != errReplay {
		t.Errorf("resuming the replayed run: %v", err)
	}
	if err := back.Remove(filepath.Dir(dir), filepath.Base(dir)); err != errReplay {
		t.Errorf("deleting the replayed run: %v", err)
	}
	if _, err := back.Compare(context.Background(), [2]experiments.Side{experiments.BaseOf(dir), {RunDir: dir}}, "test", nil); err != errReplay {
		t.Errorf("generating for the replayed run: %v", err)
	}
	if after := treeOf(t, dir); !reflect.DeepEqual(before, after) {
		t.Errorf("the run directory was changed: %v, %v", before, after)
	}
}

// treeOf are the files of a directory with what they hold and when they changed.
func treeOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		stat, err := d.Info()
		tree[path] = fmt.Sprint(stat.ModTime()) + string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// frameOf draws a frame of the recorded run.
func frameOf(t *testing.T, dir string, f FrameOptions) string {
	t.Helper()
	c, err := experiments.LoadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := Frame(context.Background(), Options{Config: c, Store: "no-runs", RunDir: dir, Version: "test", Replay: 10}, f)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func TestReplayGoldenFrames(t *testing.T) {
	dir := recordRun(t)
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, at := range []string{"60%", "100%"} {
			name := fmt.Sprintf("replay-train-%s-%dx%d", strings.TrimSuffix(at, "%"), size[0], size[1])
			frame := frameOf(t, dir, FrameOptions{Screen: "train", At: at, Width: size[0], Height: size[1], Plain: true})
			checkFrame(t, name, frame, size[0], size[1])
			compareGolden(t, name, frame)
		}
	}
}

// A frame is the same again, and its colours change nothing but colour.
func TestFramesOfAReplayAreTheSame(t *testing.T) {
	dir := recordRun(t)
	for _, screen := range screenNames {
		f := FrameOptions{Screen: screen, At: "25", Width: 120, Height: 40, Keys: []string{" ", "down"}}
		colour := frameOf(t, dir, f)
		checkFrame(t, screen, ansi.Strip(colour), 120, 40)
		if !strings.Contains(colour, "\x1b[") {
			t.Errorf("%s has no colour", screen)
		}
		f.Plain = true
		// The cost of the experiment is measured, so its figures are not the same again.
		if screen == "experiment" {
			continue
		}
		if plain := frameOf(t, dir, f); plain != ansi.Strip(colour) || plain != frameOf(t, dir, f) {
			t.Errorf("%s differs:\n%s\n%s", screen, plain, ansi.Strip(colour))
		}
	}
}

func TestFramesThatCannotBe(t *testing.T) {
	dir := recordRun(t)
	for want, f := range map[string]FrameOptions{
		"no screen":           {Screen: "tram", Width: 80, Height: 24},
		"within 500x200":      {Screen: "train", Width: 80, Height: 201},
		"no share of the run": {Screen: "train", At: "101%", Width: 80, Height: 24},
		"never came to step":  {Screen: "train", At: "41", Width: 80, Height: 24},
	} {
		if _, err := Frame(context.Background(), Options{Config: experiments.Default(), RunDir: dir, Replay: 1}, f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
}
