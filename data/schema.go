package data

import (
	"fmt"
	"slices"
	"strings"
)

// checkSchema refuses field names that no schema can have.
func checkSchema(fields []string) error {
	if len(fields) > MaxFields {
		return fmt.Errorf("fields: %d names; a schema has at most %d", len(fields), MaxFields)
	}
	for i, name := range fields {
		if slices.Contains(fields[:i], name) {
			return fmt.Errorf("fields: %s is named twice", quote(name))
		}
	}
	return nil
}

// discoverSchema returns the ordered union of the keys of the completions:
// the first row's keys, then those that later rows add.
func discoverSchema(rows []parsedRow) ([]string, error) {
	var union Object
	for _, r := range rows {
		if r.Object == nil {
			continue
		}
		for _, key := range r.Object.keys {
			if union.find(key) < 0 {
				union.add(key, nil)
			}
		}
	}
	if n := union.Len(); n > MaxFields {
		return nil, fmt.Errorf("the completions have %d different keys, a schema at most %d; name the ones to learn in fields (first: %s)",
			n, MaxFields, someKeys(union.keys))
	}
	return union.keys, nil
}

// mostlyObjects reports whether more than half of the completions are objects:
// then the rest are broken rows, otherwise all are text.
func mostlyObjects(rows []parsedRow) bool {
	objects := 0
	for _, r := range rows {
		if r.Object != nil {
			objects++
		}
	}
	return 2*objects > len(rows)
}

// tally counts how often names occur and keeps the order of their first.
type tally struct {
	names  []string
	counts map[string]int
}

func (t *tally) add(name string) {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	if t.counts[name]++; t.counts[name] == 1 {
		t.names = append(t.names, name)
	}
}

// String lists names with counts: `"a" (3 rows), "b" (1 row)`.
func (t *tally) String() string {
	const most = 8
	var parts []string
	for i, name := range t.names {
		if i == most {
			parts = append(parts, fmt.Sprintf("%d more", len(t.names)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", quote(name), count(t.counts[name], "row")))
	}
	return strings.Join(parts, ", ")
}

// count writes a number with its noun: "1 row", "2 rows".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
