package experiments

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"hone/data"
	"hone/engine"
	"hone/engine/llama"
	"hone/engine/trace/inject"
	"hone/engine/weights"
	"hone/runs"
)

// trainee is what is trained: the model, the adapter on it, and the trainer with
// its optimizer. A run has one, and so has the replay of one of its steps.
type trainee struct {
	config  Config
	model   *loaded
	adapter *llama.Adapter // nil with method Full
	trainer *engine.Trainer
	planted map[inject.Fault]bool // failures on purpose
	// progress hears of long work before training; nil = nobody.
	progress func(what string, done, total int)
}

// build makes adapter and trainer on a loaded model. micro is the number of
// tokens of a forward pass.
func (t *trainee) build(micro int) (err error) {
	c := t.config
	if c.Method == LoRA {
		if t.adapter, err = t.model.newAdapter(); err != nil {
			return err
		}
	}
	t.trainer, err = engine.NewTrainer(t.model.pool, t.model.weights, t.adapter, t.model.Encoded[data.Train].Examples, EngineConfig(c, micro, t.model.Dataset.JSON()))
	return err
}

// EngineConfig is what the engine has to know of an experiment. micro is the
// number of tokens of a forward pass; json says whether completions are objects.
func EngineConfig(c Config, micro int, json bool) engine.Config {
	return engine.Config{
		Seed: c.Seed, Epochs: c.Train.Epochs, BatchSize: c.Train.BatchSize, MicroBatch: micro, Shuffle: c.Train.Shuffle,
		LR: c.Train.LR, Schedule: c.Train.Schedule, Warmup: c.Train.Warmup, Decay: c.Train.Decay, DecayShape: c.Train.DecayShape,
		PlusRatio: c.Train.LoRAPlusRatio, Optimizer: c.Train.Optimizer, Beta2: c.Train.Beta2, WeightDecay: c.Train.WeightDecay, Clip: c.Train.Clip,
		Loss: LossWeights(c, json), Noise: c.Train.NEFTuneAlpha, OnNonfinite: c.Train.OnNonfinite,
	}
}

// close lets go of the model.
func (t *trainee) close() {
	if t.trainer != nil {
		t.trainer.Close()
	}
	if t.model != nil {
		t.model.close()
	}
}

// resumeState is state.json of a checkpoint.
type resumeState struct {
	engine.State
	Best      *runs.Eval `json:"best,omitempty"`
	Evaluated int        `json:"evaluated"` // step of the last evaluation
}

const (
	stateFile     = "state.json"
	optimizerFile = "optimizer.safetensors"
)

// restoreFrom continues from a checkpoint.
func (t *trainee) restoreFrom(dir string) (resumeState, error) {
	var state resumeState
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return state, fmt.Errorf("reading %s: %w", stateFile, err)
	}
	if err := t.readTrained(dir); err != nil {
		return state, err
	}
	moments, _, err := weights.ReadSafetensors(filepath.Join(dir, optimizerFile))
	if err != nil {
		return state, err
	}
	return state, t.trainer.Restore(state.State, moments)
}

// saveTo writes a checkpoint.
func (t *trainee) saveTo(dir string, best *runs.Eval, evaluated int) error {
	if err := t.writeTrained(dir); err != nil {
		return err
	}
	if err := weights.WriteSafetensors(filepath.Join(dir, optimizerFile), t.trainer.Moments(), nil); err != nil {
		return err
	}
	text, err := json.Marshal(resumeState{State: t.trainer.State(), Best: best, Evaluated: evaluated})
	if err != nil {
		return err
	}
	return runs.WriteFile(filepath.Join(dir, stateFile), text)
}

// writeTrained writes what is trained as it is, for a checkpoint.
func (t *trainee) writeTrained(dir string) error {
	if t.config.Method == Full {
		return t.model.writeModel(dir, safetensorsType["f32"])
	}
	return weights.WriteAdapter(dir, t.adapter.Export(baseName(t.config.Model.Path)))
}

// readTrained takes over what writeTrained wrote.
func (t *trainee) readTrained(dir string) error {
	if t.config.Method == Full {
		return t.model.readModel(dir)
	}
	file, err := weights.ReadAdapter(dir)
	if err != nil {
		return err
	}
	return t.adapter.Import(file)
}

// hashes are the identities of what the run is made of, by its name in a sentence.
func (t *trainee) hashes() (map[string]string, error) {
	hashes := map[string]string{"model": t.model.modelHash, "data": t.model.Dataset.Hash, "tokenizer": t.model.Tokenizer.Hash()}
	if tpl := t.model.Encoder.Chat(); tpl != nil {
		hashes[HashChatTemplate] = tpl.Hash()
	}
	if dir := t.config.LoRA.InitAdapter; dir != "" && t.config.Method == LoRA {
		file, err := readInit(dir)
		if err != nil {
			return nil, err
		}
		hashes["init adapter"] = file.Hash()
	}
	return hashes, nil
}
