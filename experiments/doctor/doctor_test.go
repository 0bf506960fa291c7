package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/engine/trace"
	"hone/engine/weights"
	"hone/experiments"
	"hone/internal/lookalike"
	"hone/runs"
)

const toy = "../../engine/testdata/toy/"

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyDir(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func diagnose(t *testing.T, path string, o Options) Report {
	t.Helper()
	r, err := Diagnose(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if m, ok := trace.ByID(f.ID); !ok || m.ID != f.ID || f.Advice == "" || len(f.Evidence) == 0 || !(f.Confidence > 0 && f.Confidence <= 1) {
			t.Errorf("%s: %+v", path, f)
		}
		if !slices.Contains(r.Checked, f.ID) {
			t.Errorf("%s: found %s without having checked it", path, f.ID)
		}
	}
	if !slices.IsSortedFunc(r.Findings, func(a, b trace.Finding) int {
		if a.Severity != b.Severity {
			if a.Severity.Worse(b.Severity) {
				return -1
			}
			return 1
		}
		return 0
	}) {
		t.Errorf("%s: not in order: %+v", path, r.Findings)
	}
	return r
}

// first is the id of the first finding above a note, "" where there is none.
func first(r Report) string {
	if r.Worst() == trace.Note {
		return ""
	}
	return r.Findings[0].ID
}

func TestKinds(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := lookalike.Healthy(1)
	write(t, at("state/trainer_state.json"), run.TrainerState(0))
	write(t, at("out/checkpoint-5/trainer_state.json"), run.TrainerState(5))
	write(t, at("deep/a/b/checkpoint-5/trainer_state.json"), run.TrainerState(5))
	write(t, at("tb/events.out.tfevents.1.host"), run.Events())
	write(t, at("log.json"), run.TrainerState(0))
	write(t, at("odd [name]*/trainer_state.json"), run.TrainerState(0))
	copyDir(t, at("model"), toy+"tied")
	copyDir(t, at("data"), toy+"events")
	for path, want := range map[string]string{
		at("state/trainer_state.json"): KindState, at("state"): KindOutput, at("out"): KindOutput, at("deep"): KindOutput, at("log.json"): KindState,
		at("tb"): KindTensorBoard, at("tb/events.out.tfevents.1.host"): KindTensorBoard, at("odd [name]*"): KindOutput,
		at("model"): KindModel, at("model/config.json"): KindModel, at("model/model.safetensors"): KindModel,
		at("model/adapter"): KindAdapter, at("model/adapter/adapter_model.safetensors"): KindAdapter,
		at("data"): KindDataset, at("data/train.jsonl"): KindDataset,
	} {
		got, err := KindOf(path)
		if err != nil || got != want {
			t.Errorf("%s is %q, not %q: %v", path, got, want, err)
			continue
		}
		if r := diagnose(t, path, Options{}); r.Kind != want || first(r) != "" || r.Verdict == "" || len(r.Checked) == 0 {
			t.Errorf("%s: %+v", path, r)
		}
	}
	write(t, at("empty/x.txt"), nil)
	write(t, at("pickle/optimizer.pt"), []byte("\x80\x04never read"))
	write(t, at("cut/model.safetensors"), []byte("1234"))
	write(t, at("cut/config.json"), []byte("{}"))
	write(t, at("torn/trainer_state.json"), []byte("{"))
	for _, path := range []string{at("nowhere"), at("empty"), at("empty/x.txt"), at("pickle"), at("pickle/optimizer.pt"), at("cut/model.safetensors"), at("torn"), at("torn/trainer_state.json"), os.DevNull} {
		if r, err := Diagnose(context.Background(), path, Options{}); err == nil {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if _, err := KindOf(at("pickle/optimizer.pt")); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), "pickle") {
		t.Error(err)
	}
}

// The object is the one of the design, without any other key, and lists are lists.
func TestJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trainer_state.json")
	write(t, path, lookalike.Healthy(2).TrainerState(0))
	text, err := json.Marshal(diagnose(t, path, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	keys := func(m map[string]json.RawMessage) (out []string) {
		for k := range m {
			out = append(out, k)
		}
		slices.Sort(out)
		return out
	}
	if got := keys(top); !slices.Equal(got, []string{"checked", "findings", "kind", "path", "verdict"}) {
		t.Errorf("keys %q", got)
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(top["findings"], &list); err != nil || len(list) == 0 {
		t.Fatal(err, list)
	}
	for _, f := range list {
		if got := keys(f); !slices.Equal(got, []string{"advice", "confidence", "evidence", "id", "severity"}) {
			t.Errorf("keys %q", got)
		}
	}
	if bytes.Contains(text, []byte(":null")) {
		t.Errorf("%s", text)
	}
	empty, err := json.Marshal(diagnose(t, toy+"tied", Options{}))
	if err != nil || !bytes.Contains(empty, []byte(`"findings":[]`)) {
		t.Errorf("%s, %v", empty, err)
	}
}

// Logs are diagnosed the same, alone and as a directory of checkpoints and events.
func TestLookalikes(t *testing.T) {
	for _, run := range lookalike.Failing() {
		dir := filepath.Join(t.TempDir(), "out")
		write(t, dir+"/checkpoint-100/trainer_state.json", run.TrainerState(100))
		write(t, dir+"/checkpoint-100/scheduler.pt", nil)
		write(t, dir+"/trainer_state.json", run.TrainerState(0))
		write(t, dir+"/runs/x/events.out.tfevents.1", run.Events())
		r := diagnose(t, dir, Options{})
		if len(r.Findings) == 0 || r.Findings[0].ID != run.Cause {
			t.Errorf("%s: not %s first: %+v", run.Name, run.Cause, r.Findings)
		}
		text, _ := json.Marshal(r)
		if !bytes.Contains(text, []byte("not read: checkpoint-100/scheduler.pt")) {
			t.Errorf("%s: it is not said what was not read", run.Name)
		}
		if run.Cause == trace.CollateEmpty && !bytes.Contains(text, []byte("remove_unused_columns = true")) {
			t.Errorf("%s: the event file's arguments are not among the evidence", run.Name)
		}
	}
}

// A directory of two runs says which is which, and that one was too fast.
func TestTwoRuns(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/good/trainer_state.json", lookalike.Fallback().TrainerState(0))
	write(t, dir+"/bad/trainer_state.json", lookalike.MaskedMPS().TrainerState(0))
	r := diagnose(t, dir, Options{})
	if first(r) != trace.CollateEmpty {
		t.Errorf("%+v", r)
	}
	evidence := strings.Join(r.Findings[0].Evidence, "\n")
	if !strings.Contains(evidence, "bad/trainer_state.json: ") || !strings.Contains(evidence, "times as fast") {
		t.Errorf("%s", evidence)
	}
}

// The base model may be named where the log does not know it: here a base of no
// known shape, whose tokens cannot be counted otherwise.
func TestBaseModel(t *testing.T) {
	c, err := weights.OpenConfig(toy + "tied")
	if err != nil {
		t.Fatal(err)
	}
	run := lookalike.MaskedMPS()
	run.Weights = c.Parameters() - int64(c.Vocab*c.Hidden)
	path := filepath.Join(t.TempDir(), "trainer_state.json")
	write(t, path, run.TrainerState(0))
	if r := diagnose(t, path, Options{}); first(r) != trace.MaskAll {
		t.Errorf("without the model: %+v", r)
	}
	if r := diagnose(t, path, Options{Model: toy + "tied"}); first(r) != trace.CollateEmpty {
		t.Errorf("with it: %+v", r)
	}
}

// spoil writes a value into a tensor of a safetensors file of float32.
func spoil(t *testing.T, path, tensor string, index int, value float32) {
	t.Helper()
	tensors, meta, err := weights.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for i := range tensors {
		if strings.Contains(tensors[i].Name, tensor) && (!found || index < 0) {
			found = true
			if index >= 0 {
				tensors[i].Data[index] = value
				continue
			}
			for j := range tensors[i].Data {
				tensors[i].Data[j] = value
			}
		}
	}
	if !found {
		t.Fatalf("%s has no %s", path, tensor)
	}
	if err := weights.WriteSafetensors(path, tensors, meta); err != nil {
		t.Fatal(err)
	}
}

func TestAdapter(t *testing.T) {
	fresh := func() string {
		dir := filepath.Join(t.TempDir(), "adapter")
		copyDir(t, dir, toy+"tied/adapter")
		return dir
	}
	dir := fresh()
	spoil(t, dir+"/adapter_model.safetensors", "lora_A", 5, float32(math.NaN()))
	r := diagnose(t, dir, Options{})
	if first(r) != trace.WeightNaNFile || !strings.Contains(r.Findings[0].Evidence[0], "lora_A") || !strings.Contains(r.Findings[0].Evidence[0], "index 5") {
		t.Errorf("%+v", r)
	}
	dir = fresh()
	spoil(t, dir+"/adapter_model.safetensors", "lora_B", -1, 0)
	if r := diagnose(t, dir, Options{}); first(r) != trace.LoRABoth0 || !strings.Contains(r.Findings[0].Evidence[0], "all ") {
		t.Errorf("%+v", r)
	}
	spoil(t, dir+"/adapter_model.safetensors", "lora_A", -1, 0)
	if r := diagnose(t, dir, Options{}); first(r) != trace.LoRABoth0 || !strings.Contains(r.Findings[0].Evidence[0], "A and B") {
		t.Errorf("%+v", r)
	}
	dir = fresh()
	copyFile(t, dir+"/optimizer.safetensors", dir+"/adapter_model.safetensors")
	spoil(t, dir+"/optimizer.safetensors", "lora_A", 0, float32(math.Inf(1)))
	if r := diagnose(t, dir, Options{}); first(r) != trace.OptPoison {
		t.Errorf("%+v", r)
	}
	if r := diagnose(t, fresh(), Options{Model: toy + "tied"}); first(r) != "" || !slices.Contains(r.Checked, trace.ModelWiring) {
		t.Errorf("%+v", r)
	}
	dir = fresh()
	if err := os.Rename(dir+"/adapter_model.safetensors", dir+"/adapter_model.bin"); err != nil {
		t.Fatal(err)
	}
	if r := diagnose(t, dir, Options{}); first(r) != "" || r.Findings[0].ID != trace.Unreadable {
		t.Errorf("%+v", r)
	}
	dir = fresh()
	if err := os.Truncate(dir+"/adapter_model.safetensors", 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := Diagnose(context.Background(), dir, Options{}); !errors.Is(err, ErrUnreadable) {
		t.Error(err)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, data)
}

func TestModel(t *testing.T) {
	fresh := func(name string) string {
		dir := filepath.Join(t.TempDir(), "model")
		copyDir(t, dir, toy+name)
		return dir
	}
	dir := fresh("tied")
	spoil(t, dir+"/model.safetensors", "layers.1.mlp.up_proj", 7, float32(math.Inf(-1)))
	r := diagnose(t, dir, Options{})
	if first(r) != trace.WeightNaNFile || !strings.Contains(r.Findings[0].Evidence[0], "layers.1.mlp.up_proj.weight[7] is -Inf") {
		t.Errorf("%+v", r)
	}
	edit := func(dir, old, to string) {
		text, err := os.ReadFile(dir + "/config.json")
		if err != nil || !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%q is not in %s, %v", old, text, err)
		}
		write(t, dir+"/config.json", bytes.Replace(text, []byte(old), []byte(to), 1))
	}
	dir = fresh("untied")
	edit(dir, `"tie_word_embeddings": false`, `"tie_word_embeddings": true`)
	if r := diagnose(t, dir, Options{}); first(r) != trace.ModelWiring {
		t.Errorf("%+v", r)
	}
	dir = fresh("tied")
	edit(dir, `"model_type": "llama"`, `"model_type": "other"`)
	spoil(t, dir+"/model.safetensors", "layers.0.mlp.up_proj", 3, float32(math.NaN()))
	if r := diagnose(t, dir, Options{}); first(r) != trace.WeightNaNFile || r.Findings[len(r.Findings)-1].ID != trace.Unreadable {
		t.Errorf("a model that is not computed here: %+v", r)
	}
	dir = fresh("tied")
	if err := os.Truncate(dir+"/model.safetensors", 5000); err != nil {
		t.Fatal(err)
	}
	if _, err := Diagnose(context.Background(), dir, Options{}); !errors.Is(err, ErrUnreadable) {
		t.Error(err)
	}
}

func TestDataset(t *testing.T) {
	rows := func(n int, row func(i int) string) []byte {
		var b bytes.Buffer
		for i := range n {
			b.WriteString(row(i) + "\n")
		}
		return b.Bytes()
	}
	for want, data := range map[string][]byte{
		trace.ConstExample: rows(40, func(int) string { return `{"prompt": "a", "completion": "b"}` }),
		trace.IdentityLabels: rows(40, func(i int) string {
			s := strings.Repeat("ab ", i+1)
			return `{"prompt": "` + s + `", "completion": "` + s + `"}`
		}),
		trace.CorruptRow: append(rows(40, func(i int) string {
			s := strings.Repeat("x", i+1)
			return `{"prompt": "` + s + `", "completion": "a ` + s + `"}`
		}), "{torn\n"...),
	} {
		path := filepath.Join(t.TempDir(), "data.jsonl")
		write(t, path, data)
		r := diagnose(t, path, Options{Model: toy + "tied"})
		found := slices.ContainsFunc(r.Findings, func(f trace.Finding) bool { return f.ID == want && f.Severity != trace.Note })
		if !found || r.Worst() == trace.Note {
			t.Errorf("%s: %+v", want, r)
		}
		if !slices.Contains(r.Checked, trace.EOSMasked) {
			t.Errorf("%s: tokens were not looked at: %q", want, r.Checked)
		}
	}
}

// trained is a short run of the toy model.
func trained(t *testing.T, set ...string) string {
	t.Helper()
	c, err := experiments.Load("", append([]string{
		"name=toy", "model.path=" + toy + "tied", "data.path=" + toy + "events", "train.epochs=2", "train.batch_size=6", "train.eval_every=4",
		"train.eval_examples=2", "train.checkpoint_every=4", "eval.max_new=4", "lora.r=4", "threads=2",
	}, set...)...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := experiments.Start(context.Background(), c, experiments.StartOptions{Store: t.TempDir(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return result.RunDir
}

func TestRun(t *testing.T) {
	dir := trained(t)
	r := diagnose(t, dir, Options{})
	if r.Kind != KindRun || first(r) != "" {
		t.Errorf("a sound run: %+v", r)
	}
	for _, id := range []string{trace.MaskAll, trace.SchedSilent, trace.WeightNaNFile, trace.OptPoison, trace.EOSMasked} {
		if !slices.Contains(r.Checked, id) {
			t.Errorf("%s was not checked: %q", id, r.Checked)
		}
	}

	// The prompt of an adapter in a run, against another.
	c, err := experiments.Load(runs.ConfigFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if r := diagnose(t, runs.AdapterDir(dir), Options{Prompt: c.Data.Prompt}); first(r) != "" || !slices.Contains(r.Checked, trace.PromptDrift) {
		t.Errorf("the same prompt: %+v", r)
	}
	if r := diagnose(t, runs.AdapterDir(dir), Options{Prompt: c.Data.Prompt + " "}); first(r) != trace.PromptDrift {
		t.Errorf("another prompt: %+v", r)
	}

	// What its records say counts, also what is no number, and its own alerts.
	f, err := os.OpenFile(runs.MetricsFile(dir), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(`{"type":"step","step":9,"loss":"NaN","grad_norm":"NaN","lr":1e-9,"tokens":10,"target_tokens":0}
{"type":"alert","step":9,"time":"2026-01-02T03:04:05Z","id":"NONFINITE","severity":"error","message":"the loss is NaN","confidence":1,"advice":"stop"}
`)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	spoil(t, runs.AdapterDir(dir)+"/adapter_model.safetensors", "lora_B", 0, float32(math.NaN()))
	r = diagnose(t, dir, Options{})
	var ids []string
	for _, f := range r.Findings {
		if f.Severity == trace.Error {
			ids = append(ids, f.ID)
		}
	}
	for _, id := range []string{trace.MaskAll, trace.NonFinite, trace.WeightNaNFile} {
		if !slices.Contains(ids, id) {
			t.Errorf("%s is not among %q", id, ids)
		}
	}
}

// A run whose rates are not those of its configuration.
func TestRunSchedule(t *testing.T) {
	dir := trained(t, "train.schedule=linear", "train.warmup=0.0")
	text, err := os.ReadFile(runs.ConfigFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if r := diagnose(t, dir, Options{}); first(r) != "" {
		t.Errorf("as configured: %+v", r)
	}
	write(t, runs.ConfigFile(dir), bytes.Replace(text, []byte(`schedule = "linear"`), []byte(`schedule = "cosine"`), 1))
	if r := diagnose(t, dir, Options{}); first(r) != trace.SchedSilent {
		t.Errorf("another schedule: %+v", r)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Diagnose(ctx, toy+"tied", Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
