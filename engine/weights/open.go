package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Open opens a directory with config.json and safetensors (model.safetensors, or
// shards with model.safetensors.index.json), or a GGUF file. The tensors are
// checked to be exactly those of the configuration; their data is read when
// asked for.
//
// Errors wrap [ErrUnsupported], [ErrCorrupt], or [fs.ErrNotExist] where there is
// no model.
func Open(path string) (*Model, error) { return open(path, false) }

// open can map the files. Pages of a mapping that were touched count as memory of
// the process, all of the file when all weights have been packed.
func open(path string, mapped bool) (*Model, error) {
	gguf, err := isGGUF(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Path: path}
	if gguf {
		err = m.openGGUF(mapped)
	} else {
		err = m.openDirectory(place{dir: path}, mapped)
	}
	return m.opened(err)
}

// opened checks the tensors of a model whose files were read, and closes one that
// cannot be used.
func (m *Model) opened(err error) (*Model, error) {
	if err == nil {
		err = m.checkTensors()
	}
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	return m, nil
}

// OpenFS is [Open] for the directory that is the root of a file system; name is
// what messages call it. Its files have to be [io.ReaderAt]s, as embedded ones
// are: weights are read from them piece by piece, never copied whole.
func OpenFS(files fs.FS, name string) (*Model, error) {
	m := &Model{Path: name}
	return m.opened(m.openDirectory(place{dir: name, files: files}, false))
}

// OpenConfigFS is [OpenConfig] for the directory that is the root of a file
// system; name is what messages call it.
func OpenConfigFS(files fs.FS, name string) (Config, error) {
	return readConfig(place{dir: name, files: files})
}

// OpenConfig reads only config.json, or the header of a GGUF file: enough to plan
// with, also where the weights are absent or cut short.
func OpenConfig(path string) (Config, error) {
	gguf, err := isGGUF(path)
	if err != nil {
		return Config{}, err
	}
	if !gguf {
		return readConfig(place{dir: path})
	}
	s, err := openSource(path, false)
	if err != nil {
		return Config{}, err
	}
	defer func() { _ = s.close() }()
	g, err := parseGGUF(s)
	if err != nil {
		return Config{}, fmt.Errorf("reading %s: %w", path, err)
	}
	c, err := g.config()
	if err != nil {
		return Config{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return c, nil
}

// isGGUF tells a GGUF file from a directory, and refuses the rest.
func isGGUF(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("opening model: %w", err)
	}
	if info.IsDir() {
		return false, nil
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("opening model %s: %w", path, unsupported("not a directory or a regular file"))
	}
	base := filepath.Base(path)
	if base == "config.json" || base == indexFile || strings.HasSuffix(base, ".safetensors") {
		return false, fmt.Errorf("opening model %s: %w", path, unsupported("name the directory %s instead", filepath.Dir(path)))
	}
	return true, nil
}

// openDirectory reads config.json and opens the safetensors beside it.
func (m *Model) openDirectory(p place, mapped bool) error {
	m.Format = "safetensors"
	var err error
	if m.Config, err = readConfig(p); err != nil {
		return err
	}
	m.tensors = map[string]stored{}
	_, err = p.stat(singleFile)
	switch {
	case err == nil:
		err = m.addShard(p, singleFile, mapped, nil)
	case errors.Is(err, fs.ErrNotExist):
		if _, err = p.stat(indexFile); err == nil {
			err = m.addShards(p, mapped)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = noWeights(p)
		}
	}
	if err != nil {
		return err
	}
	if info, err := p.stat("tokenizer.json"); err == nil && info.Mode().IsRegular() {
		m.tokens = p.path("tokenizer.json")
	}
	return nil
}

func noWeights(p place) error {
	for _, name := range []string{"pytorch_model.bin", "pytorch_model.bin.index.json"} {
		if _, err := p.stat(name); err == nil {
			return fmt.Errorf("opening model %s: %w", p.dir, unsupported("weights in %s (what works: safetensors, GGUF)", name))
		}
	}
	return fmt.Errorf("opening model %s: it has neither model.safetensors nor model.safetensors.index.json: %w", p.dir, fs.ErrNotExist)
}

// addShard adds the tensors of one safetensors file. want, if not nil, tells
// which file each tensor is to be in.
func (m *Model) addShard(p place, name string, mapped bool, want map[string]string) error {
	path := p.path(name)
	s, err := p.source(name, mapped)
	if err != nil {
		return fmt.Errorf("opening model: %w", err)
	}
	m.sources = append(m.sources, s)
	return guard(path, func() error {
		regions, _, err := parseSafetensors(s)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		header := s.size
		for i, r := range regions {
			if i == 0 {
				header = r.off
			}
			if want != nil && want[r.name] != name && !ignorable(r.name) {
				return fmt.Errorf("reading %s: %w", path, corrupt("the index does not place %s in this file", clip(r.name)))
			}
			if _, twice := m.tensors[r.name]; twice {
				return fmt.Errorf("reading %s: %w", path, corrupt("%s is in another shard too", clip(r.name)))
			}
			m.tensors[r.name] = stored{region: r, source: s}
		}
		m.headers = append(m.headers, [2]int64{0, header})
		return nil
	})
}

// ignorable tells tensors that old exporters wrote and that the configuration
// determines anyway.
func ignorable(name string) bool { return strings.HasSuffix(name, ".rotary_emb.inv_freq") }

// checkTensors compares the tensors that are there with those the configuration
// asks for, and drops the ones known to be superfluous.
func (m *Model) checkTensors() error {
	expected := ExpectedTensors(m.Config)
	names := make(map[string]bool, len(expected))
	for _, e := range expected {
		names[e.Name] = true
		t, ok := m.tensors[e.Name]
		if !ok {
			hint := ""
			if e.Name == headName {
				hint = " (is tie_word_embeddings true missing from config.json?)"
			}
			return fmt.Errorf("opening model %s: %w", m.Path, corrupt("tensor %s is missing%s", e.Name, hint))
		}
		if t.dtype == nil {
			return fmt.Errorf("opening model %s: %w", m.Path, unsupported("dtype %s of %s (what works: %s)", t.kind, e.Name, dtypeList))
		}
		if !equalShape(t.shape, e.Shape) {
			return fmt.Errorf("opening model %s: %w", m.Path, corrupt("tensor %s is %v, the configuration asks for %v", e.Name, clipShape(t.shape), e.Shape))
		}
		m.names = append(m.names, e.Name)
	}
	for _, name := range sortedKeys(m.tensors) {
		if names[name] {
			continue
		}
		if !ignorable(name) {
			if err := m.checkSurplus(name); err != nil {
				return fmt.Errorf("opening model %s: %w", m.Path, err)
			}
		}
		delete(m.tensors, name)
	}
	return nil
}

// checkSurplus allows the copy of the embedding that some exporters keep as the
// head of a tied model.
func (m *Model) checkSurplus(name string) error {
	if name != headName || m.Format != "safetensors" {
		return corrupt("tensor %s is not part of this architecture (%s)", clip(name), works)
	}
	head, embedding := m.tensors[headName], m.tensors[embeddingName]
	same := head.kind == embedding.kind && equalShape(head.shape, embedding.shape)
	if same {
		var err error
		if same, err = sameBytes(head, embedding); err != nil {
			return err
		}
	}
	if !same {
		return corrupt("tie_word_embeddings is true, but %s differs from %s", headName, embeddingName)
	}
	return nil
}
