package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Snapshot is one commit of a model in the cache.
type Snapshot struct {
	ID        string   `json:"id"`
	Revisions []string `json:"revisions"` // branches and tags that meant it when they were last pulled
	Commit    string   `json:"commit"`    // "" where nothing is whole yet
	Dir       string   `json:"dir"`
	Bytes     int64    `json:"bytes"`   // of the files that are there
	Partial   int64    `json:"partial"` // bytes of the repository's unfinished files
	GGUF      []string `json:"gguf"`    // files that are models by themselves
	Missing   []string `json:"missing"` // what a model directory lacks; empty: it can be used
}

// Usable reports whether the snapshot holds a model: a whole directory or a GGUF
// file.
func (s Snapshot) Usable() bool { return len(s.Missing) == 0 || len(s.GGUF) > 0 }

const (
	configFile     = "config.json"
	tokenizerFile  = "tokenizer.json"
	singleWeights  = "model.safetensors"
	indexWeights   = "model.safetensors.index.json"
	incompleteEnd  = ".incomplete"
	maxIndex       = 64 << 20 // bytes of an index
	maxShards      = 10_000
	commitLength   = 40
	sha256Length   = 64
	gitBlobLength  = 40
	repositoryMark = "models--"
)

// repository is a model's part of the cache.
type repository struct {
	cache, id string
}

func (r repository) folder() string {
	return repositoryMark + strings.ReplaceAll(r.id, "/", "--")
}
func (r repository) dir() string { return filepath.Join(r.cache, r.folder()) }
func (r repository) ref(revision string) string {
	return filepath.Join(r.dir(), "refs", filepath.FromSlash(revision))
}
func (r repository) blob(hash string) string { return filepath.Join(r.dir(), "blobs", hash) }
func (r repository) snapshot(commit string) string {
	return filepath.Join(r.dir(), "snapshots", commit)
}

// Find returns the snapshot that a Ref means without asking the network. It may
// lack files. The error wraps [ErrNotCached] where there is none.
func Find(cache string, ref Ref) (Snapshot, error) {
	if err := ref.check(); err != nil {
		return Snapshot{}, err
	}
	r := repository{cache, ref.ID}
	commit := ref.revision()
	if !isHex(commit, commitLength) {
		text, err := readSmall(r.ref(commit), 1024)
		if errors.Is(err, fs.ErrNotExist) {
			return Snapshot{}, notCached(cache, ref)
		}
		if err != nil {
			return Snapshot{}, fmt.Errorf("reading the cache: %w", err)
		}
		if commit = strings.TrimSpace(text); !isHex(commit, commitLength) {
			return Snapshot{}, fmt.Errorf("reading the cache: %s does not hold a commit: remove it and pull again", r.ref(ref.revision()))
		}
	}
	if info, err := os.Stat(r.snapshot(commit)); err != nil || !info.IsDir() {
		return Snapshot{}, notCached(cache, ref)
	}
	return r.look(commit)
}

func notCached(cache string, ref Ref) error {
	return fmt.Errorf("model %s: %w (%s): fetch it with hone pull %s", ref, ErrNotCached, cache, ref)
}

// Locate returns what to open for a Ref: the directory of its snapshot, or a
// GGUF file in it. A directory has its config.json at least. It needs no network;
// its error wraps [ErrNotCached] where there is nothing to open.
func Locate(cache string, ref Ref) (string, error) {
	s, err := Find(cache, ref)
	if err != nil {
		return "", err
	}
	switch {
	case ref.File != "":
		if !slices.Contains(s.GGUF, ref.File) {
			return "", notCached(cache, ref)
		}
		return filepath.Join(s.Dir, filepath.FromSlash(ref.File)), nil
	case !slices.Contains(s.Missing, configFile):
		return s.Dir, nil
	case len(s.GGUF) == 1:
		return filepath.Join(s.Dir, filepath.FromSlash(s.GGUF[0])), nil
	case len(s.GGUF) > 1:
		return "", fmt.Errorf("model %s: %w: the cache has several GGUF files of it, name one: %s:%s", ref, ErrNotCached, ref, strings.Join(s.GGUF, ", "))
	}
	return "", notCached(cache, ref)
}

