package experiments

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"

	"hone/data"
	"hone/engine/batch"
	"hone/engine/decode"
	"hone/engine/kernel"
	"hone/engine/weights"
)

func TestMachineMemory(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	meminfo := file("MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    9000000 kB\n")
	for _, c := range []struct {
		name        string
		root        fstest.MapFS
		total, free int64
	}{
		{"nothing known", fstest.MapFS{}, 0, 0},
		{"no groups", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/status": file("VmRSS:\t 100 kB\n")}, 16000000 << 10, 9000100 << 10},
		{"version 2, limited above", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("2000000000\n"), "sys/fs/cgroup/memory.max": file("3000000000\n"),
		}, 2000000000, 9000000 << 10},
		{"version 2, a container's own root", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/host/path\n"), "sys/fs/cgroup/memory.max": file("1000000000\n"),
		}, 1000000000, 9000000 << 10},
		{"version 1", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("5:cpu,cpuacct:/x\n4:memory:/x\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("1500000000\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
		}, 1500000000, 9000000 << 10},
		{"no limit", fstest.MapFS{
			"proc/meminfo": meminfo, "proc/self/cgroup": file("4:memory:/\nnonsense\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
		}, 16000000 << 10, 9000000 << 10},
	} {
		if total, free := memoryOf(c.root), freeMemory(c.root); total != c.total || free != c.free {
			t.Errorf("%s: %d in all, %d free; want %d and %d", c.name, total, free, c.total, c.free)
		}
	}
}

