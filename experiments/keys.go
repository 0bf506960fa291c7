package experiments

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kinds of a key: how its value is written and edited.
const (
	KindString  = "string"  // TOML string
	KindPath    = "path"    // TOML string; relative paths are resolved by Load
	KindChoice  = "choice"  // TOML string, one of Options
	KindSize    = "size"    // TOML string, "auto" or a size of memory
	KindInt     = "int"     // TOML integer
	KindFloat   = "float"   // TOML float or integer
	KindBool    = "bool"    // true or false
	KindStrings = "strings" // TOML array of strings
	KindFloats  = "floats"  // TOML array of three numbers
	KindInts    = "ints"    // TOML array of integers
	KindTable   = "table"   // TOML inline table of names and numbers
)

// Key describes one key of the experiment file.
type Key struct {
	Name    string // as "train.lr"; the keys before the first section have no dot
	Section string // "train"; "" before the first section
	Kind    string // one of the Kind constants
	Doc     string // one line
	Range   string // the values it takes, in words
	Default string // TOML text
	// Options are the values of a choice, or the entries that a list may have.
	Options []string
	// Min and Max bound a number, the entries of KindFloats, the bytes of a size,
	// the length of a list, and (Max only) the bytes of a string.
	Min, Max float64

	minOpen, maxOpen bool              // the bound itself is excluded
	whole            bool              // the numbers of a table are
	longer           func(string) bool // entries that a list may have beside Options
	minLen           int               // least bytes of a string
	aliases          []string          // what other tools call it, for suggestions
	at               func(*Config) any // the field that holds the value
}

// Keys lists every key in file order. The form, the documentation, --set and
// the file itself are made from it; the slice is the caller's.
func Keys() []Key {
	return append([]Key{}, keyTable...)
}

// FindKey returns the key with that full name, as "train.lr".
func FindKey(name string) (Key, bool) {
	if k := findKey(name); k != nil {
		return *k, true
	}
	return Key{}, false
}

// Leaf is the key's name within its section.
func (k Key) Leaf() string { return k.Name[strings.LastIndexByte(k.Name, '.')+1:] }

func findKey(name string) *Key {
	for i := range keyTable {
		if keyTable[i].Name == name {
			return &keyTable[i]
		}
	}
	return nil
}

func sectionOf(name string) string {
	if i := strings.IndexByte(name, '.'); i >= 0 {
		return name[:i]
	}
	return ""
}

// sectionNames lists the section names in file order, "" first.
func sectionNames() []string {
	var names []string
	for i := range keyTable {
		if s := sectionOf(keyTable[i].Name); len(names) == 0 || names[len(names)-1] != s {
			names = append(names, s)
		}
	}
	return names
}

// rangeText says in words which values the key takes.
func (k *Key) rangeText() string {
	switch k.Kind {
	case KindBool:
		return "true or false"
	case KindChoice:
		return quotedList(k.Options, "or")
	case KindSize:
		return fmt.Sprintf(`"auto" or %s to %s`, FormatSize(int64(k.Min)), FormatSize(int64(k.Max)))
	case KindInt, KindFloat:
		return boundsText(k)
	case KindFloats:
		return "three numbers, each " + boundsText(k) + ", their sum 1"
	case KindStrings:
		if k.longer != nil {
			return fmt.Sprintf("%d to %d different ends of modules' names: %s, or longer", int(k.Min), int(k.Max), quotedList(k.Options, "or"))
		}
		s := fmt.Sprintf("%d to %d different strings", int(k.Min), int(k.Max))
		if len(k.Options) > 0 {
			s = fmt.Sprintf("%d to %d different of %s", int(k.Min), int(k.Max), quotedList(k.Options, "and"))
		}
		return s
	case KindInts:
		return "different whole numbers, each " + boundsText(k)
	case KindTable:
		if k.whole {
			return "names with whole numbers, each " + boundsText(k)
		}
		return "names with numbers, each " + boundsText(k)
	default:
		if k.minLen > 0 {
			return fmt.Sprintf("text of 1 to %d bytes", int(k.Max))
		}
		return fmt.Sprintf("text of up to %d bytes", int(k.Max))
	}
}

func boundsText(k *Key) string {
	low, high := formatNumber(k.Min), formatNumber(k.Max)
	switch {
	case k.minOpen && k.maxOpen:
		return "above " + low + " and below " + high
	case k.minOpen:
		return "above " + low + ", at most " + high
	case k.maxOpen:
		return "from " + low + " to below " + high
	}
	return low + " to " + high
}

