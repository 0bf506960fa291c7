package experiments

import (
	"fmt"
	"os"

	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// beginFrom makes a the continuation of lora.init_adapter: a PEFT directory, or the
// adapter of a run directory. Modules and ranks have to be those of a; a scale that
// is another is made up for. The result says how many modules that were.
func beginFrom(a *llama.Adapter, dir string) (rescaled int, err error) {
	file, err := readInit(dir)
	if err != nil {
		return 0, err
	}
	if rescaled, err = a.Continue(file); err != nil {
		return rescaled, fmt.Errorf("lora.init_adapter %s: %w", dir, err)
	}
	return rescaled, nil
}

// readInit reads lora.init_adapter.
func readInit(dir string) (*weights.Adapter, error) {
	if kept := runs.AdapterDir(dir); isDirectory(kept) {
		dir = kept
	}
	file, err := weights.ReadAdapter(dir)
	if err != nil {
		return nil, fmt.Errorf("reading lora.init_adapter: %w", err)
	}
	return file, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// planStart checks what the adapter is and starts from, before anything large is
// read, and notes what is made up for.
func (p *Plan) planStart(c Config, model weights.Config) error {
	if c.Method != LoRA {
		return nil
	}
	l := AdapterSettings(c)
	if err := l.Check(model); err != nil {
		return err
	}
	if c.LoRA.InitAdapter == "" {
		return nil
	}
	a, err := llama.NewAdapter(model, l, c.Seed)
	if err != nil {
		return err
	}
	rescaled, err := beginFrom(a, c.LoRA.InitAdapter)
	if err != nil {
		return err
	}
	note := "training goes on from the adapter " + c.LoRA.InitAdapter
	if rescaled > 0 {
		note += fmt.Sprintf("; its scale is another (alpha, r, rslora): B is multiplied to make up for it in %s, so that it begins as what it was", ofRows(rescaled, "module"))
	}
	p.Notes = append(p.Notes, note)
	return nil
}
