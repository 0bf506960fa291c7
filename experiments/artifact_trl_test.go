package experiments

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hone/runs"
)

// The script names what its library calls otherwise, and says what it has no equal of: in
// its head and beside the export.
func TestTRLSaysWhatDiffers(t *testing.T) {
	for _, test := range []struct {
		set         []string
		says, never []string
	}{
		{
			[]string{"loss.json=0", "loss.field=0", "loss.confidence=0", "train.warmup=0"},
			[]string{`lr_scheduler_type="cosine"`, "warmup_steps=0,", "the order of the rows"},
			[]string{"cross entropy", "warm-up", "LoRA+", "rank_pattern", "layers_to_transform", "lr_scheduler_kwargs", "neftune"},
		},
		{
			[]string{"loss.ce=0.5", "loss.json=0.3", "loss.field=0", "loss.confidence=0.1", "train.loraplus_ratio=4", "train.early_stopping=loss", "train.eval_every=1", "train.shuffle=false"},
			[]string{"- the loss is cross entropy alone", "json with weight 0.3, confidence with weight 0.1\n", "cross entropy has weight 1, in the run 0.5", "4 times it (LoRA+)", "when loss has stopped", "in the run they were not"},
			[]string{"field with"},
		},
		{ // 24 rows in batches of 6: 4 steps
			[]string{"train.schedule=wsd", "train.warmup=0.3", "train.decay=0.5", "train.decay_shape=linear", "train.neftune_alpha=5", "lora.layers=[1]", "lora.rank_pattern={ down_proj = 2 }", "lora.alpha_pattern={ up_proj = 3.5 }"},
			[]string{`lr_scheduler_type="warmup_stable_decay"`, `lr_scheduler_kwargs={"decay_type":"linear","num_decay_steps":2}`, "warmup_steps=2,", "neftune_noise_alpha=5,", "layers_to_transform=[1],", `rank_pattern={"down_proj":2},`, `alpha_pattern={"up_proj":3.5},`},
			nil,
		},
		{
			[]string{"train.schedule=constant", `lora.target_regex=".*\\.(q|v)_proj"`},
			[]string{`lr_scheduler_type="constant_with_warmup"`, `target_modules=".*\\.(q|v)_proj",`},
			nil,
		},
	} {
		made := export(t, trainedToy(t, test.set...), "trl")
		text, err := os.ReadFile(filepath.Join(made.Path, trlScript))
		if err != nil {
			t.Fatal(err)
		}
		script, notes := string(text), strings.Join(made.Notes, "\n")
		for _, want := range test.says {
			if !strings.Contains(script, want) {
				t.Errorf("%v: the script does not say %q:\n%s", test.set, want, script)
			}
			if line, ok := strings.CutPrefix(want, "- "); ok && !strings.Contains(notes, line) {
				t.Errorf("%v: the notes do not say %q: %q", test.set, line, notes)
			}
		}
		for _, word := range test.never {
			if strings.Contains(script, word) {
				t.Errorf("%v: the script says %q:\n%s", test.set, word, script)
			}
		}
	}
}

// TRL runs the script, on the tokens that Hone trained on: the loss of its first step, of
// all rows, before anything has moved, is the run's, rates are those of the schedule, and what it saves
// is an adapter of the same modules and ranks.
func TestExportInTRL(t *testing.T) {
	python := ""
	for _, p := range filepath.SplitList(os.Getenv("HONE_EXPORT_PYTHON")) {
		if exec.Command(p, "-c", "import trl, peft, datasets").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("no Python of HONE_EXPORT_PYTHON has trl")
	}
	run := trainedToy(t, "train.batch_size=24", "train.epochs=5", "lora.dropout=0", "loss.json=0", "loss.field=0", "loss.confidence=0",
		"train.schedule=wsd", "train.warmup=0.4", "train.decay=0.4", "train.decay_shape=cosine", "lora.rslora=true", "lora.rank_pattern={ down_proj = 2 }", "lora.layers=[1]")
	made := export(t, run, "trl")
	cmd := exec.Command(python, filepath.Join(made.Path, trlScript))
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "CUDA_VISIBLE_DEVICES=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(made.Path, "out", "checkpoint-5", "trainer_state.json"))
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		History []struct {
			Step   int     `json:"step"`
			Loss   float64 `json:"loss"`
			LR     float64 `json:"learning_rate"`
			Tokens float64 `json:"num_tokens"`
		} `json:"log_history"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	h, err := runs.ReadHistory(run)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Steps) != 5 || len(state.History) < 5 {
		t.Fatalf("%d steps, of TRL %d", len(h.Steps), len(state.History))
	}
	first, ours := state.History[0], h.Steps[0]
	t.Logf("first step: loss %.9g of %g tokens, in Hone %.9g of %d", first.Loss, first.Tokens, float64(ours.Loss), ours.Tokens)
	if !(math.Abs(first.Loss-float64(ours.Loss)) <= 1e-4) || int(first.Tokens) != ours.Tokens { // older versions round the loss
		t.Errorf("the first step has loss %g of %g tokens, in Hone %g of %d", first.Loss, first.Tokens, float64(ours.Loss), ours.Tokens)
	}
	// In the warm-up, two steps here, TRL is a step behind. Older versions log the rate of
	// the step that follows.
	want := []float64{0}
	for i, s := range h.Steps {
		if i != 1 {
			want = append(want, float64(s.LR))
		}
	}
	var rates []float64
	for _, s := range state.History {
		if s.Loss != 0 {
			rates = append(rates, s.LR)
		}
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9 }
	if !slices.EqualFunc(rates, want, near) && !slices.EqualFunc(rates, append(want[1:], 0), near) {
		t.Errorf("the rates are %g, want %g", rates, want)
	}
	shapes := func(dir string) map[string][]int {
		list := map[string][]int{}
		for _, x := range readAdapter(t, dir).Tensors {
			list[x.Name] = x.Shape
		}
		return list
	}
	if got, want := shapes(filepath.Join(made.Path, "adapter")), shapes(filepath.Join(run, "adapter")); !reflect.DeepEqual(got, want) {
		t.Errorf("the adapter has %v, in Hone %v", got, want)
	}
}
