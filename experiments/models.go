package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hone/data/builtin"
	"hone/engine/llama"
	"hone/engine/weights"
	"hone/internal/hub"
	"hone/runs"
)

// Places of a ModelAtHand.
const (
	ModelBuiltin = "built in"
	ModelCached  = "cache"
	ModelOnDisk  = "disk"
)

// ModelAtHand is a model as its config.json or the header of its GGUF file describes
// it. Its weights were not read.
type ModelAtHand struct {
	Path     string // what model.path is set to
	Place    string // ModelBuiltin, ModelCached or ModelOnDisk
	Revision string // of a cached one: its branches and tags, else its commit
	Format   string // "safetensors" or "gguf"
	Bytes    int64  // of its weights, on disk
	// Problem is why the experiment cannot be made with it; nil where it can. What
	// follows is zero where the configuration cannot be read.
	Problem               error
	Architecture          string
	Parameters            int64
	Layers, Hidden, Vocab int
	Needs                 int64 // estimated peak of training, in bytes; 0 = not known
}

// ModelsAtHand is what ListModels found.
type ModelsAtHand struct {
	Models []ModelAtHand
	Memory int64 // what a run may use, in bytes
	Tokens int   // of the longest row that Needs is for
	More   bool  // the search ended at its limits; there may be more
}

// ListModels lists the models that an experiment could be made with: the built-in
// one, those of the cache that Python shares, and those near at hand, which is the
// working directory, models/ in it, where the experiment's own model lies, and what
// the runs of a store have trained and exported. It reads no weights and asks no
// network. Needs is that of one row of data.max_length tokens a forward pass, without
// evaluations. With an error there is what could be found all the same.
func ListModels(ctx context.Context, c Config, store string) (ModelsAtHand, error) {
	found := ModelsAtHand{Memory: memoryBudget(c), Tokens: c.Data.MaxLength}
	if files, err := builtinModel(); err == nil {
		m := ModelAtHand{Path: builtin.Name, Place: ModelBuiltin, Format: "safetensors"}
		if info, err := fs.Stat(files, "model.safetensors"); err == nil {
			m.Bytes = info.Size()
		}
		found.Models = append(found.Models, m)
	}
	cached, dirs, cacheErr := cachedModels()
	found.Models = append(found.Models, cached...)
	near, more, nearErr := nearModels(ctx, c, store, dirs)
	found.Models, found.More = append(found.Models, near...), more
	valid := c.Validate() == nil
	for i := range found.Models {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		found.Models[i].describe(c, valid)
	}
	return found, errors.Join(cacheErr, nearErr)
}

// describe reads the configuration of a model that can be opened.
func (m *ModelAtHand) describe(c Config, valid bool) {
	if m.Problem != nil {
		return
	}
	c.Model.Path = m.Path
	if m.Problem = checkModel(c); m.Problem != nil {
		return
	}
	w, err := OpenModelConfig(m.Path)
	if err != nil {
		m.Problem = err
		return
	}
	m.Architecture, m.Parameters, m.Layers, m.Hidden, m.Vocab = w.Architecture, w.Parameters(), w.Layers, w.Hidden, w.Vocab
	if valid {
		n := c.Data.MaxLength
		d := demand{Workspace: &Workspace{Config: c, Model: w}, config: c, whole: llama.Pass{Tokens: n, Targets: n, Example: n}}
		m.Needs = d.bytes(n)
	}
}

// cachedModels lists the models of the cache, and the real paths of their
// directories.
func cachedModels() (list []ModelAtHand, dirs []string, err error) {
	cache, err := hub.CacheDir()
	if err != nil {
		return nil, nil, err
	}
	snapshots, err := hub.List(cache)
	for _, s := range snapshots {
		if dir, err := filepath.EvalSymlinks(s.Dir); err == nil {
			dirs = append(dirs, dir)
		}
		list = append(list, snapshotModels(s)...)
	}
	return list, dirs, err
}

// snapshotModels are the models of a snapshot: its directory, and each of its GGUF
// files.
func snapshotModels(s hub.Snapshot) []ModelAtHand {
	ref := hub.Ref{ID: s.ID}
	revision := s.Commit[:min(8, len(s.Commit))]
	if len(s.Revisions) > 0 {
		revision = strings.Join(s.Revisions, ", ")
	}
	switch {
	case slices.Contains(s.Revisions, hub.MainRevision):
	case len(s.Revisions) > 0:
		ref.Revision = s.Revisions[0]
	default:
		ref.Revision = s.Commit
	}
	name := func(ref hub.Ref) string {
		if _, err := os.Stat(ref.String()); err == nil { // a directory of that name comes first
			return filepath.Join(s.Dir, filepath.FromSlash(ref.File))
		}
		return ref.String()
	}
	var list []ModelAtHand
	if len(s.Missing) == 0 || len(s.GGUF) == 0 {
		m := ModelAtHand{Path: name(ref), Place: ModelCached, Revision: revision, Format: "safetensors", Bytes: s.Bytes}
		if len(s.Missing) > 0 {
			m.Problem = fmt.Errorf("it is not whole: it lacks %s; hone pull %s fetches what is missing", strings.Join(s.Missing, ", "), ref)
		}
		list = append(list, m)
	}
	for _, file := range s.GGUF {
		of := ref
		of.File = file
		m := ModelAtHand{Path: name(of), Place: ModelCached, Revision: revision, Format: "gguf"}
		if info, err := os.Stat(filepath.Join(s.Dir, filepath.FromSlash(file))); err == nil {
			m.Bytes = info.Size()
		}
		list = append(list, m)
	}
	return list
}

