package experiments

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCloser(t *testing.T) {
	for _, test := range []struct {
		text string
		end  int // -1 = never
	}{
		{`{}`, 2},
		{`x } {"a": {"b": 1}} {`, 19},
		{`{"a": "}"`, -1},
		{`{"a": "\"}"}`, 12},
		{`{"a": "\\"}`, 11},
		{`"{" {}`, -1}, // the first brace counts, wherever it stands
		{`it's "so" {"a": 1}`, 18},
		{``, -1},
		{`}}}`, -1},
	} {
		for size := 1; size <= len(test.text)+1; size++ {
			var c Closer
			closed := false
			for at := 0; at < len(test.text); at += size {
				was := closed
				closed = c.Write([]byte(test.text[at:min(at+size, len(test.text))]))
				if was && !closed || closed != c.Closed() {
					t.Fatalf("%s: opened again", test.text)
				}
			}
			if closed != (test.end >= 0) || closed && c.Len() != test.end {
				t.Errorf("%s by %d: closed %v at %d, want %d", test.text, size, closed, c.Len(), test.end)
			}
		}
	}
}

// Cut anywhere, a valid object closes exactly where encoding/json says it ends.
func FuzzCloser(f *testing.F) {
	f.Add(`{"a": "}\"", "b": [{}]} rest`, uint8(3))
	f.Add(`no {"x": "\\"}`, uint8(1))
	f.Add(`{"a": "é\u007d"}}`, uint8(2))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		start := strings.IndexByte(text, '{')
		var c Closer
		at := -1
		for i := 0; i < len(text); i += int(size) + 1 {
			if c.Write([]byte(text[i:min(i+int(size)+1, len(text))])) && at < 0 {
				at = c.Len()
			}
		}
		if start < 0 {
			if at >= 0 {
				t.Fatal("closed without an object")
			}
			return
		}
		var raw json.RawMessage
		dec := json.NewDecoder(strings.NewReader(text[start:]))
		if dec.Decode(&raw) == nil && at != start+int(dec.InputOffset()) {
			t.Fatalf("closed at %d, the object ends at %d", at, start+int(dec.InputOffset()))
		}
		if at > 0 && text[at-1] != '}' {
			t.Fatalf("closed at %d, which is no brace", at)
		}
	})
}
