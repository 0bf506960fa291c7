package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

const maxConfig = 16 << 20 // bytes of a config.json or generation_config.json

// fields are the members of a JSON object by their exact names.
type fields map[string]json.RawMessage

func readFields(p place, name string) (fields, error) {
	data, err := p.read(name, maxConfig)
	if err != nil {
		return nil, err
	}
	f, err := parseFields(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.path(name), err)
	}
	return f, nil
}

func parseFields(data []byte) (fields, error) {
	w, err := newWalker(data)
	if err != nil {
		return nil, err
	}
	f := fields{}
	return f, w.object("the file", func(key string) error {
		var v json.RawMessage
		if err := w.dec.Decode(&v); err != nil {
			return corrupt("%s: %v", clip(key), err)
		}
		f[key] = v
		return nil
	})
}

// has reports whether a key is there and not null.
func (f fields) has(key string) bool {
	v, ok := f[key]
	return ok && string(v) != "null"
}

// integer returns an integer, or def where the key is absent or null.
func (f fields) integer(key string, def int) (int, error) {
	if !f.has(key) {
		return def, nil
	}
	n, err := strconv.ParseInt(string(f[key]), 10, 64)
	if err != nil || n != int64(int(n)) {
		return 0, corrupt("%s is %s, not an integer", key, clip(string(f[key])))
	}
	return int(n), nil
}

// number returns a number, or def where the key is absent or null.
func (f fields) number(key string, def float64) (float64, error) {
	if !f.has(key) {
		return def, nil
	}
	var v float64
	if err := json.Unmarshal(f[key], &v); err != nil {
		return 0, corrupt("%s is %s, not a number", key, clip(string(f[key])))
	}
	return v, nil
}

// boolean returns a truth value, false where the key is absent or null.
func (f fields) boolean(key string) (bool, error) {
	if !f.has(key) {
		return false, nil
	}
	switch string(f[key]) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, corrupt("%s is %s, not true or false", key, clip(string(f[key])))
}

// text returns a string, or def where the key is absent or null.
func (f fields) text(key, def string) (string, error) {
	if !f.has(key) {
		return def, nil
	}
	var v string
	if err := json.Unmarshal(f[key], &v); err != nil {
		return "", corrupt("%s is %s, not a string", key, clip(string(f[key])))
	}
	return v, nil
}

// ids returns an integer or a list of integers, without duplicates and without
// the negative numbers that stand for none.
func (f fields) ids(key string) ([]int32, error) {
	if !f.has(key) {
		return nil, nil
	}
	var list []int32
	if f[key][0] == '[' {
		if err := json.Unmarshal(f[key], &list); err != nil {
			return nil, corrupt("%s is %s, not a token id or a list of them", key, clip(string(f[key])))
		}
	} else {
		var one int32
		if err := json.Unmarshal(f[key], &one); err != nil {
			return nil, corrupt("%s is %s, not a token id or a list of them", key, clip(string(f[key])))
		}
		list = []int32{one}
	}
	return unique(list), nil
}

// unique drops negative and repeated ids, keeping the order.
func unique(ids []int32) []int32 {
	var out []int32
	seen := map[int32]bool{}
	for _, id := range ids {
		if id >= 0 && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// readConfig reads config.json of a directory, and its generation_config.json
// for the end-of-sequence tokens.
func readConfig(p place) (Config, error) {
	f, err := readFields(p, "config.json")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Config{}, fmt.Errorf("%s is no model directory, it has no config.json: %w", p.dir, err)
		}
		return Config{}, err
	}
	generation, err := readFields(p, "generation_config.json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Config{}, err
	}
	c, err := modelConfig(f, generation)
	if err != nil {
		return Config{}, fmt.Errorf("reading %s: %w", p.path("config.json"), err)
	}
	return c, nil
}
