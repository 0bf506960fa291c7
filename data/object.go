package data

import (
	"encoding/json"
	"slices"
)

// Object is a JSON object that keeps the order of its keys and the literals of
// its numbers. Its keys are unique. A value is a string, json.Number, bool,
// nil, []any or *Object. An Object is not changed after it is made.
type Object struct {
	keys   []string
	values []any
	index  map[string]int // only for objects of more than linearKeys keys
}

// linearKeys is the size up to which looking through the keys is as fast as a
// map, which most objects are therefore spared.
const linearKeys = 16

// Len returns the number of keys.
func (o *Object) Len() int { return len(o.keys) }

// Keys returns the keys in order. The caller may change the slice.
func (o *Object) Keys() []string { return slices.Clone(o.keys) }

// Get returns the value of key, and false if there is none.
func (o *Object) Get(key string) (any, bool) {
	if i := o.find(key); i >= 0 {
		return o.values[i], true
	}
	return nil, false
}

// find returns the index of key or -1; no object has no keys.
func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	return slices.Index(o.keys, key)
}

// add appends a key that is not there yet.
func (o *Object) add(key string, value any) {
	o.keys = append(o.keys, key)
	o.values = append(o.values, value)
	switch {
	case o.index != nil:
		o.index[key] = len(o.keys) - 1
	case len(o.keys) > linearKeys:
		o.index = make(map[string]int, 2*len(o.keys))
		for i, k := range o.keys {
			o.index[k] = i
		}
	}
}

// Restrict returns an object of those keys of the schema that o has, in the
// schema's order, and the number of keys of o that it leaves out.
func (o *Object) Restrict(schema []string) (restricted *Object, left int) {
	restricted = &Object{}
	for _, key := range schema {
		if value, ok := o.Get(key); ok && restricted.find(key) < 0 {
			restricted.add(key, value)
		}
	}
	return restricted, o.Len() - restricted.Len()
}

// Map returns o decoded: nested objects become map[string]any too.
func (o *Object) Map() map[string]any {
	m := make(map[string]any, len(o.keys))
	for i, key := range o.keys {
		m[key] = decoded(o.values[i])
	}
	return m
}

func decoded(value any) any {
	switch v := value.(type) {
	case *Object:
		return v.Map()
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = decoded(x)
		}
		return list
	}
	return value
}

// String returns o as JSON, in the form of [CompletionText].
func (o *Object) String() string { return string(appendValue(nil, o)) }

// MarshalJSON writes o with its keys in order.
func (o *Object) MarshalJSON() ([]byte, error) { return appendValue(nil, o), nil }

// UnmarshalJSON reads an object as [ParseObject] does.
func (o *Object) UnmarshalJSON(b []byte) error {
	parsed, err := ParseObject(b)
	if err != nil {
		return err
	}
	*o = *parsed
	return nil
}

var (
	_ json.Marshaler   = (*Object)(nil)
	_ json.Unmarshaler = (*Object)(nil)
)
