package experiments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	var b bytes.Buffer
	err := trlTemplate.Execute(&b, map[string]any{
		"C": s.config, "Base": baseName(s.config.Model.Path), "Full": s.config.Method == Full, "EOS": s.work.EOS[0], "Length": s.config.Data.MaxLength,
		"CEOnly": s.config.Loss.JSON == 0 && s.config.Loss.Field == 0 && s.config.Loss.Confidence == 0 || !s.work.Dataset.JSON() && s.config.Loss.Confidence == 0,
	})
	if err != nil {
		return err
	}
	files[trlScript] = b.Bytes()
	return makeDir(path, files)
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
	if s.config.Loss.JSON != 0 || s.config.Loss.Field != 0 || s.config.Loss.Confidence != 0 {
		s.art.Notes = append(s.art.Notes, "TRL trains on cross entropy alone: the other terms of this run's loss have no equal there")
	}
	s.noteBase()
	s.art.Notes = append(s.art.Notes, "pip install trl peft, then python "+trlScript+" where the base model is")
	return nil
}