// List returns what the cache holds of models, in the order of their ids. A cache
// that is not there is empty.
func List(cache string) ([]Snapshot, error) {
	entries, err := os.ReadDir(cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var list []Snapshot
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), repositoryMark)
		id := strings.Replace(rest, "--", "/", 1)
		if !ok || checkID(id) != nil {
			continue // datasets, and ids without an organization, which --model cannot name
		}
		of, err := repository{cache, id}.list()
		if err != nil {
			return nil, err
		}
		list = append(list, of...)
	}
	return list, nil
}

// list returns the snapshots of one model; a model of which nothing is whole yet
// is one without a commit.
func (r repository) list() ([]Snapshot, error) {
	entries, err := os.ReadDir(filepath.Join(r.dir(), "snapshots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var list []Snapshot
	for _, e := range entries {
		if !isHex(e.Name(), commitLength) {
			continue
		}
		s, err := r.look(e.Name())
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if partial := r.partial(); len(list) == 0 && partial > 0 {
		list = append(list, Snapshot{ID: r.id, Revisions: []string{}, Dir: r.dir(), Partial: partial, GGUF: []string{}, Missing: []string{configFile, tokenizerFile, singleWeights}})
	}
	return list, nil
}

// look describes a snapshot.
func (r repository) look(commit string) (Snapshot, error) {
	s := Snapshot{ID: r.id, Commit: commit, Dir: r.snapshot(commit), Revisions: []string{}, GGUF: []string{}, Missing: []string{}, Partial: r.partial()}
	err := filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return nil // a link whose blob is gone: as if it were not there
		}
		s.Bytes += info.Size()
		name, err := filepath.Rel(s.Dir, path)
		if err == nil && strings.HasSuffix(name, ".gguf") {
			s.GGUF = append(s.GGUF, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		return s, fmt.Errorf("reading the cache: %w", err)
	}
	s.Missing = append(s.Missing, missing(s.Dir)...)
	s.Revisions = append(s.Revisions, r.revisions(commit)...)
	return s, nil
}

// missing names what keeps a directory from being a model.
func missing(dir string) []string {
	var lacks []string
	there := func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil && info.Mode().IsRegular()
	}
	for _, name := range []string{configFile, tokenizerFile} {
		if !there(name) {
			lacks = append(lacks, name)
		}
	}
	if there(singleWeights) {
		return lacks
	}
	if !there(indexWeights) {
		return append(lacks, singleWeights)
	}
	shards, err := readShards(filepath.Join(dir, indexWeights))
	if err != nil {
		return append(lacks, indexWeights)
	}
	for _, name := range shards {
		if !there(name) {
			lacks = append(lacks, name)
		}
	}
	return lacks
}

// readShards returns the names of the files that an index speaks of, sorted.
func readShards(path string) ([]string, error) {
	text, err := readSmall(path, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	return parseShards([]byte(text))
}

func parseShards(text []byte) ([]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, fmt.Errorf("reading %s: %w: %w", indexWeights, ErrUnsupported, err)
	}
	files := map[string]bool{}
	for _, name := range index.WeightMap {
		// A shard lies beside its index.
		if checkFile(name) != nil || strings.Contains(name, "/") || !strings.HasSuffix(name, ".safetensors") {
			return nil, fmt.Errorf("reading %s: %w: %q is not a safetensors file beside it", indexWeights, ErrUnsafe, clip(name))
		}
		files[name] = true
	}
	if len(files) == 0 || len(files) > maxShards {
		return nil, fmt.Errorf("reading %s: %w: it names %d files", indexWeights, ErrUnsupported, len(files))
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// revisions are the refs that mean a commit.
func (r repository) revisions(commit string) []string {
	var names []string
	root := filepath.Join(r.dir(), "refs")
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // unreadable refs mean nothing
		}
		text, err := readSmall(path, 1024)
		if name, relErr := filepath.Rel(root, path); err == nil && relErr == nil && strings.TrimSpace(text) == commit {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	return names
}

// partial counts the bytes of unfinished files.
func (r repository) partial() int64 {
	entries, _ := os.ReadDir(filepath.Join(r.dir(), "blobs")) // no directory: none
	var n int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), incompleteEnd) {
			n += info.Size()
		}
	}
	return n
}
