package experiments

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"hone/engine/trace"
	"hone/engine/trace/foreign"
	"hone/runs"
)

// scalars are a run's records as TensorBoard names them: those of transformers where it
// has the same. Wall times follow from the start and what the steps took.
func scalars(info runs.RunInfo, h *runs.History) []foreign.Scalar {
	var list []foreign.Scalar
	wall := float64(info.Started.UnixMilli()) / 1000
	evals := h.Evals
	evaluations := func(step int) {
		for ; len(evals) > 0 && evals[0].Step <= step; evals = evals[1:] {
			e := evals[0]
			wall += max(0, float64(e.Seconds))
			add := func(name string, v runs.Number) {
				list = append(list, foreign.Scalar{Tag: e.Split + "/" + name, Step: e.Step, Wall: wall, Value: float64(v)})
			}
			add("loss", e.Loss)
			if e.N > 0 {
				add("exact_match", e.ExactMatch)
				add("json_validity", e.JSONValidity)
				add("field_accuracy", e.FieldAccuracy)
			}
		}
	}
	for _, s := range h.Steps {
		evaluations(s.Step - 1)
		if s.Seconds > 0 {
			wall += float64(s.Seconds)
		}
		for _, x := range []struct {
			name  string
			value runs.Number
		}{
			{"loss", s.Loss},
			{"ce", s.CE},
			{"json", s.JSON},
			{"field", s.Field},
			{"confidence", s.Confidence},
			{"grad_norm", s.GradNorm},
			{"learning_rate", s.LR},
			{"epoch", s.Epoch},
			{"tokens_per_second", runs.Number(float64(s.Tokens) / float64(s.Seconds))},
		} {
			if x.name == "tokens_per_second" && !(s.Seconds > 0) {
				continue
			}
			list = append(list, foreign.Scalar{Tag: "train/" + x.name, Step: s.Step, Wall: wall, Value: float64(x.value)})
		}
	}
	evaluations(math.MaxInt)
	return list
}

// readScalars reads the records of the source's run.
func (s *artifactSource) readScalars() ([]foreign.Scalar, runs.RunInfo, error) {
	info, err := runs.ReadInfo(s.side.RunDir)
	if err != nil {
		return nil, info, err
	}
	h, err := runs.ReadHistory(s.side.RunDir)
	if err != nil {
		return nil, info, err
	}
	return scalars(info, h), info, nil
}

// eventsFile is a name by which TensorBoard knows its files.
func eventsFile(info runs.RunInfo) string {
	return fmt.Sprintf("events.out.tfevents.%d.hone", info.Started.Unix())
}

func writeEvents(_ context.Context, s *artifactSource, path string) error {
	list, info, err := s.readScalars()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := foreign.WriteEvents(&b, list); err != nil {
		return err
	}
	return makeDir(path, map[string][]byte{eventsFile(info): b.Bytes()})
}

// verifyEvents reads the file as the doctor does and compares every loss and the
// number of all values.
func verifyEvents(_ context.Context, s *artifactSource, path string) error {
	list, info, err := s.readScalars()
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(path, eventsFile(info)))
	if err != nil {
		return err
	}
	defer f.Close()
	log, err := foreign.ReadEvents(f, eventsFile(info))
	if err != nil {
		return err
	}
	n := 0
	for _, series := range log.Series {
		n += len(series)
	}
	var losses []foreign.Scalar
	for _, x := range list {
		if x.Tag == "train/loss" {
			losses = append(losses, x)
		}
	}
	for i, x := range log.Series[trace.Loss] {
		if i >= len(losses) || x.Step != losses[i].Step || math.Float64bits(x.Value) != math.Float64bits(float64(float32(losses[i].Value))) {
			return fmt.Errorf("%w: the loss of step %d is %v", ErrArtifactDiffers, x.Step, x.Value)
		}
	}
	if n != len(list) || len(log.Notes) > 0 {
		return fmt.Errorf("%w: %d values of %d are read back %v", ErrArtifactDiffers, n, len(list), log.Notes)
	}
	s.art.Checks = append(s.art.Checks, fmt.Sprintf("%d values in %d series are read back", n, len(log.Series)))
	s.art.Notes = append(s.art.Notes, "tensorboard --logdir DIR")
	return nil
}
