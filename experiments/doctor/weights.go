package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hone/engine/trace"
	"hone/engine/weights"
	"hone/experiments"
	"hone/runs"
)

// maxNamed bounds how many tensors evidence names.
const maxNamed = 4

// scan looks for values that are not finite in a safetensors file.
func (e *examination) scan(path, shown, id, advice string) ([]weights.TensorScan, error) {
	scans, err := weights.ScanSafetensors(path)
	if err != nil {
		return nil, err
	}
	var evidence []string
	bad := 0
	for _, s := range scans {
		if s.NaN+s.Inf == 0 {
			continue
		}
		if bad++; bad <= maxNamed {
			evidence = append(evidence, fmt.Sprintf("%s: %s has %d NaN and %d infinite of %d values, the first at index %d, byte %d of the file", shown, s.Name, s.NaN, s.Inf, s.Values, s.First, s.Offset))
		}
	}
	if bad > 0 {
		evidence = append(evidence, fmt.Sprintf("%s: %d of %d tensors have such values", shown, bad, len(scans)))
		e.find(id, trace.Error, 1, advice, evidence...)
	}
	return scans, nil
}

// adapter examines the directory of a PEFT adapter, or a file in it; prefix names
// it in evidence.
func (e *examination) adapter(path, prefix string) error {
	dir := path
	if isFile(path) {
		dir = filepath.Dir(path)
	}
	e.could(trace.WeightNaNFile, trace.LoRABoth0, trace.Unreadable)
	const name = "adapter_model.safetensors"
	scans, err := e.scan(filepath.Join(dir, name), prefix+name, trace.WeightNaNFile, "Do not use this adapter. Go back to an older checkpoint, and find the step that made the values: hone doctor on the run's directory.")
	if errors.Is(err, fs.ErrNotExist) && isFile(filepath.Join(dir, "adapter_model.bin")) {
		e.find(trace.Unreadable, trace.Note, 1, "Save it again as safetensors.", prefix+"adapter_model.bin was not read: reading Python's pickle format can run what is in it")
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) && prefix != "" {
		e.find(trace.Unreadable, trace.Note, 1, "", prefix+"there is no "+name+", so its values could not be looked at")
		return nil
	}
	if err != nil {
		return err
	}
	e.zeroMatrices(scans, prefix)
	e.moments(dir, prefix)
	a, err := weights.ReadAdapter(dir)
	switch {
	case errors.Is(err, weights.ErrNonFinite):
	case errors.Is(err, weights.ErrUnsupported):
		e.find(trace.Unreadable, trace.Note, 1, "Hone cannot apply this adapter; what was found in its values holds all the same.", plain(err))
	case err != nil:
		e.find(trace.Unreadable, trace.Warning, 0.9, "Hone cannot apply this adapter; what was found in its values holds all the same.", plain(err))
	case e.options.Model != "":
		e.could(trace.ModelWiring)
		c, err := experiments.OpenModelConfig(e.options.Model)
		if err != nil {
			return fmt.Errorf("reading the base model: %w", err)
		}
		if err := a.CheckModel(c); err != nil {
			e.find(trace.ModelWiring, trace.Error, 1, "Use the base model that the adapter was trained on.", prefix+plain(err))
		}
	}
	return nil
}

// zeroMatrices looks for an adapter that does nothing.
func (e *examination) zeroMatrices(scans []weights.TensorScan, prefix string) {
	b, zeroB := 0, 0
	var dead []string
	zeroA := map[string]bool{}
	for _, s := range scans {
		zero := s.Read && s.Values > 0 && s.Zero == s.Values
		switch {
		case strings.Contains(s.Name, "lora_A"):
			zeroA[strings.Replace(s.Name, "lora_A", "lora_B", 1)] = zero
		case strings.Contains(s.Name, "lora_B"):
			if b++; zero {
				zeroB++
			}
		}
	}
	for _, s := range scans {
		if strings.Contains(s.Name, "lora_B") && s.Read && s.Zero == s.Values && zeroA[s.Name] {
			dead = append(dead, s.Name)
		}
	}
	switch {
	case len(dead) > 0:
		e.find(trace.LoRABoth0, trace.Error, 1, "", fmt.Sprintf("%s%d of %d modules have A and B of zeros, as %s: no gradient can ever reach them", prefix, len(dead), b, dead[0]))
	case b > 0 && zeroB == b:
		e.find(trace.LoRABoth0, trace.Error, 0.95, "The adapter changes nothing: it was saved before its first update, or no update reached it. Look at the run's log.", fmt.Sprintf("%sall %d lora_B are zero, as at the start of training", prefix, b))
	case zeroB > 0:
		e.find(trace.LoRABoth0, trace.Warning, 0.8, "", fmt.Sprintf("%s%d of %d lora_B are zero: these modules were never trained", prefix, zeroB, b))
	}
}

// moments looks at the optimizer state of Hone that lies beside an adapter.
func (e *examination) moments(dir, prefix string) {
	const name = "optimizer.safetensors"
	if !isFile(filepath.Join(dir, name)) {
		return
	}
	e.could(trace.OptPoison)
	if _, err := e.scan(filepath.Join(dir, name), prefix+name, trace.OptPoison, ""); err != nil {
		e.find(trace.Unreadable, trace.Warning, 1, "", prefix+plain(err))
	}
}

// drift compares the prompt that an adapter's run was trained with, as far as it
// lies in a run directory, with that of its first adapter and the one asked for.
func (e *examination) drift(path string) {
	_, c, ok := runAround(path)
	if !ok {
		return
	}
	e.could(trace.PromptDrift)
	if f, ok := trace.ComparePrompts(c.Data.Prompt, e.options.Prompt); ok && e.options.Prompt != "" {
		e.add(f)
	}
}

