package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hone/engine/trace"
	"hone/engine/trace/foreign"
	"hone/engine/weights"
	"hone/experiments"
)

// logs diagnoses one log, or a directory of event files.
func (e *examination) logs(events bool) error {
	if info, err := os.Stat(e.path); err == nil && info.IsDir() {
		return e.output()
	}
	log, err := foreign.Open(e.path, filepath.Base(e.path))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if !events {
		dir := filepath.Dir(e.path)
		if isFile(filepath.Join(dir, "adapter_config.json")) {
			e.measure(log, dir)
		}
	}
	return e.foreignRuns([]*trace.Log{log}, nil)
}

// output diagnoses a directory of logs, with the adapters and weights in it.
func (e *examination) output() error {
	d, err := foreign.OpenDir(e.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	notes := d.Notes
	for _, dir := range d.Adapters {
		for _, log := range d.Runs {
			if log.AdapterValues == 0 {
				e.measure(log, dir)
			}
		}
		if err := e.adapter(dir, e.shown(dir)+": "); err != nil {
			e.find(trace.Unreadable, trace.Warning, 0.9, "", plain(err))
		}
	}
	e.strayWeights()
	if len(d.Pickles) > 0 {
		shown := d.Pickles[:min(len(d.Pickles), 4)]
		text := "not read: " + strings.Join(shown, ", ")
		if more := len(d.Pickles) - len(shown); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		notes = append(notes, text+" (reading Python's pickle format can run what is in it)")
	}
	return e.foreignRuns(d.Runs, notes)
}

func (e *examination) shown(path string) string {
	if rel, err := filepath.Rel(e.path, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// foreignRuns holds every log against the rules. Where there are several, their
// evidence says which it is about.
func (e *examination) foreignRuns(logs []*trace.Log, notes []string) error {
	limits := trace.Finding{ID: trace.LogLimits, Severity: trace.Note, Confidence: 1, Advice: e.next()}
	var unknown []string
	for i, log := range logs {
		if e.options.Model != "" {
			c, err := experiments.OpenModelConfig(e.options.Model)
			if err != nil {
				return fmt.Errorf("reading the base model: %w", err)
			}
			log.SetModel(trace.ModelShape{
				Hidden: c.Hidden, Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, FFN: c.FFN, Vocab: c.Vocab, Tied: c.Tied,
				Architecture: c.Architecture, AttentionBias: c.OBias, MLPBias: c.MLPBias,
			})
		}
		prefix := ""
		if len(logs) > 1 {
			prefix = log.Files[0] + ": "
		}
		a := trace.Analyze(log)
		for _, f := range a.Findings {
			for i := range f.Evidence {
				f.Evidence[i] = prefix + f.Evidence[i]
			}
			e.add(f)
		}
		e.could(a.Checked...)
		if len(logs) <= 3 {
			for _, line := range a.Facts {
				limits.Evidence = append(limits.Evidence, prefix+line)
			}
		}
		if i == 0 {
			unknown = a.Limits
		}
		for _, n := range log.Notes {
			notes = append(notes, prefix+n)
		}
	}
	limits.Evidence = append(limits.Evidence, unknown...)
	for _, n := range notes[:min(len(notes), 8)] {
		limits.Evidence = append(limits.Evidence, "note: "+n)
	}
	e.add(trace.Siblings(logs)...)
	if len(limits.Evidence) > 0 {
		e.limits = append(e.limits, limits)
	}
	return nil
}

// next says what to look at when a log alone does not tell.
func (e *examination) next() string {
	return "Run hone doctor on the dataset, the model and the adapter too; train a few steps with hone train on the same data and look at a batch on its Trace screen."
}

// measure reads what an adapter's directory says about its run.
func (e *examination) measure(log *trace.Log, dir string) {
	if f, err := os.Open(filepath.Join(dir, "adapter_config.json")); err == nil {
		args, _ := foreign.ReadArgs(f) // whatever of it can be read
		_ = f.Close()
		if name := args.String("base_model_name_or_path"); name != "" && log.BaseName == "" {
			log.BaseName = name
		}
	}
	scans, err := weights.ScanSafetensors(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		return // the adapter's own examination says so
	}
	for _, s := range scans {
		if !strings.Contains(s.Name, "lora_") {
			log.AdapterValues = 0 // whole layers were trained beside it
			return
		}
		log.AdapterValues += s.Values
	}
}
