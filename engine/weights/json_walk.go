package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

const maxSizes = 64 // entries of a shape

// walker reads JSON token by token. Decoding into structs would accept duplicate
// keys, keys in another case and broken UTF-8, and hide them.
type walker struct{ dec *json.Decoder }

// newWalker refuses what is not one valid JSON object in UTF-8.
func newWalker(data []byte) (*walker, error) {
	if !utf8.Valid(data) {
		return nil, corrupt("the JSON is not UTF-8")
	}
	if !json.Valid(data) {
		var v json.RawMessage
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, corrupt("%v", err)
		}
		return nil, corrupt("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return &walker{dec}, nil
}

// object calls member for every member of the object that comes next; member
// consumes the value. what names the object in errors.
func (w *walker) object(what string, member func(key string) error) error {
	if err := w.delim('{', what, "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for w.dec.More() {
		t, err := w.dec.Token()
		if err != nil {
			return corrupt("%s: %v", what, err)
		}
		key, _ := t.(string)
		if seen[key] {
			return corrupt("%s has the key %q twice", what, key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return w.delim('}', what, "an object")
}

func (w *walker) delim(d json.Delim, what, kind string) error {
	t, err := w.dec.Token()
	if err != nil {
		return corrupt("%s: %v", what, err)
	}
	if t != d {
		return corrupt("%s is %s, not %s", what, describe(t), kind)
	}
	return nil
}

func (w *walker) str(what string) (string, error) {
	t, err := w.dec.Token()
	if err != nil {
		return "", corrupt("%s: %v", what, err)
	}
	s, ok := t.(string)
	if !ok {
		return "", corrupt("%s is %s, not a string", what, describe(t))
	}
	return s, nil
}

// sizes reads an array of non-negative integers, a shape or a pair of offsets.
func (w *walker) sizes(what string) ([]int64, error) {
	if err := w.delim('[', what, "an array"); err != nil {
		return nil, err
	}
	list := []int64{}
	for w.dec.More() {
		t, err := w.dec.Token()
		if err != nil {
			return nil, corrupt("%s: %v", what, err)
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, corrupt("%s holds %s, not an integer", what, describe(t))
		}
		v, err := strconv.ParseUint(n.String(), 10, 63)
		if err != nil || v > math.MaxInt {
			return nil, corrupt("%s holds %s, not a size", what, clip(n.String()))
		}
		if len(list) == maxSizes {
			return nil, corrupt("%s has more than %d entries", what, maxSizes)
		}
		list = append(list, int64(v))
	}
	return list, w.delim(']', what, "an array")
}

// strings reads an object of strings.
func (w *walker) strings(what string) (map[string]string, error) {
	m := map[string]string{}
	err := w.object(what, func(key string) error {
		s, err := w.str(fmt.Sprintf("%s[%q]", what, clip(key)))
		m[key] = s
		return err
	})
	return m, err
}

// skip consumes a value.
func (w *walker) skip() error {
	var v json.RawMessage
	if err := w.dec.Decode(&v); err != nil {
		return corrupt("%v", err)
	}
	return nil
}

func describe(t json.Token) string {
	switch v := t.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(clip(v))
	case json.Delim:
		if v == '{' {
			return "an object"
		}
		return "an array"
	default:
		return clip(fmt.Sprint(v))
	}
}

// clip shortens text from a file before it goes into a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	s = s[:most]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "..."
}
