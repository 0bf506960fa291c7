package data

import (
	"fmt"
	"slices"
	"strings"
)

// ColumnKeys are what a column can be named for.
func ColumnKeys() []string {
	return []string{keyEvent, keyOutput, keyPrompt, keyCompletion, keyMessages, keyText}
}

// mapping says which key of a row is read as which of [ColumnKeys].
type mapping []column

type column struct{ key, from string }

// CheckColumns refuses settings of columns that mean nothing.
func CheckColumns(settings []string) error {
	_, err := parseColumns(settings)
	return err
}

// parseColumns reads settings such as "prompt=question".
func parseColumns(settings []string) (mapping, error) {
	var c mapping
	for _, s := range settings {
		key, from, ok := strings.Cut(s, "=")
		switch {
		case !ok || from == "":
			return nil, fmt.Errorf("columns: %s is not written as %s=NAME", quote(s), keyPrompt)
		case !slices.Contains(ColumnKeys(), key):
			return nil, fmt.Errorf("columns: %s is not one of %s", quote(key), strings.Join(ColumnKeys(), ", "))
		}
		for _, other := range c {
			if other.key == key || other.from == from {
				return nil, fmt.Errorf("columns: %s and %s name the same twice", quote(other.key+"="+other.from), quote(s))
			}
		}
		c = append(c, column{key, from})
	}
	return c, nil
}

// rename returns a row with its columns under their keys. A key that is named
// takes nothing from a column that happens to have its name.
func (c mapping) rename(o *Object) (*Object, error) {
	if len(c) == 0 {
		return o, nil
	}
	for _, col := range c {
		if o.find(col.from) < 0 {
			return nil, noKey(o, col.from)
		}
	}
	renamed := &Object{}
	for i, key := range o.keys {
		if k := slices.IndexFunc(c, func(col column) bool { return col.from == key }); k >= 0 {
			key = c[k].key
		} else if slices.ContainsFunc(c, func(col column) bool { return col.key == key }) {
			continue
		}
		renamed.add(key, o.values[i])
	}
	return renamed, nil
}

// took says which columns a dataset is read from, and why those.
func (c mapping) took(f Format, first parsedRow) string {
	var keys []string
	switch {
	case f == Text:
		keys = []string{keyText}
	case f != Chat:
		input, answer := f.keys()
		keys = []string{input, answer}
	case first.conversations:
		keys = []string{keyConversations}
	default:
		keys = []string{keyMessages}
	}
	var parts []string
	for _, key := range keys {
		from, why := key, "its name"
		for _, col := range c {
			if col.key == key {
				from, why = col.from, "data.columns"
			}
		}
		parts = append(parts, fmt.Sprintf("%s from %s (%s)", key, quote(from), why))
	}
	return strings.Join(parts, ", ")
}
