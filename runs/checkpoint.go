package runs

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// CheckpointDir is a checkpoint on disk.
type CheckpointDir struct {
	Step    int
	Path    string
	Problem string // why it cannot be used; "" for a valid one
}

// SaveCheckpoint writes checkpoints/step-NNNNNN: write fills a directory beside,
// which is synced and renamed, so that a checkpoint is there whole or not at
// all; one of the same step is replaced. Then the oldest are removed until keep
// are left (at least one), never best (a path or name; "" = none) nor the one
// just written. It returns the checkpoint's path, also beside an error of the
// removal.
func (w *Writer) SaveCheckpoint(step int, write func(dir string) error, keep int, best string) (string, error) {
	if step < 0 {
		return "", fmt.Errorf("saving checkpoint: step %d", step)
	}
	// The records up to a checkpoint must not be less durable than it is.
	if err := w.Sync(); err != nil {
		return "", fmt.Errorf("saving checkpoint of step %d: %w", step, err)
	}
	parent, name := CheckpointsDir(w.dir), CheckpointName(step)
	if err := replaceDir(parent, name, write); err != nil {
		return "", fmt.Errorf("saving checkpoint of step %d: %w", step, err)
	}
	path := filepath.Join(parent, name)
	all, err := listCheckpoints(w.dir)
	if err == nil {
		for _, c := range prunable(all, keep, step, filepath.Base(best)) {
			err = errors.Join(err, removeDir(c.Path))
		}
	}
	if err != nil {
		return path, fmt.Errorf("removing old checkpoints: %w", err)
	}
	return path, nil
}

// prunable says which checkpoints to remove: all but the newest keep, the one
// of step saved, and the one named best.
func prunable(all []CheckpointDir, keep, saved int, best string) []CheckpointDir {
	var out []CheckpointDir
	kept := 1 // the one just saved, wherever it stands
	for _, c := range slices.Backward(all) {
		switch {
		case c.Step == saved:
		case kept < keep:
			kept++
		case filepath.Base(c.Path) != best:
			out = append(out, c)
		}
	}
	return out
}

// DropCheckpoints removes the checkpoints of steps after a step: a run that goes
// back to an earlier one has undone them.
func (w *Writer) DropCheckpoints(after int) error {
	all, err := listCheckpoints(w.dir)
	for _, c := range all {
		if c.Step > after {
			err = errors.Join(err, removeDir(c.Path))
		}
	}
	return err
}

// removeDir removes a directory; a crash leaves it whole or as what
// recoverDirs clears.
func removeDir(path string) error {
	parent, name := filepath.Split(path)
	gone := filepath.Join(parent, tempPrefix+"removed-"+name)
	if err := os.RemoveAll(gone); err != nil {
		return err
	}
	if err := os.Rename(path, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// Checkpoints lists the run's checkpoints, see [Checkpoints].
func (w *Writer) Checkpoints() ([]CheckpointDir, error) { return Checkpoints(w.dir) }

// Checkpoints lists the checkpoints of a run directory by step, and says of each
// whether it can be used: state.json is JSON, and every safetensors file is as
// long as its header says.
func Checkpoints(dir string) ([]CheckpointDir, error) {
	all, err := listCheckpoints(dir)
	for i := range all {
		if err := checkCheckpoint(all[i].Path); err != nil {
			all[i].Problem = err.Error()
		}
	}
	return all, err
}

// LatestCheckpoint returns the valid checkpoint of the highest step; false where
// there is none.
func LatestCheckpoint(dir string) (CheckpointDir, bool, error) {
	all, err := listCheckpoints(dir)
	for _, c := range slices.Backward(all) {
		if checkCheckpoint(c.Path) == nil {
			return c, true, err
		}
	}
	return CheckpointDir{}, false, err
}

// listCheckpoints lists the checkpoint directories by step, unchecked.
func listCheckpoints(dir string) ([]CheckpointDir, error) {
	entries, err := os.ReadDir(CheckpointsDir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing checkpoints: %w", err)
	}
	var all []CheckpointDir
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "step-")
		step, err := strconv.Atoi(digits)
		if !ok || err != nil || step < 0 || !e.IsDir() || e.Name() != CheckpointName(step) {
			continue
		}
		all = append(all, CheckpointDir{Step: step, Path: filepath.Join(CheckpointsDir(dir), e.Name())})
	}
	slices.SortFunc(all, func(a, b CheckpointDir) int { return a.Step - b.Step })
	return all, nil
}

// maxState is the largest state.json, and maxHeader the largest header of a
// safetensors file, that are read, in bytes.
const (
	maxState  = 64 << 20
	maxHeader = 16 << 20
)

func checkCheckpoint(dir string) error {
	if err := checkState(filepath.Join(dir, "state.json")); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".safetensors") {
			if err := checkSafetensors(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("%s: %w", e.Name(), err)
			}
		}
	}
	return nil
}

func checkState(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return err
	}
	if len(text) > maxState || !json.Valid(text) {
		return fmt.Errorf("%s is not JSON of at most %d bytes", filepath.Base(path), maxState)
	}
	return nil
}

// checkSafetensors compares a file's length with its header, which finds
// truncation without reading the tensors.
func checkSafetensors(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	var head [8]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return errors.New("shorter than a header's length")
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxHeader || int64(n) > stat.Size()-8 {
		return fmt.Errorf("a header of %d bytes in a file of %d", n, stat.Size())
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(f, text); err != nil {
		return err
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(text, &header); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	end := int64(0)
	for name, raw := range header {
		if name == "__metadata__" {
			continue
		}
		var tensor struct {
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &tensor); err != nil {
			return fmt.Errorf("header: %w", err)
		}
		end = max(end, tensor.Offsets[1])
	}
	if want := 8 + int64(n) + end; end < 0 || stat.Size() != want {
		return fmt.Errorf("%d bytes long, its header says %d", stat.Size(), want)
	}
	return nil
}