func TestBudget(t *testing.T) {
	for _, c := range []struct{ asked, total, free, want int64 }{
		{0, 0, 0, 4e9},
		{0, 9e9, 0, 6e9},
		{0, 9e9, 8e9, 6e9},
		{0, 9e9, 2e9, 2e9},
		{3e9, 9e9, 2e9, 3e9},
		{12e9, 9e9, 8e9, 9e9},
		{12e9, 0, 0, 12e9},
	} {
		if got := budget(c.asked, c.total, c.free); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// examplesOf are examples of so many tokens, half of them supervised, that begin
// with the same ones.
func examplesOf(lengths ...int) data.Encoded {
	var e data.Encoded
	for i, n := range lengths {
		x := batch.Example{Row: i, IDs: make([]int32, n), Class: make([]int32, n)}
		for j := range n {
			x.IDs[j] = int32(j)
			if j > 10 {
				x.IDs[j] += int32(i)
			}
			if j < n/2 {
				x.Class[j] = batch.NotTarget
			}
		}
		e.Examples = append(e.Examples, x)
	}
	return e
}

// planned is a workspace of SmolLM-360M's shape with examples of up to 384 tokens.
func planned(t *testing.T, set ...string) *Workspace {
	t.Helper()
	if err := kernel.Use("plain"); err != nil { // exact figures are those of one layout
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kernel.Use("") })
	c, err := Load("", append([]string{"model.dtype=f32", "train.eval_every=0", "train.shuffle=false", "train.memory=1TB"}, set...)...)
	if err != nil {
		t.Fatal(err)
	}
	return &Workspace{
		Config: c, Dataset: &data.Dataset{},
		Model:   weights.Config{Hidden: 960, Layers: 32, Heads: 15, KVHeads: 5, HeadDim: 64, FFN: 2560, Vocab: 49152, Tied: true},
		Encoded: map[string]data.Encoded{data.Train: examplesOf(100, 150, 384, 90, 120, 200, 80, 60), data.Eval: examplesOf(100, 120, 90)},
	}
}

func TestPlannedMemory(t *testing.T) {
	for _, c := range []struct {
		set    []string
		tokens int
		peak   int64 // MB
	}{
		{nil, 1184, 3297},
		{[]string{"model.dtype=bf16"}, 1184, 2574},
		{[]string{"train.micro_batch=400"}, 400, 2249},
		{[]string{"train.batch_size=2"}, 474, 2343},
		{[]string{"train.eval_every=5"}, 1184, 3408},
	} {
		tokens, peak, err := planned(t, c.set...).microBatch()
		if err != nil || tokens != c.tokens || peak/1e6 != c.peak {
			t.Errorf("%v: %d tokens, %d MB, %v; want %d and %d", c.set, tokens, peak/1e6, err, c.tokens, c.peak)
		}
	}
}

// What evaluations read and generate.
func TestTextsOfEvaluation(t *testing.T) {
	c, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := texts(examplesOf(100, 120, 90).Examples, c.Eval), (decode.Texts{Longest: 120, Targets: 60, Prompt: 60, Shared: 11, MaxNew: 128, Batch: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := texts(examplesOf(8).Examples, c.Eval); got.Shared != 3 || got.Batch != 1 {
		t.Errorf("%+v", got)
	}
}

// Less memory means smaller passes, down to the longest example; what does not
// fit is refused with what would fit.
func TestRefusalSaysWhatFits(t *testing.T) {
	for _, c := range []struct {
		set  []string
		want string // of the message; "" = it fits
	}{
		{[]string{"train.memory=2.5GB"}, ""},
		{[]string{"train.memory=2.1GB"}, `it needs at least 2.3 GB, it may use 2.1 GB; model.dtype = "bf16" needs 1.6 GB, data.max_length = 352 needs 2.0 GB (without 1 of 8 train rows), or raise train.memory to 2.3 GB`},
		{[]string{"train.memory=1.2GB"}, `it needs at least 2.3 GB, it may use 1.2 GB; model.dtype = "int8" needs 1.2 GB, or raise train.memory to 2.3 GB`},
		{[]string{"train.memory=1GB"}, `it needs at least 2.3 GB, it may use 1.0 GB; model.dtype = "int8" with data.max_length = 352 needs 930 MB (without 1 of 8 train rows), or raise train.memory to 2.3 GB`},
		{[]string{"train.memory=500MB"}, `it needs at least 2.3 GB, it may use 500 MB; raise train.memory to 2.3 GB`},
		{[]string{"train.memory=2.5GB", "train.micro_batch=1000"}, `it needs 3.1 GB, it may use 2.5 GB; train.micro_batch = 0 needs 2.3 GB, model.dtype = "bf16" needs 2.4 GB, data.max_length = 128 needs 2.4 GB (without 3 of 8 train rows), or raise train.memory to 3.1 GB`},
		{[]string{"train.memory=2.4GB", "train.eval_every=5", "eval.max_new=1024"}, `it needs at least 2.6 GB, it may use 2.4 GB; model.dtype = "bf16" needs 1.7 GB, data.max_length = 352 needs 2.4 GB (without 1 of 8 train rows), eval.batch = 1 needs 2.4 GB, or raise train.memory to 2.6 GB`},
	} {
		tokens, peak, err := planned(t, c.set...).microBatch()
		if c.want == "" {
			if err != nil || tokens < 384 || tokens >= 1184 || peak > 2.5e9 {
				t.Errorf("%v: %d tokens, %d bytes, %v", c.set, tokens, peak, err)
			}
			continue
		}
		if !errors.Is(err, ErrMemory) || err.Error() != ErrMemory.Error()+": "+c.want {
			t.Errorf("%v: %v", c.set, err)
		}
	}
}

// Every remedy that is named is tried: with it the run fits.
func TestRemediesFit(t *testing.T) {
	for _, memory := range []string{"2.1GB", "1.3GB", "1.2GB"} {
		w := planned(t, "train.memory="+memory)
		_, _, err := w.microBatch()
		if err == nil {
			t.Fatalf("%s is enough", memory)
		}
		_, remedies, _ := strings.Cut(err.Error(), "; ")
		tried := 0
		for _, r := range strings.Split(remedies, ", ") {
			change, _, ok := strings.Cut(strings.TrimPrefix(r, "or "), " needs ")
			if !ok {
				continue
			}
			var set []string
			for _, s := range strings.Split(change, " with ") {
				set = append(set, strings.ReplaceAll(s, " = ", "="))
			}
			with := planned(t, append([]string{"train.memory=" + memory}, set...)...)
			short := with.Encoded[data.Train]
			short.Examples = nil
			for _, e := range w.Encoded[data.Train].Examples {
				if len(e.IDs) <= with.Config.Data.MaxLength {
					short.Examples = append(short.Examples, e)
				}
			}
			with.Encoded[data.Train] = short
			if _, peak, err := with.microBatch(); err != nil || peak > with.Config.Train.MemoryBytes() {
				t.Errorf("%s, %q: %d bytes, %v", memory, r, peak, err)
			}
			tried++
		}
		if tried == 0 {
			t.Errorf("%s: no remedies in %v", memory, err)
		}
	}
}

// A run that cannot fit ends before its model is read.
func TestRunThatCannotFitIsNotBegun(t *testing.T) {
	run, err := Start(context.Background(), toyConfig(t, "train.memory=64MB", "lora.r=1024"), StartOptions{RunDir: t.TempDir() + "/run"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(); !errors.Is(err, ErrMemory) {
		t.Errorf("%v", err)
	}
}

func TestLimitGarbageIsGivenBack(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	now := func() int { p := debug.SetGCPercent(100); debug.SetGCPercent(p); return p }
	for planned, want := range map[int64]int{garbageBytes / 2: 100, garbageBytes * 4: 25, 1 << 50: 1} {
		restore := LimitGarbage(planned)
		if got := now(); got != want {
			t.Errorf("%d bytes: %d %%, want %d", planned, got, want)
		}
		restore()
		if got := now(); got != 100 {
			t.Errorf("%d %% after", got)
		}
	}
}
