package hub

import (
	"fmt"
	"slices"
	"strings"
)

// small are the files of a model directory beside its weights. Templates come
// under several names.
var small = []string{configFile, "generation_config.json", tokenizerFile, "tokenizer_config.json", "special_tokens_map.json"}

func isSmall(name string) bool {
	return slices.Contains(small, name) || strings.HasPrefix(name, "chat_template") && !strings.Contains(name, "/") &&
		(strings.HasSuffix(name, ".jinja") || strings.HasSuffix(name, ".json"))
}

// choose picks the files that Hone reads, the small ones first. Of a model in
// shards these are the small ones and the index, which names the rest. Pickled
// weights run code when they are loaded and are never among them.
func choose(r *remote, ref Ref) ([]string, error) {
	if ref.File != "" {
		if _, ok := r.files[ref.File]; !ok {
			return nil, fmt.Errorf("%s: %w%s", ref, ErrNotFound, offer(r, ref))
		}
		return []string{ref.File}, nil
	}
	var names []string
	for name := range r.files {
		if isSmall(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	has := func(name string) bool { _, ok := r.files[name]; return ok }
	switch {
	case !has(configFile) && offer(r, ref) != "":
		return nil, fmt.Errorf("%s: %w: it has no config.json%s", ref, ErrUnsupported, offer(r, ref))
	case !has(configFile):
		return nil, fmt.Errorf("%s: %w: it has no config.json", ref, ErrUnsupported)
	case has(singleWeights):
		return append(names, singleWeights), nil
	case has(indexWeights):
		return append(names, indexWeights), nil
	}
	return nil, fmt.Errorf("%s: %w: it has no safetensors (what works: model.safetensors, shards with their index, GGUF)%s", ref, ErrUnsupported, offer(r, ref))
}

// offer names the GGUF files of a repository.
func offer(r *remote, ref Ref) string {
	var names []string
	for name := range r.files {
		if strings.HasSuffix(name, ".gguf") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	more := ""
	if n := len(names) - 20; n > 0 {
		names, more = names[:20], fmt.Sprintf(" and %d more", n)
	}
	ref.File = names[0]
	return fmt.Sprintf("; it has %s%s: name one, as %s", strings.Join(names, ", "), more, ref)
}