// check says what is wrong with the value that c holds for k, "" if nothing.
func (k *Key) check(c *Config) string {
	switch v := k.at(c).(type) {
	case *int:
		return k.checkNumber(float64(*v))
	case *uint64:
		return k.checkNumber(float64(*v))
	case *float64:
		return k.checkNumber(*v)
	case *string:
		return k.checkString(*v)
	case *[3]float64:
		sum := 0.0
		for _, x := range v {
			if msg := k.checkNumber(x); msg != "" {
				return msg
			}
			sum += x
		}
		if math.Abs(sum-1) > 1e-6 {
			return fmt.Sprintf("must be %s; the sum of %s is %s", k.Range, k.text(c), formatNumber(sum))
		}
	case *[]string:
		return k.checkList(*v)
	case *[]int:
		seen := map[int]bool{}
		for _, n := range *v {
			if msg := k.checkNumber(float64(n)); msg != "" {
				return msg
			}
			if seen[n] {
				return fmt.Sprintf("has %d twice", n)
			}
			seen[n] = true
		}
	case *map[string]float64:
		return k.checkTable(*v)
	}
	return ""
}

// maxTable is the largest number of entries of a table.
const maxTable = 256

func (k *Key) checkTable(table map[string]float64) string {
	if len(table) > maxTable {
		return fmt.Sprintf("has %d entries; up to %d work", len(table), maxTable)
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		x := table[name]
		switch msg := k.checkNumber(x); {
		case name == "":
			return "must not have an empty name"
		case !utf8.ValidString(name):
			return "must be valid UTF-8"
		case msg != "" || k.whole && x != math.Trunc(x):
			return fmt.Sprintf("must have %s; that of %s is %s", k.Range, quote(name), formatNumber(x))
		}
	}
	return ""
}

func (k *Key) checkNumber(x float64) string {
	inside := x >= k.Min && x <= k.Max // false for NaN
	if k.minOpen && x == k.Min || k.maxOpen && x == k.Max {
		inside = false
	}
	if inside {
		return ""
	}
	return fmt.Sprintf("must be %s, not %s", k.Range, formatNumber(x))
}

func (k *Key) checkString(s string) string {
	switch k.Kind {
	case KindChoice:
		for _, o := range k.Options {
			if s == o {
				return ""
			}
		}
		return fmt.Sprintf("must be %s, not %s", k.Range, quote(s))
	case KindSize:
		if s == "auto" {
			return ""
		}
		n, err := ParseSize(s)
		if err != nil {
			return fmt.Sprintf("must be %s: %v", k.Range, err)
		}
		if float64(n) < k.Min || float64(n) > k.Max {
			return fmt.Sprintf("must be %s, not %s", k.Range, quote(s))
		}
		return ""
	}
	switch {
	case len(s) < k.minLen:
		return "must not be empty"
	case len(s) > int(k.Max):
		return fmt.Sprintf("must be %s, not of %d", k.Range, len(s))
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	case k.Kind == KindPath && strings.ContainsRune(s, 0):
		return "must not contain a zero byte"
	}
	return ""
}

func (k *Key) checkList(list []string) string {
	if n := len(list); n < int(k.Min) || n > int(k.Max) {
		return fmt.Sprintf("must be %s, not %d of them", k.Range, n)
	}
	seen := map[string]bool{}
	for _, s := range list {
		switch {
		case s == "":
			return "must not have an empty entry"
		case !utf8.ValidString(s):
			return "must be valid UTF-8"
		case seen[s]:
			return fmt.Sprintf("has %s twice", quote(s))
		case k.longer != nil && k.longer(s):
		case len(k.Options) > 0 && !containsString(k.Options, s):
			return fmt.Sprintf("must be %s, not %s; the nearest is %s", k.Range, quote(s), quote(nearest(s, k.Options)))
		}
		seen[s] = true
	}
	return ""
}

func containsString(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// quotedList writes `"a", "b" or "c"`.
func quotedList(list []string, last string) string {
	var b strings.Builder
	for i, s := range list {
		switch {
		case i == 0:
		case i == len(list)-1:
			b.WriteString(" " + last + " ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(quote(s))
	}
	return b.String()
}
