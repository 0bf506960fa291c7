package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// Names of the template engine that are let through: none reads a file, and none
// makes a value much larger than what it is given.
var (
	statements = []string{"for", "if", "set", "break", "continue", "raw", "do"}
	filters    = []string{
		"trim", "length", "count", "first", "last", "upper", "lower", "title", "capitalize", "string", "int", "float", "list",
		"items", "default", "d", "reverse", "selectattr", "rejectattr", "select", "reject", "map", "unique", "sort", "dictsort", "safe", "abs",
	}
	strMethods = []string{
		"strip", "lstrip", "rstrip", "startswith", "endswith", "split", "rsplit", "splitlines", "partition", "rpartition",
		"removeprefix", "removesuffix", "lower", "upper", "title", "capitalize", "isspace", "isdigit", "isalpha", "isalnum",
	}
	dictMethods = []string{"keys", "values", "items", "get"}
	listMethods = []string{"append", "reverse", "copy"}
)

// raisedError is what a template itself says is wrong.
type raisedError struct{ message string }

func (e *raisedError) Error() string { return e.message }

func environment() *exec.Environment {
	run := map[string]parser.ControlStructureParser{"generation": parseGeneration}
	for _, name := range statements {
		run[name] = countedParser(name)
	}
	apply := map[string]exec.FilterFunction{"tojson": toJSON, "join": join, "replace": replaceFilter}
	for _, name := range filters {
		if f, ok := builtins.Filters.Get(name); ok {
			apply[name] = f
		}
	}
	namespace, _ := builtins.GlobalFunctions.Get("namespace")
	dict, _ := builtins.GlobalFunctions.Get("dict")
	strs := subset(builtins.Methods.Str, strMethods)
	strs["replace"] = replaceMethod
	return &exec.Environment{
		Context: exec.NewContext(map[string]any{
			"namespace": namespace, "dict": dict, "range": ranged, "raise_exception": raise, "strftime_now": strftimeNow,
			"true": true, "false": false, "none": nil, "True": true, "False": false, "None": nil,
		}),
		Filters:           exec.NewFilterSet(apply),
		Tests:             builtins.Tests,
		ControlStructures: exec.NewControlStructureSet(run),
		Methods: exec.Methods{
			Bool: exec.NewMethodSet(map[string]exec.Method[bool]{}), Int: exec.NewMethodSet(map[string]exec.Method[int]{}),
			Float: exec.NewMethodSet(map[string]exec.Method[float64]{}), Str: exec.NewMethodSet(strs),
			Dict: exec.NewMethodSet(subset(builtins.Methods.Dict, dictMethods)),
			List: exec.NewMethodSet(subset(builtins.Methods.List, listMethods)),
		},
	}
}

func subset[T any](all *exec.MethodSet[T], names []string) map[string]exec.Method[T] {
	some := map[string]exec.Method[T]{}
	for _, name := range names {
		if m, ok := all.Get(name); ok {
			some[name] = m
		}
	}
	return some
}

// located is a statement that knows only where it stands.
type located struct{ at *tokens.Token }

func (l located) Position() *tokens.Token { return l.at }
func (l located) String() string          { return fmt.Sprintf("generation(Line=%d)", l.at.Line) }

func parseGeneration(p, args *parser.Parser) (nodes.ControlStructure, error) {
	at := p.Current()
	if !args.End() {
		return nil, args.Error("generation takes no arguments", args.Current())
	}
	body, _, err := p.WrapUntil("endgeneration")
	if err != nil {
		return nil, err
	}
	return generation{located{at}, body}, nil
}

func raise(_ *exec.Evaluator, params *exec.VarArgs) (string, error) {
	return "", &raisedError{params.First().String()}
}

