package experiments

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxFile is the largest experiment file that is read, in bytes.
const maxFile = 1 << 18

// maxKeys is the largest number of keys and tables in a file: an experiment has
// some 60, and the decoder's time grows with the square.
const maxKeys = 1000

// maxProblems is how many problems of one file are listed.
const maxProblems = 100

// Problem is one thing wrong with a configuration.
type Problem struct {
	Key     string // as "train.lr"; "" when the file as a whole cannot be read
	Message string // reads on from the key: "must be 1 to 1024, not 0"
	// Line and Column say where the key stands in the file, from 1; 0 where it
	// does not stand there.
	Line, Column int
}

// Problems is the error of a configuration that cannot be used, with
// everything that is wrong with it.
type Problems struct {
	File string // name of the experiment file, "" without one
	List []Problem
}

// Error has one line per problem: file:line:column: key message.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, q := range p.List {
		where := p.File
		if q.Line > 0 {
			if where == "" {
				where = "line "
			} else {
				where += ":"
			}
			where += fmt.Sprintf("%d:%d", q.Line, q.Column)
		}
		if where != "" {
			where += ": "
		}
		lines[i] = where + strings.TrimSpace(q.Key+" "+q.Message)
	}
	return strings.Join(lines, "\n")
}

// For returns the message about a key, "" if there is none: what a form shows
// beside the field.
func (p *Problems) For(key string) string {
	if p == nil {
		return ""
	}
	for _, q := range p.List {
		if q.Key == key {
			return q.Message
		}
	}
	return ""
}

func (p *Problems) add(q Problem) { p.List = append(p.List, q) }

// orNil is p as an error, nil when nothing is wrong.
func (p *Problems) orNil() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}

func unknownKey(name string) error {
	return &Problems{List: []Problem{{Key: name, Message: unknownMessage(name)}}}
}

func unknownMessage(name string) string {
	return "is not a key; the nearest is " + nearestKey(name)
}

// Parse reads an experiment file and checks it. Keys that are not in the file
// have their defaults. The error is a *[Problems] with everything that is
// wrong; the Config beside it holds what could be read.
func Parse(text []byte) (Config, error) {
	c := Default()
	p := &Problems{}
	places := parseInto(&c, text, p)
	addValidation(&c, p, places)
	return c, p.orNil()
}

// Load reads an experiment file, applies assignments such as "train.lr=1e-3"
// (see [Config.Set]) over it, and checks the result. Relative paths in the file
// are resolved against its directory, those of assignments against the current
// directory; "builtin" and hub ids stay. With an empty path the assignments are over
// what [Basis] gives for the model that they name.
// The error is a *[Problems], or that of reading the file.
func Load(path string, set ...string) (Config, error) {
	c := Default()
	if path == "" {
		for _, assignment := range set {
			c.set(assignment) // wrong ones are told below
		}
		c = Basis(c)
	}
	p := &Problems{File: path}
	var places map[string]keyPlace
	if path != "" {
		text, err := readFile(path)
		if err != nil {
			return c, err
		}
		places = parseInto(&c, text, p)
		if err := c.Resolve(dirOf(path)); err != nil {
			return c, err
		}
	}
	for _, assignment := range set {
		key, err := c.set(assignment)
		// An assignment answers whatever was wrong with that value in the file.
		p.drop(key)
		delete(places, key)
		var bad *Problems
		if errors.As(err, &bad) {
			p.List = append(p.List, bad.List...)
		}
	}
	if err := c.Resolve("."); err != nil {
		return c, err
	}
	addValidation(&c, p, places)
	return c, p.orNil()
}

func (p *Problems) drop(key string) {
	kept := p.List[:0]
	for _, q := range p.List {
		if q.Key != key || key == "" {
			kept = append(kept, q)
		}
	}
	p.List = kept
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading experiment: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading experiment %s: %w", path, err)
	}
	return text, nil
}

// addValidation adds what Validate finds to the problems of reading, and puts all in
// file order.
func addValidation(c *Config, p *Problems, places map[string]keyPlace) {
	bad := map[string]bool{}
	for _, q := range p.List {
		bad[q.Key] = true
	}
	var more *Problems
	if errors.As(c.Validate(), &more) {
		for _, q := range more.List {
			if bad[q.Key] {
				continue // the value was not read: what it has instead is not the user's
			}
			at := places[q.Key]
			q.Line, q.Column = at.line, at.column
			p.add(q)
		}
	}
	sort.SliceStable(p.List, func(i, j int) bool {
		a, b := p.List[i], p.List[j]
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line == 0
		}
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
}

// parseInto stores the values of a document in c and returns where its keys stand.
// The values go through the key table one by one rather than into a struct: so
// names are matched exactly, and one bad value does not hide the others.
func parseInto(c *Config, text []byte, p *Problems) map[string]keyPlace {
	if len(text) > maxFile {
		p.add(Problem{Message: fmt.Sprintf("an experiment file of more than %d bytes is refused", maxFile)})
		return nil
	}
	places, keys := keyPlaces(text)
	if keys > maxKeys {
		p.add(Problem{Message: fmt.Sprintf("a file of more than %d keys is not an experiment, which has %d", maxKeys, len(keyTable))})
		return nil
	}
	var doc map[string]any
	if err := toml.Unmarshal(text, &doc); err != nil {
		q := Problem{Message: strings.TrimPrefix(err.Error(), "toml: ")}
		var at *toml.DecodeError
		if errors.As(err, &at) {
			q.Line, q.Column = at.Position()
		}
		p.add(q)
		return nil
	}
	unlisted := 0
	flatten(doc, "", func(name string, v any) {
		if len(p.List) >= maxProblems {
			unlisted++
			return
		}
		at := places[name]
		q := Problem{Key: name, Line: at.line, Column: at.column}
		k := findKey(name)
		switch {
		case k == nil && isSection(name):
			q.Message = "is a section, not a value; the nearest key is " + nearestKey(name)
		case k == nil:
			if _, table := v.(map[string]any); table && sectionOf(name) == "" {
				q.Key, q.Message = "["+name+"]", "is not a section; the nearest is ["+nearest(name, sectionNames()[1:])+"]"
			} else {
				q.Message = unknownMessage(name)
			}
		default:
			if err := k.assign(c, v); err != nil {
				q.Message = err.Error()
			}
		}
		if q.Message != "" {
			p.add(q)
		}
	})
	if unlisted > 0 {
		p.add(Problem{Message: fmt.Sprintf("has %d more keys that were not looked at", unlisted)})
	}
	return places
}

func isSection(name string) bool {
	return name != "" && containsString(sectionNames(), name)
}

// flatten calls f for every value of a document by its dotted name, sorted. A
// table that is not one of the sections counts as a value.
func flatten(doc map[string]any, prefix string, f func(name string, v any)) {
	names := make([]string, 0, len(doc))
	for name := range doc {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		v := doc[name]
		if inner, ok := v.(map[string]any); ok && prefix == "" && isSection(name) {
			flatten(inner, name+".", f)
			continue
		}
		f(prefix+name, v)
	}
}
