package doctor

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hone/internal/lookalike"
)

// The log of another trainer opens with its curves, what it says for certain and
// what it cannot tell; of several in a directory the longest, the others by name.
func TestOpenForeign(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	masked, sound := lookalike.MaskedMPS(), lookalike.Healthy(1)
	write(t, at("state/trainer_state.json"), masked.TrainerState(0))
	write(t, at("both/long/trainer_state.json"), sound.TrainerState(0))
	write(t, at("both/short/trainer_state.json"), masked.TrainerState(30))
	write(t, at("empty/x.txt"), nil)
	write(t, at("torn/trainer_state.json"), []byte("{"))
	write(t, at("data/train.jsonl"), []byte(`{"prompt": "a", "completion": "b"}`+"\n"))

	for _, path := range []string{at("state"), at("state/trainer_state.json")} {
		f, err := OpenForeign(path)
		if err != nil || !IsForeign(path) {
			t.Fatalf("%s: %v", path, err)
		}
		if f.Tool != "transformers" || len(f.History.Steps) == 0 || len(f.History.Events) == 0 || f.Steps < f.LastStep || f.LastStep == 0 || !f.HasRates || !f.HasNorms {
			t.Errorf("%s: %+v", path, f)
		}
		if !strings.Contains(strings.Join(f.Facts, "\n"), "logged losses") || !strings.Contains(strings.Join(f.Limits, "\n"), "EOS") || strings.Contains(f.Limits[0], "cannot tell") {
			t.Errorf("%s: %q, %q", path, f.Facts, f.Limits)
		}
	}
	f, err := OpenForeign(at("both"))
	if err != nil || len(f.Others) != 1 || !strings.Contains(f.Others[0], "short") || !strings.Contains(f.Name, "long") {
		t.Errorf("%+v: %v", f, err)
	}
	for _, path := range []string{at("empty"), at("nowhere"), at("torn/trainer_state.json"), at("data")} {
		if _, err := OpenForeign(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
	if _, err := OpenForeign(at("data")); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), "dataset") || IsForeign(at("data")) {
		t.Errorf("a dataset: %v", err)
	}
}