// runAround is the run in whose directory an adapter, a model or an export of it
// lies.
func runAround(path string) (dir string, c experiments.Config, ok bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", c, false
	}
	for _, dir := range []string{filepath.Dir(abs), filepath.Dir(filepath.Dir(abs))} {
		if isFile(runs.ConfigFile(dir)) {
			c, err := experiments.Load(runs.ConfigFile(dir))
			return dir, c, err == nil
		}
	}
	return "", c, false
}

// strayWeights scans the weights that lie at the top of an output directory, as
// full fine-tuning leaves them.
func (e *examination) strayWeights() {
	files, _ := filepath.Glob(filepath.Join(escape(e.path), "model*.safetensors"))
	for _, f := range files[:min(len(files), 64)] {
		e.could(trace.WeightNaNFile)
		if _, err := e.scan(f, filepath.Base(f), trace.WeightNaNFile, ""); err != nil {
			e.find(trace.Unreadable, trace.Warning, 1, "", plain(err))
		}
	}
}

// model examines a model: configuration, tensors, every value, tokenizer.
func (e *examination) model(ctx context.Context, path string) error {
	base := filepath.Base(path)
	if isFile(path) && (base == "config.json" || strings.HasSuffix(base, ".safetensors")) {
		if dir := filepath.Dir(path); isFile(filepath.Join(dir, "config.json")) {
			path = dir
		} else {
			return e.loose(path)
		}
	}
	e.could(trace.WeightNaNFile, trace.ModelWiring, trace.OOVLabel, trace.EOSMasked, trace.Unreadable)
	m, err := weights.Open(path)
	switch {
	case errors.Is(err, weights.ErrUnsupported):
		e.find(trace.Unreadable, trace.Note, 1, "Its values were looked at all the same, where they are safetensors.", "Hone does not compute this model: "+plain(err))
		_, err := e.scanAll(path)
		return err
	case errors.Is(err, weights.ErrCorrupt):
		// Files that can be read contradict the configuration; others cannot be used.
		scanned, scanErr := e.scanAll(path)
		if scanErr != nil || scanned == 0 {
			return fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		e.find(trace.ModelWiring, trace.Error, 1, "The files and config.json do not belong together: fetch the model again.", plain(err))
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	defer m.Close()
	if err := e.values(ctx, m); err != nil {
		return err
	}
	e.vocabulary(path, m.Config)
	return nil
}

// loose scans one safetensors file that lies without a configuration.
func (e *examination) loose(path string) error {
	e.could(trace.WeightNaNFile)
	if _, err := e.scan(path, filepath.Base(path), trace.WeightNaNFile, ""); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}

// scanAll scans the safetensors of a model's directory and counts the files.
func (e *examination) scanAll(path string) (files int, err error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return 0, nil
	}
	found, _ := filepath.Glob(filepath.Join(escape(path), "*.safetensors"))
	for _, f := range found[:min(len(found), 256)] {
		if _, err := e.scan(f, filepath.Base(f), trace.WeightNaNFile, ""); err != nil {
			return files, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		files++
	}
	return files, nil
}

// chunk is how many values of a tensor are read at a time.
const chunk = 1 << 20

// values reads every weight once.
func (e *examination) values(ctx context.Context, m *weights.Model) error {
	var evidence []string
	bad := 0
	buf := make([]float32, 0, chunk)
	for _, name := range m.Names() {
		shape, err := m.Shape(name)
		if err != nil || len(shape) == 0 {
			continue
		}
		cols := 1
		if len(shape) == 2 {
			cols = shape[1]
		}
		rows := max(1, chunk/cols)
		for first := 0; first < shape[0]; first += rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(rows, shape[0]-first) * cols
			if cap(buf) < n {
				buf = make([]float32, n)
			}
			err := m.Float32Rows(name, first, buf[:n])
			if errors.Is(err, weights.ErrNonFinite) {
				if bad++; bad <= maxNamed {
					evidence = append(evidence, plain(err))
				}
				break // the first of each tensor is enough
			}
			if err != nil {
				e.find(trace.Unreadable, trace.Error, 1, "", plain(err))
				return nil
			}
		}
	}
	if bad > 0 {
		evidence = append(evidence, fmt.Sprintf("%d of %d tensors have values that are not finite", bad, len(m.Names())))
		e.find(trace.WeightNaNFile, trace.Error, 1, "", evidence...)
	}
	return nil
}

// vocabulary compares the tokenizer with the model.
func (e *examination) vocabulary(path string, c weights.Config) {
	t, err := experiments.OpenTokenizer(path)
	if err != nil {
		e.find(trace.Unreadable, trace.Note, 1, "", "its tokenizer was not looked at: "+plain(err))
		return
	}
	if t.Size() > c.Vocab {
		e.find(trace.OOVLabel, trace.Error, 1, "", fmt.Sprintf("the tokenizer has %d tokens, the model only %d", t.Size(), c.Vocab))
	}
	if len(c.EOS) == 0 {
		e.find(trace.EOSMasked, trace.Warning, 0.9, "Set data.eos to the text of a token.", "the model names no token that ends a sequence")
	}
	for _, id := range c.EOS {
		if int(id) >= t.Size() {
			e.find(trace.OOVLabel, trace.Error, 1, "", fmt.Sprintf("the end token %d is not in the tokenizer's vocabulary of %d", id, t.Size()))
		}
	}
}
