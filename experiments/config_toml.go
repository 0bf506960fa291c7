package experiments

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// assign stores a decoded TOML value (string, int64, float64, bool or []any) in
// the key's field. It checks the type only; ranges are check's business.
func (k *Key) assign(c *Config, v any) error {
	switch field := k.at(c).(type) {
	case *string:
		if s, ok := v.(string); ok {
			*field = s
			return nil
		}
	case *bool:
		if b, ok := v.(bool); ok {
			*field = b
			return nil
		}
	case *int:
		if n, ok := v.(int64); ok && n == int64(int(n)) {
			*field = int(n)
			return nil
		}
	case *uint64:
		if n, ok := v.(int64); ok && n >= 0 {
			*field = uint64(n)
			return nil
		} else if ok {
			return fmt.Errorf("must be %s, not %d", k.Range, n)
		}
	case *float64:
		if x, ok := asFloat(v); ok {
			*field = x
			return nil
		}
	case *[]string:
		if list, ok := stringList(v); ok {
			*field = list
			return nil
		}
	case *[]int:
		if list, ok := v.([]any); ok {
			out := make([]int, len(list))
			for i, x := range list {
				n, ok := x.(int64)
				if !ok || n != int64(int(n)) {
					return k.typeError(v)
				}
				out[i] = int(n)
			}
			*field = out
			return nil
		}
	case *map[string]float64:
		if table, ok := v.(map[string]any); ok {
			out := make(map[string]float64, len(table))
			for name, x := range table {
				if out[name], ok = asFloat(x); !ok {
					return k.typeError(v)
				}
			}
			*field = out
			return nil
		}
	case *[3]float64:
		if list, ok := v.([]any); ok && len(list) == 3 {
			var out [3]float64
			for i, x := range list {
				if out[i], ok = asFloat(x); !ok {
					return k.typeError(v)
				}
			}
			*field = out
			return nil
		}
	}
	return k.typeError(v)
}

func asFloat(v any) (float64, bool) {
	switch x := v.(type) {
	case int64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

func stringList(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, len(list))
	for i, x := range list {
		if out[i], ok = x.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

var kindText = map[string]string{
	KindString: "a string", KindPath: "a string", KindChoice: "a string", KindSize: "a string",
	KindInt: "a whole number", KindFloat: "a number", KindBool: "true or false",
	KindStrings: "a list of strings", KindFloats: "a list of three numbers",
	KindInts: "a list of whole numbers", KindTable: "a table of names and numbers, as { down_proj = 32 }",
}

func (k *Key) typeError(v any) error {
	return fmt.Errorf("must be %s (%s), not %s", kindText[k.Kind], k.Range, describe(v))
}

func describe(v any) string {
	switch x := v.(type) {
	case string:
		return "the string " + quote(clipText(x, 60))
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return formatNumber(x)
	case bool:
		return strconv.FormatBool(x)
	case []any:
		return fmt.Sprintf("a list of %d", len(x))
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

// clipText shortens s to at most n bytes, at a character's border.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// tomlValue decodes one TOML value.
func tomlValue(text string) (any, error) {
	if strings.ContainsAny(text, "\n\r") {
		return nil, fmt.Errorf("%s is more than one line", quote(clipText(text, 60)))
	}
	var doc map[string]any
	if err := toml.Unmarshal([]byte("v = "+text), &doc); err != nil {
		return nil, fmt.Errorf("%s is not a TOML value", quote(clipText(text, 60)))
	}
	return doc["v"], nil
}

// text writes the value that c holds for k as TOML.
func (k *Key) text(c *Config) string {
	switch v := k.at(c).(type) {
	case *string:
		return quote(*v)
	case *bool:
		return strconv.FormatBool(*v)
	case *int:
		return strconv.Itoa(*v)
	case *uint64:
		return strconv.FormatUint(*v, 10)
	case *float64:
		return formatFloat(*v)
	case *[3]float64:
		return "[" + formatFloat(v[0]) + ", " + formatFloat(v[1]) + ", " + formatFloat(v[2]) + "]"
	case *[]string:
		parts := make([]string, len(*v))
		for i, s := range *v {
			parts[i] = quote(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *[]int:
		parts := make([]string, len(*v))
		for i, n := range *v {
			parts[i] = strconv.Itoa(n)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *map[string]float64:
		if len(*v) == 0 {
			return "{}"
		}
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(*v)) {
			number := formatFloat((*v)[name])
			if k.whole {
				number = formatNumber((*v)[name])
			}
			parts = append(parts, tomlKey(name)+" = "+number)
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	panic("experiments: key " + k.Name + " has a field of an unknown type")
}

// tomlKey writes a key of a table, in quotes where it needs them.
func tomlKey(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
		return s
	}
	return quote(s)
}

// formatFloat writes a TOML float that reads back as the same number.
func formatFloat(x float64) string {
	s := formatNumber(x)
	if strings.Trim(s, "-0123456789") == "" {
		s += ".0"
	}
	return s
}

// formatNumber writes a number as people do: 16, 0.05, 5e-4.
func formatNumber(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	case a != 0 && a < 1e-3 || a >= 1e17:
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
		n, _ := strconv.Atoi(exponent)
		return mantissa + "e" + strconv.Itoa(n)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// quote writes s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Get returns the TOML text of a key's value.
func (c Config) Get(key string) (string, error) {
	k := findKey(key)
	if k == nil {
		return "", unknownKey(key)
	}
	return k.text(&c), nil
}

// Marshal writes c as a whole experiment file: every key, with its meaning
// beside it. [Parse] reads it back to the same Config.
func (c Config) Marshal() ([]byte, error) {
	var b bytes.Buffer
	for _, section := range sectionNames() {
		if section != "" {
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		for i := range keyTable {
			k := &keyTable[i]
			if k.Section != section {
				continue
			}
			if !k.writable(&c) {
				return nil, &Problems{List: []Problem{{Key: k.Name, Message: "must be valid UTF-8"}}}
			}
			line := k.Leaf() + " = " + k.text(&c)
			if len(line) > 48 {
				fmt.Fprintf(&b, "# %s\n%s\n", k.comment(), line)
			} else {
				fmt.Fprintf(&b, "%-28s # %s\n", line, k.comment())
			}
		}
	}
	return b.Bytes(), nil
}

// writable reports whether the value survives being written: a form may save
// what is out of range, but TOML has no text for invalid UTF-8.
func (k *Key) writable(c *Config) bool {
	switch v := k.at(c).(type) {
	case *string:
		return utf8.ValidString(*v)
	case *[]string:
		for _, s := range *v {
			if !utf8.ValidString(s) {
				return false
			}
		}
	case *map[string]float64:
		for name := range *v {
			if !utf8.ValidString(name) {
				return false
			}
		}
	}
	return true
}

func (k *Key) comment() string {
	switch k.Kind {
	case KindChoice, KindInt, KindFloat:
		return k.Doc + "; " + k.Range
	}
	return k.Doc
}
