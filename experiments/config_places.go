package experiments

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// keyPlace is where a key stands in a file, from 1.
type keyPlace struct{ line, column int }

// keyPlaces maps the dotted name of every key and table of a TOML document to
// the first place where it stands. The decoder's own positions are not used:
// its errors quote the whole document, each one, which takes hours for a file
// of nothing but unknown keys. The count of keys is cut off above maxKeys.
func keyPlaces(text []byte) (places map[string]keyPlace, keys int) {
	w := placeWalker{text: text, places: map[string]keyPlace{}}
	w.parser.Reset(text)
	table := ""
	for w.keys <= maxKeys && w.parser.NextExpression() {
		e := w.parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = w.key(e, "") + "."
		case unstable.KeyValue:
			w.keyValue(e, table)
		}
	}
	return w.places, w.keys
}

type placeWalker struct {
	parser unstable.Parser
	text   []byte
	places map[string]keyPlace
	keys   int
	// The line of the byte offset reached so far: keys come in their order.
	offset, line, lineStart int
}

func (w *placeWalker) keyValue(e *unstable.Node, prefix string) {
	name := w.key(e, prefix)
	if value := e.Value(); value.Kind == unstable.InlineTable {
		for it := value.Children(); it.Next(); {
			w.keyValue(it.Node(), name+".")
		}
	}
}

// key records the key of a node and returns its dotted name.
func (w *placeWalker) key(e *unstable.Node, prefix string) string {
	w.keys++
	var parts []string
	start := -1
	for it := e.Key(); it.Next(); {
		if start < 0 {
			start = int(it.Node().Raw.Offset)
		}
		parts = append(parts, string(it.Node().Data))
	}
	name := prefix + strings.Join(parts, ".")
	for w.offset < min(start, len(w.text)) {
		if w.text[w.offset] == '\n' {
			w.line++
			w.lineStart = w.offset + 1
		}
		w.offset++
	}
	if _, ok := w.places[name]; !ok && start >= 0 {
		w.places[name] = keyPlace{w.line + 1, start - w.lineStart + 1}
	}
	return name
}
