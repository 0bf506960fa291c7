package experiments

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestAdvice(t *testing.T) {
	known := Facts{Rows: 554, Steps: 350, LongestTarget: 100, Hidden: 576, MaxPositions: 2048, CPUs: 8, Seconds: 700}
	for _, c := range []struct {
		set   string
		facts func(*Facts)
		want  string // "" = no warning
	}{
		{"name=calendar", nil, ""},
		{"name=calendar", func(f *Facts) { *f = Facts{} }, ""},
		{"threads=9", nil, "threads: more than the 8 cores"},
		{"threads=8", nil, ""},
		{"data.max_length=200", func(f *Facts) { f.Dropped = 17 }, "data.max_length: drops 17 train rows: longer than 200 tokens"},
		{"data.max_length=4096", nil, "data.max_length: the model was made for texts of up to 2048 tokens"},
		{"lora.r=577 lora.alpha=577 train.lr=1e-4", nil, "lora.r: above the hidden size 576"},
		{"lora.r=577 method=full train.lr=1e-5", nil, ""},
		{"lora.alpha=256", nil, "lora.alpha: scales the update by alpha/r = 16"},
		{"lora.alpha=2", nil, "lora.alpha: scales the update by alpha/r = 0.125"},
		{"lora.alpha=256 lora.rslora=true", nil, ""},
		{"lora.dropout=0.5", nil, "lora.dropout: drops 50 %"},
		{"loss.confidence=2", nil, "loss.confidence: weighs more than loss.ce"},
		{"train.epochs=30", nil, "train.epochs: 30 passes over 554 rows"},
		{"train.epochs=30", func(f *Facts) { f.Rows = 100000 }, ""},
		{"train.batch_size=64", nil, "train.batch_size: above 32 on 554 rows: 9 steps an epoch"},
		{"train.batch_size=64", func(f *Facts) { f.Rows = 100000 }, ""},
		{"train.batch_size=600", nil, "train.batch_size: above the 554 train rows"},
		{"train.lr=1e-2", nil, "train.lr: above the usual 5e-05 to 0.002 of LoRA of rank 9 to 64"},
		{"train.lr=1e-5", nil, "train.lr: below the usual 5e-05 to 0.002"},
		{"lora.r=4 lora.alpha=8 train.lr=2.5e-3", nil, ""},
		{"lora.r=128 lora.alpha=128 train.lr=1.5e-3", nil, "train.lr: above the usual 2e-05 to 0.001 of LoRA above rank 64"},
		{"method=full", nil, "train.lr: above the usual 1e-06 to 0.0002 of training every weight"},
		{"method=full model.init=random", nil, ""},
		{"method=full model.init=random train.optimizer=muon train.lr=0.02", nil, ""},
		{"train.warmup=1", nil, "train.warmup: as long as the run: the learning rate is reached at its last step, 350"},
		{"train.warmup=0.5", nil, "train.warmup: takes 50 % of the run"},
		{"train.weight_decay=1", nil, "train.weight_decay: pulls"},
		{"train.clip=0", nil, "train.clip: no clipping"},
		{"train.eval_every=0", nil, "train.eval_every: no evaluations"},
		{"train.eval_every=351", nil, "train.eval_every: larger than the run of 350 steps"},
		{"train.checkpoint_every=0", nil, "train.checkpoint_every: no checkpoint in 12 minutes"},
		{"train.checkpoint_every=0", func(f *Facts) { f.Seconds = 60 }, ""},
		{"data.prompt={event_text}", func(f *Facts) { f.Format = "chat" }, "data.prompt: does nothing here: it makes prompts of event texts, and the rows are conversations"},
		{"data.prompt={event_text}", func(f *Facts) { f.Format = "events" }, ""},
		{"data.chat_template=chatml", func(f *Facts) { f.Format = "text" }, "data.chat_template: does nothing here: it renders rows of messages, and the rows are texts"},
		{"data.chat_template=chatml", nil, ""},
		{"data.turns=each", func(f *Facts) { f.Format = "prompt-completion" }, "data.turns: does nothing here: it is of conversations, and the rows are prompts"},
		{"data.turns=each", func(f *Facts) { f.Format = "chat" }, ""},
		{"lora.rank_pattern={q_proj=577}", nil, `lora.rank_pattern: gives "q_proj" rank 577, above the hidden size 576`},
		{"lora.alpha_pattern={q_proj=256}", nil, `lora.alpha_pattern: scales the update of "q_proj" by alpha/r = 16`},
		{"lora.alpha_pattern={q_proj=2}", nil, `lora.alpha_pattern: scales the update of "q_proj" by alpha/r = 0.125`},
		{"lora.alpha_pattern={q_proj=256} lora.rank_pattern={q_proj=128}", nil, ""},
		{"lora.alpha_pattern={q_proj=256} lora.rslora=true", nil, ""},
		{"train.schedule=wsd train.decay=0", nil, "train.decay: is 0: the learning rate of wsd never falls"},
		{"train.schedule=wsd", nil, ""},
		{"train.decay=0.1", nil, `train.decay: does nothing with the schedule "cosine"`},
		{"train.decay_shape=linear", nil, `train.decay_shape: does nothing with the schedule "cosine"`},
		{"train.loraplus_ratio=64", nil, "train.loraplus_ratio: trains B at 0.032"},
		{"train.loraplus_ratio=16", nil, ""},
		{"train.loraplus_ratio=0.5", nil, "train.loraplus_ratio: trains B slower than A"},
		{"train.optimizer=muon", nil, "train.optimizer: muon is for whole weights"},
		{"train.beta2=0.8", nil, "train.beta2: averages squared gradients over some 5 steps"},
		{"train.beta2=0.95", nil, ""},
		{"train.neftune_alpha=0.01", nil, "train.neftune_alpha: the paper takes 5 to 15: noise of 0.01 changes nothing"},
		{"train.neftune_alpha=100", nil, "train.neftune_alpha: the paper takes 5 to 15: at 100 noise drowns"},
		{"train.neftune_alpha=5", nil, ""},
		{"train.eval_examples=0", nil, "train.best_by: train.eval_examples is 0: there is no exact_match"},
		{"train.eval_examples=0 train.best_by=loss", nil, ""},
		{"train.best_by=field_accuracy", func(f *Facts) { f.Format = "text" }, "train.best_by: rows of text have no field_accuracy"},
		{"train.early_stopping=loss train.patience=13", nil, "train.patience: never ends a run of 350 steps: 13 evaluations without a rise, one every 25 steps, reach step 350"},
		{"train.early_stopping=loss train.patience=12", nil, ""},
		{"train.patience=13", nil, ""},
		{"train.min_delta=0.1", nil, "train.min_delta: does nothing: train.early_stopping is off"},
		{"train.early_stopping=exact_match train.min_delta=1", nil, "train.min_delta: no share rises by more than 1"},
		{"train.early_stopping=loss train.min_delta=1", nil, ""},
		{"train.save=bf16", nil, "train.save: does nothing: it is of method full"},
		{"train.on_nonfinite=rewind train.checkpoint_every=0", func(f *Facts) { f.Seconds = 60 }, "train.on_nonfinite: goes back to the beginning"},
		{"train.on_nonfinite=rewind", nil, ""},
		{"eval.max_new=99", nil, "eval.max_new: the longest target has 100 tokens"},
	} {
		conf, f := Default(), known
		for _, s := range strings.Fields(c.set) {
			if err := conf.Set(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := conf.Validate(); err != nil {
			t.Errorf("%s is refused, not warned of: %v", c.set, err)
		}
		if c.facts != nil {
			c.facts(&f)
		}
		var got []string
		for _, w := range Advise(conf, f) {
			got = append(got, w.Key+": "+w.Message)
		}
		if text := strings.Join(got, "\n"); !strings.HasPrefix(text, c.want) || len(got) > 1 || c.want == "" && text != "" {
			t.Errorf("%s: %q, want %q", c.set, text, c.want)
		}
	}
	// LoRA+ is of AdamW; with Muon on an adapter both are said.
	conf := Default()
	if err := errors.Join(conf.Set("train.optimizer=muon"), conf.Set("train.loraplus_ratio=4")); err != nil {
		t.Fatal(err)
	}
	if list := Advise(conf, known); len(list) != 2 || list[0].Key != "train.loraplus_ratio" || !strings.Contains(list[0].Message, "is LoRA+ of AdamW") || list[1].Key != "train.optimizer" {
		t.Errorf("%v", list)
	}
	// They are in the order of the file.
	at := -1
	for _, rule := range advice {
		i := slices.IndexFunc(Keys(), func(k Key) bool { return k.Name == rule.key })
		if i <= at {
			t.Errorf("advice on %s is out of order", rule.key)
		}
		at = i
	}
	for _, rule := range advice {
		if findKey(rule.key) == nil {
			t.Errorf("advice on %s, which is no key", rule.key)
		}
	}
}

// TestPresetsNeedNoAdvice: what Hone itself offers is sound by its own rules.
func TestPresetsNeedNoAdvice(t *testing.T) {
	for _, p := range Presets() {
		hidden := 576
		if p.Name == "story" {
			hidden = 256 // of the built-in model
		}
		if list := Advise(p.Config, Facts{Rows: 554, Steps: 70 * p.Config.Train.Epochs, LongestTarget: 100, Hidden: hidden, MaxPositions: 2048, CPUs: 2, Seconds: 300}); len(list) != 0 {
			t.Errorf("%s: %v", p.Name, list)
		}
	}
}

// TestPlanWarns takes the facts from a real dataset and model.
func TestPlanWarns(t *testing.T) {
	c := toyConfig(t, "lora.r=1024", "lora.alpha=1024", "train.lr=1e-4", "train.eval_every=999", "eval.max_new=1")
	p, err := MakePlan(c)
	if err != nil {
		t.Fatal(err)
	}
	keys := ""
	for _, w := range p.Warnings {
		keys += w.Key + " "
	}
	if !strings.Contains(keys, "lora.r ") || !strings.Contains(keys, "train.eval_every ") || !strings.Contains(keys, "eval.max_new ") {
		t.Errorf("warnings %v", p.Warnings)
	}
	if p.StepSeconds == nil || *p.StepSeconds <= 0 || *p.StepSeconds*float64(*p.Steps) > *p.Seconds {
		t.Errorf("%v seconds a step, %v in all", p.StepSeconds, p.Seconds)
	}
	w, err := OpenWorkspace(context.Background(), toyConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	lengths := w.Encoded["train"].Lengths
	short := toyConfig(t)
	short.Data.MaxLength = lengths.Max - 1
	if p, err = MakePlan(short); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, w := range p.Warnings {
		found = found || w.Key == "data.max_length" && strings.Contains(w.Message, "drops ")
	}
	if !found {
		t.Errorf("rows were dropped without a warning: %v", p.Warnings)
	}
}
