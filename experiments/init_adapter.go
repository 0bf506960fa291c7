package experiments

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// beginFrom makes a the continuation of lora.init_adapter: a PEFT directory, or the
// adapter of a run directory. Modules and ranks have to be those of a; a scale that
// is another is made up for. The result says how many modules that were.
func beginFrom(a *llama.Adapter, dir string) (rescaled int, err error) {
	return beginFromRead(a, dir, readInit)
}

func beginFromRead(a *llama.Adapter, dir string, read func(dir string) (*weights.Adapter, error)) (rescaled int, err error) {
	file, err := read(dir)
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

// lastInit is the adapter that the last plan began from, as the form asks for plans at
// every key: it is read again when its files are others.
var lastInit struct {
	sync.Mutex
	key     string
	adapter *weights.Adapter
}

// plannedInit is readInit, or what that returned last of the same files. The adapter
// must not be changed.
func plannedInit(dir string) (*weights.Adapter, error) {
	key, err := filesKey(dir)
	if err != nil {
		return readInit(dir)
	}
	lastInit.Lock()
	defer lastInit.Unlock()
	if lastInit.adapter != nil && lastInit.key == key {
		return lastInit.adapter, nil
	}
	lastInit.adapter = nil
	file, err := readInit(dir)
	if err == nil {
		lastInit.key, lastInit.adapter = key, file
	}
	return file, err
}

// forgetPlanned gives the memory of plannedInit back.
func forgetPlanned() {
	lastInit.Lock()
	defer lastInit.Unlock()
	lastInit.adapter = nil
}

// filesKey changes when the files of lora.init_adapter do: by path, size and time.
func filesKey(dir string) (string, error) {
	var b strings.Builder
	for _, at := range []string{dir, runs.AdapterDir(dir)} {
		files, err := os.ReadDir(at)
		if err != nil {
			continue // which of the two it is readInit decides
		}
		for _, f := range files {
			info, err := f.Info()
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "%q %d %d\n", filepath.Join(at, f.Name()), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
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
	rescaled, err := beginFromRead(a, c.LoRA.InitAdapter, plannedInit)
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