func ranged(e *exec.Evaluator, params *exec.VarArgs) ([]any, error) {
	at := [3]int{0, 0, 1}
	for i, v := range params.Args {
		if i >= len(at) || !v.IsInteger() {
			return nil, fmt.Errorf("range takes up to three integers")
		}
		at[i] = v.Integer()
	}
	if len(params.Args) == 1 {
		at[0], at[1] = 0, at[0]
	}
	if at[2] == 0 {
		return nil, fmt.Errorf("range: the step is 0")
	}
	v, _ := e.Environment.Context.Get(budgetName)
	b, ok := v.(*budget)
	if !ok {
		return nil, fmt.Errorf("range: no budget")
	}
	var list []any
	for i := at[0]; at[2] > 0 && i < at[1] || at[2] < 0 && i > at[1]; i += at[2] {
		if len(list) == maxRange {
			return nil, fmt.Errorf("range: more than %d items", maxRange)
		}
		if err := b.step(); err != nil { // whoever loops over it pays for it here
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

func strftimeNow(_ *exec.Evaluator, params *exec.VarArgs) (string, error) {
	var b strings.Builder
	format := params.First().String()
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		layout, ok := map[byte]string{
			'd': "02", 'b': "Jan", 'B': "January", 'Y': "2006", 'y': "06", 'm': "01", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
			'A': "Monday", 'a': "Mon", 'j': "002", '%': "%",
		}[format[i]]
		if !ok {
			return "", fmt.Errorf("strftime_now: %%%c is not taken", format[i])
		}
		b.WriteString(today.Format(layout))
	}
	return b.String(), nil
}

// toJSON is transformers' tojson: json.dumps with ensure_ascii=False, and nothing
// escaped for HTML.
func toJSON(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	indent := params.GetKeywordArgument("indent", nil)
	pad := -1
	if len(params.Args) > 0 {
		indent = params.Args[0]
	}
	if indent.IsInteger() {
		pad = min(max(indent.Integer(), 0), 16)
	}
	var b strings.Builder
	if err := writeJSON(&b, in.Interface(), pad, 0); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(b.String())
}

func writeJSON(b *strings.Builder, v any, pad, depth int) error {
	if depth > 32 {
		return fmt.Errorf("tojson: nested too deep")
	}
	line := func(depth int, last bool) {
		switch {
		case pad >= 0:
			b.WriteString("\n" + strings.Repeat(" ", pad*depth))
		case !last:
			b.WriteByte(' ')
		}
	}
	switch v := v.(type) {
	case *exec.Value:
		return writeJSON(b, v.Interface(), pad, depth)
	case exec.ValuesList:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = x
		}
		return writeJSON(b, list, pad, depth)
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if i > 0 || pad >= 0 {
				line(depth+1, false)
			}
			if err := writeJSON(b, x, pad, depth+1); err != nil {
				return err
			}
		}
		if len(v) > 0 {
			line(depth, true)
		}
		b.WriteByte(']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) == 2 && keys[0] == "content" && keys[1] == "role" {
			slices.Reverse(keys) // as a message is written
		}
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			if i > 0 || pad >= 0 {
				line(depth+1, false)
			}
			writeString(b, k)
			b.WriteString(": ")
			if err := writeJSON(b, v[k], pad, depth+1); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			line(depth, true)
		}
		b.WriteByte('}')
	case string:
		writeString(b, v)
	case nil, bool, int, int64, float64:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("tojson: %w", err)
		}
		b.Write(text)
	default:
		return fmt.Errorf("tojson: %T is not taken", v)
	}
	return nil
}

func writeString(b *strings.Builder, s string) {
	var line strings.Builder
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be written
	b.WriteString(strings.TrimSuffix(line.String(), "\n"))
}

func replaced(s, from, to string) (string, error) {
	if n := strings.Count(s, from); n > 0 && len(to) > 0 && n > maxValue/len(to) {
		return "", fmt.Errorf("replace: the result is too large")
	}
	return strings.ReplaceAll(s, from, to), nil
}

func replaceFilter(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	if len(params.Args) != 2 {
		return exec.AsValue(fmt.Errorf("replace takes what and by what"))
	}
	s, err := replaced(in.String(), params.Args[0].String(), params.Args[1].String())
	if err != nil {
		return exec.AsValue(err)
	}
	return exec.AsValue(s)
}

func replaceMethod(self string, _ *exec.Value, params *exec.VarArgs) (any, error) {
	if len(params.Args) != 2 {
		return nil, fmt.Errorf("replace takes what and by what")
	}
	return replaced(self, params.Args[0].String(), params.Args[1].String())
}

func join(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	sep := ""
	if len(params.Args) > 0 {
		sep = params.Args[0].String()
	}
	var parts []string
	size := 0
	in.Iterate(func(_, _ int, key, _ *exec.Value) bool {
		parts = append(parts, key.String())
		size += len(sep) + len(parts[len(parts)-1])
		return size <= maxValue
	}, func() {})
	if size > maxValue {
		return exec.AsValue(fmt.Errorf("join: the result is too large"))
	}
	return exec.AsValue(strings.Join(parts, sep))
}
