package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"text/template"

	"hone/data"
	"hone/engine/batch"

	_ "embed"
)

//go:embed artifact_trl.py.tmpl
var trlText string

var trlTemplate = template.Must(template.New("train_trl.py").Delims("<<", ">>").Funcs(template.FuncMap{"py": python}).Parse(trlText))

// python is a value as a literal of Python.
func python(v any) (string, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case nil:
		return "None", nil
	}
	b, err := json.Marshal(v) // of numbers, ASCII strings and lists, JSON's are Python's
	if err != nil {
		return "", err
	}
	var ascii strings.Builder
	for _, r := range string(b) {
		if r < 0x80 {
			ascii.WriteRune(r)
			continue
		}
		fmt.Fprintf(&ascii, `\U%08x`, r)
	}
	return ascii.String(), nil
}

const trlScript = "train_trl.py"

// trlExample is a row as SFTTrainer takes one that is tokens already: so that TRL trains on
// the very tokens that Hone did.
type trlExample struct {
	IDs  []int32 `json:"input_ids"`
	Mask []int32 `json:"completion_mask"`
}

func trlExampleOf(e batch.Example) trlExample {
	x := trlExample{IDs: e.IDs, Mask: make([]int32, len(e.IDs))}
	for i, class := range e.Class {
		if class >= 0 {
			x.Mask[i] = 1
		}
	}
	return x
}

// onlyTrainable refuses what TRL has no equal of.
func onlyTrainable(s *artifactSource) error {
	if s.config.Model.Init == InitRandom {
		return fmt.Errorf("it began from random weights, TRL begins from a model")
	}
	return nil
}

// writeTRL writes the experiment as a script for TRL, with the rows as tokens.
func writeTRL(_ context.Context, s *artifactSource, path string) error {
	files := map[string][]byte{}
	for _, split := range data.Splits() {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		for _, e := range s.work.Encoded[split].Examples {
			if err := enc.Encode(trlExampleOf(e)); err != nil {
				return err
			}
		}
		files[split+".jsonl"] = b.Bytes()
	}
	t := s.config.Train
	batches := (len(s.work.Encoded[data.Train].Examples) + t.BatchSize - 1) / t.BatchSize
	schedule, warmup, decay := trlSchedule(t, batches*t.Epochs)
	var b bytes.Buffer
	err := trlTemplate.Execute(&b, map[string]any{
		"C": s.config, "Base": baseName(s.config.Model.Path), "Full": s.config.Method == Full, "EOS": s.work.EOS[0], "Length": s.config.Data.MaxLength,
		"Schedule": schedule, "Warmup": warmup, "Decay": decay, "Differs": s.trlDiffers(),
	})
	if err != nil {
		return err
	}
	files[trlScript] = b.Bytes()
	return makeDir(path, files)
}

// trlSchedule is a run's schedule in the names of transformers: the warm-up in steps,
// which all its versions take, and what the name alone does not say. Its constant knows no
// warm-up.
func trlSchedule(t TrainConfig, steps int) (kind string, warmup int, more map[string]any) {
	warmup = int(math.Ceil(t.Warmup * float64(steps)))
	switch t.Schedule {
	case "constant":
		return "constant_with_warmup", warmup, nil
	case "wsd":
		decay := min(int(math.Ceil(t.Decay*float64(steps))), steps-warmup)
		return "warmup_stable_decay", warmup, map[string]any{"num_decay_steps": decay, "decay_type": t.DecayShape}
	}
	return t.Schedule, warmup, nil
}

// trlDiffers says what the script does otherwise than the run: what its library has no
// equal of.
func (s *artifactSource) trlDiffers() []string {
	c := s.config
	var list []string
	say := func(when bool, format string, args ...any) {
		if when {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	var terms []string
	for _, term := range []struct {
		name   string
		weight float64
		rows   bool // whether the dataset has what it is about
	}{{"json", c.Loss.JSON, s.work.Dataset.JSON()}, {"field", c.Loss.Field, s.work.Dataset.JSON()}, {"confidence", c.Loss.Confidence, true}} {
		if term.weight != 0 && term.rows {
			terms = append(terms, fmt.Sprintf("%s with weight %g", term.name, term.weight))
		}
	}
	say(len(terms) > 0, "the loss is cross entropy alone; that of the run had more terms, which have no equal here, so the model will be another: %s", strings.Join(terms, ", "))
	say(c.Loss.CE != 1, "cross entropy has weight 1, in the run %g", c.Loss.CE)
	if c.Method == Full {
		say(true, "the order of the rows is that of this library's generator")
	} else {
		say(true, "the order of the rows and the adapter's first weights are those of this library's generator")
		say(c.LoRA.InitAdapter != "", "the adapter starts afresh, in the run from lora.init_adapter")
		say(c.Train.LoRAPlusRatio != 1, "B learns at the rate of A, in the run at %g times it (LoRA+)", c.Train.LoRAPlusRatio)
	}
	say(!c.Train.Shuffle, "rows are shuffled, in the run they were not")
	say(c.Train.Warmup > 0, "the warm-up begins with a step at rate 0, in the run one step further on")
	say(c.Train.Optimizer != "adamw", "the optimizer is AdamW, in the run %s", c.Train.Optimizer)
	say(c.Train.EarlyStopping != NoEarlyStopping, "all epochs are trained, the run ends when %s has stopped rising", c.Train.EarlyStopping)
	return list
}

// verifyTRL reads the rows back, token by token.
func verifyTRL(_ context.Context, s *artifactSource, path string) error {
	tokens, rows := 0, 0
	for _, split := range data.Splits() {
		text, err := os.ReadFile(filepath.Join(path, split+".jsonl"))
		if err != nil {
			return err
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		for i, e := range s.work.Encoded[split].Examples {
			var x trlExample
			if err := dec.Decode(&x); err != nil {
				return err
			}
			if !reflect.DeepEqual(x, trlExampleOf(e)) {
				return fmt.Errorf("%w: row %d of %s.jsonl", ErrArtifactDiffers, i, split)
			}
			tokens += len(x.IDs)
			rows++
		}
	}
	s.art.Checks = append(s.art.Checks, fmt.Sprintf("%d rows of %d tokens are read back as they were trained on", rows, tokens))
	for _, d := range s.trlDiffers() {
		s.art.Notes = append(s.art.Notes, "otherwise than the run: "+d)
	}
	s.noteBase()
	s.art.Notes = append(s.art.Notes, "pip install trl peft, then python "+trlScript+" where the base model is")
	return nil
}