// nearModels looks through the directories near at hand. but are real paths of
// directories that are listed already.
func nearModels(ctx context.Context, c Config, store string, but []string) ([]ModelAtHand, bool, error) {
	roots := []string{"models", store}
	if p := c.Model.Path; p != "" && p != builtin.Name {
		if _, err := os.Stat(p); err == nil {
			roots = append([]string{shortPath(filepath.Dir(p))}, roots...)
		}
	}
	f := modelFinder{ctx: ctx, seen: map[string]bool{}}
	for _, dir := range but {
		f.seen[dir] = true
	}
	err := f.find(append(roots, "."))
	slices.SortFunc(f.found, func(a, b ModelAtHand) int { return strings.Compare(a.Path, b.Path) })
	return f.found, f.more, err
}

// Limits of the search for models: how deep below a directory it goes, how many
// entries it looks at, and how many models it lists.
const (
	findDepth   = 3
	findEntries = 20_000
	findModels  = 200
)

// modelFinder goes through directories breadth first, so that what is near comes
// before the limits do. A directory is visited once, by its real path: symbolic links
// are followed and lead nowhere twice.
type modelFinder struct {
	ctx     context.Context
	seen    map[string]bool // real paths
	entries int
	more    bool
	found   []ModelAtHand
}

// place is a directory to look through.
type findPlace struct {
	path  string
	depth int // how many levels below it may be looked at
}

// find looks below roots; one that is not there is left out. What lies deeper and
// cannot be read is passed over.
func (f *modelFinder) find(roots []string) error {
	var errs []error
	var queue []findPlace
	for _, root := range roots {
		if root != "" {
			queue = append(queue, findPlace{root, findDepth})
		}
	}
	for i := 0; i < len(queue); i++ {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		if f.entries >= findEntries || len(f.found) >= findModels {
			f.more = true
			break
		}
		next, err := f.look(queue[i])
		if err != nil && i < len(roots) && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("looking for models: %w", err))
		}
		queue = append(queue, next...)
	}
	return errors.Join(errs...)
}

// look finds the models of one directory and says where to look next.
func (f *modelFinder) look(p findPlace) ([]findPlace, error) {
	real, err := realPath(p.path)
	if err != nil || f.seen[real] {
		return nil, err
	}
	f.seen[real] = true
	dir, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	entries, err := dir.ReadDir(findEntries - f.entries) // io.EOF for an empty one
	_ = dir.Close()
	if len(entries) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f.entries += len(entries)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	if f.directory(p.path, entries) {
		return nil, nil
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == runs.InfoName }) {
		// A run: what it has trained whole, and its exports. Checkpoints are its own.
		return []findPlace{{runs.ModelDir(p.path), 0}, {filepath.Join(p.path, exportDir), 1}}, nil
	}
	var next []findPlace
	for _, e := range entries {
		path := filepath.Join(p.path, e.Name())
		switch gguf := strings.EqualFold(filepath.Ext(e.Name()), ".gguf"); {
		case strings.HasPrefix(e.Name(), "."):
		case !gguf && !e.IsDir() && e.Type()&fs.ModeSymlink == 0:
		default:
			info, err := os.Stat(path)
			switch {
			case err != nil:
			case info.IsDir() && p.depth > 0:
				next = append(next, findPlace{path, p.depth - 1})
			case gguf && info.Mode().IsRegular():
				if real, err := realPath(path); err == nil && !f.seen[real] {
					f.seen[real] = true
					f.add(ModelAtHand{Path: path, Format: "gguf", Bytes: info.Size()})
				}
			}
		}
	}
	return next, nil
}

// directory lists a directory that is a model, and reports whether it is one.
func (f *modelFinder) directory(path string, entries []fs.DirEntry) bool {
	names := map[string]bool{}
	m := ModelAtHand{Path: path, Format: "safetensors"}
	for _, e := range entries {
		names[e.Name()] = true
		if filepath.Ext(e.Name()) == ".safetensors" {
			if info, err := os.Stat(filepath.Join(path, e.Name())); err == nil {
				m.Bytes += info.Size()
			}
		}
	}
	pickled := names["pytorch_model.bin"] || names["pytorch_model.bin.index.json"]
	switch whole := names["model.safetensors"] || names["model.safetensors.index.json"]; {
	case !names["config.json"] || !whole && !pickled:
		return false
	case !whole:
		m.Problem = fmt.Errorf("its weights are in pytorch_model.bin, which runs code when it is read: %w (what works: safetensors, GGUF)", weights.ErrUnsupported)
	case !names[tokenizerFiles[0]]:
		m.Problem = fmt.Errorf("%w: it has no %s", ErrNoTokenizer, tokenizerFiles[0])
	}
	f.add(m)
	return true
}

func (f *modelFinder) add(m ModelAtHand) {
	m.Place = ModelOnDisk
	if m.Path == builtin.Name {
		m.Path = "." + string(filepath.Separator) + m.Path
	}
	f.found = append(f.found, m)
}

// shortPath is the path from the working directory where it lies below that.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && filepath.IsAbs(path) && filepath.IsLocal(short) {
		return short
	}
	return path
}

// realPath is a path without symbolic links, absolute.
func realPath(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
