package weights

import (
	"fmt"
	"path/filepath"
	"strings"
)

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
	maxIndex   = 64 << 20 // bytes of an index
)

// addShards adds the tensors of all files that an index names. Index and files
// have to agree.
func (m *Model) addShards(p place, mapped bool) error {
	index := p.path(indexFile)
	where, err := readIndex(p)
	if err != nil {
		return fmt.Errorf("reading %s: %w", index, err)
	}
	files := map[string]bool{}
	for _, file := range where {
		files[file] = true
	}
	for _, file := range sortedKeys(files) {
		if err := m.addShard(p, file, mapped, where); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(where) {
		if _, ok := m.tensors[name]; !ok {
			return fmt.Errorf("reading %s: %w", index, corrupt("tensor %s is not in %s", clip(name), clip(where[name])))
		}
	}
	return nil
}

// readIndex returns the file of every tensor.
func readIndex(p place) (map[string]string, error) {
	data, err := p.read(indexFile, maxIndex)
	if err != nil {
		return nil, err
	}
	return parseIndex(data)
}

func parseIndex(data []byte) (map[string]string, error) {
	w, err := newWalker(data)
	if err != nil {
		return nil, err
	}
	var where map[string]string
	err = w.object("the index", func(key string) error {
		if key != "weight_map" {
			return w.skip()
		}
		where, err = w.strings(key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(where) == 0 {
		return nil, corrupt("the index has no weight_map")
	}
	for name, file := range where {
		// A shard lies beside its index; anything else would read files elsewhere.
		if !filepath.IsLocal(file) || strings.ContainsAny(file, `/\`) || !strings.HasSuffix(file, ".safetensors") {
			return nil, corrupt("the index places %s in %q, not a safetensors file beside it", clip(name), clip(file))
		}
	}
	return where, nil
}
