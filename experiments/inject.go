package experiments

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hone/data"
	"hone/engine/trace"
	"hone/engine/trace/inject"
	"hone/runs"
)

// ErrInjected is wrapped by the error of a run that was begun with other planted
// failures.
var ErrInjected = errors.New("other failures are planted into this run")

// FaultMode is a way to fail that can be planted into a run on purpose.
type FaultMode struct {
	ID    string
	Title string
	Data  bool // can be planted into the data, at step 0
	Steps bool // can be planted at a step
}

// FaultModes are all of them, in the order of the catalogue.
func FaultModes() []FaultMode {
	var out []FaultMode
	for _, m := range inject.Modes() {
		if m.Where == nil {
			continue
		}
		f := FaultMode{ID: m.ID, Title: m.Reason, Data: slices.Contains(m.Where, inject.InData)}
		f.Steps = !f.Data || len(m.Where) > 1
		if known, ok := trace.ByID(m.ID); ok {
			f.Title = known.Title
		}
		out = append(out, f)
	}
	return out
}

// ParseFaults reads failures to plant, each as ID@STEP.
func ParseFaults(texts []string) ([]inject.Fault, error) {
	var faults []inject.Fault
	for _, text := range texts {
		f, err := inject.Parse(text)
		if err != nil {
			return nil, err
		}
		faults = append(faults, f)
	}
	return faults, nil
}

func faultNames(faults []inject.Fault) []string {
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.String()
	}
	return names
}

// openFaults takes the failures to plant: those asked for in a new run, those of
// its beginning in one that is resumed. The run says so, always.
func (t *training) openFaults() error {
	t.faults = t.options.Inject
	if t.resumed {
		before, err := injected(t.writer.Info())
		if err != nil {
			return err
		}
		if asked := t.options.Inject; len(asked) > 0 && !slices.Equal(asked, before) {
			return fmt.Errorf("%w: it was begun with [%s], not [%s]; use a new run directory", ErrInjected, strings.Join(faultNames(before), ", "), strings.Join(faultNames(asked), ", "))
		}
		t.faults = before
	}
	if len(t.faults) == 0 {
		return nil
	}
	names := faultNames(t.faults)
	return errors.Join(
		t.writer.Update(func(i *runs.RunInfo) { i.Injected = names }),
		t.log("warning", "failures are planted into this run on purpose: "+strings.Join(names, ", ")))
}

// injected are the failures that a run was begun with.
func injected(info runs.RunInfo) ([]inject.Fault, error) {
	faults, err := ParseFaults(info.Injected)
	if err != nil {
		return nil, fmt.Errorf("%s: planted failures: %w", runs.InfoName, err)
	}
	return faults, nil
}

// plantFaults plants the failures of steps, and tells what preflight says of those
// of the data.
func (t *training) plantFaults() error {
	behind, err := t.behind()
	if err != nil {
		return err
	}
	ofData := false
	for _, f := range t.faults {
		if err := t.writer.AppendTrace(runs.TraceInject{K: "inject", ID: f.ID, Step: f.Step}); err != nil {
			return err
		}
		ofData = ofData || f.Step == 0
		if behind[f] {
			continue
		}
		if err := t.plant(f); err != nil {
			return err
		}
	}
	if !ofData || t.resumed {
		return nil
	}
	for _, f := range t.model.Findings {
		if err := t.writer.Append(runs.Alert{ID: f.ID, Severity: f.Severity, Confidence: 1, Message: f.Message, Advice: f.Advice, Evidence: f.Evidence}); err != nil {
			return err
		}
	}
	return nil
}

// plant plants one failure of a step, once.
func (t *trainee) plant(f inject.Fault) error {
	if f.Step == 0 || t.planted[f] {
		return nil
	}
	if f.ID == "MODE" && AdapterSettings(t.config).Dropout == 0 {
		return fmt.Errorf("%s needs dropout: set lora.dropout", f)
	}
	if t.planted == nil {
		t.planted = map[inject.Fault]bool{}
	}
	t.planted[f] = true
	return inject.Plant(t.trainer, f, t.model.Model.Vocab)
}

// plantForReplay plants what steps up to one have met, so that they come out the
// same: but for what cannot be reproduced.
func (t *trainee) plantForReplay(faults []inject.Fault, upTo int) error {
	for _, f := range faults {
		if f.Irreproducible() || f.Transient() && f.Step > upTo {
			continue
		}
		if err := t.plant(f); err != nil {
			return err
		}
	}
	return nil
}

func plantedText(f inject.Fault) string { return "planted on purpose: " + f.String() }

// behind are the failures of memory that have happened already: nobody meets the
// same cosmic ray twice.
func (t *training) behind() (map[inject.Fault]bool, error) {
	if !t.resumed {
		return nil, nil
	}
	h, err := runs.ReadHistory(t.writer.Dir())
	if err != nil {
		return nil, err
	}
	behind := map[inject.Fault]bool{}
	for _, e := range h.Events {
		l, ok := e.Record.(runs.Log)
		for _, f := range t.faults {
			if ok && f.Transient() && l.Message == plantedText(f) {
				behind[f] = true
			}
		}
	}
	return behind, nil
}

// happened says of a step what was planted at it.
func (t *training) happened(step int) error {
	for _, f := range t.faults {
		if f.Step != step {
			continue
		}
		if err := t.writer.Append(runs.Log{Step: step, Level: "warning", Message: plantedText(f)}); err != nil {
			return err
		}
	}
	return nil
}

// spoilRows plants failures of the data into rows.
func spoilRows(d *data.Dataset, faults []inject.Fault) {
	for _, f := range faults {
		if f.Step != 0 || len(d.Train) == 0 {
			continue
		}
		switch f.ID {
		case "DUP-LEAK":
			d.Test = slices.Concat(d.Test, d.Train[:min(len(d.Train), 10)])
		case "EMPTY-EXAMPLE":
			d.Train = slices.Clone(d.Train)
			row := &d.Train[len(d.Train)/2]
			row.Completion, row.Object = "", nil
			if n := len(row.Messages); n > 0 {
				row.Messages = slices.Clone(row.Messages)
				row.Messages[n-1].Content = ""
			}
		}
	}
}

// spoilExamples plants failures of the data into encoded rows.
func (w *Workspace) spoilExamples(faults []inject.Fault) {
	for _, f := range faults {
		e, ok := w.Encoded[data.Train]
		if f.Step != 0 || !ok {
			continue
		}
		if changed, ok := inject.Examples(f.ID, e.Examples, nil, w.Model.Vocab); ok && f.ID != "EMPTY-EXAMPLE" {
			e.Examples = changed
			w.Encoded[data.Train] = e
		}
	}
}
