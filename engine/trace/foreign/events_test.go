package foreign

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"hone/engine/trace"
	"hone/internal/lookalike"
)

func TestEvents(t *testing.T) {
	r := lookalike.MaskedMPS()
	l, err := ReadEvents(bytes.NewReader(r.Events()), "events")
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Notes) != 0 || !l.Single || l.Tool != trace.Transformers {
		t.Errorf("notes %q, tool %s", l.Notes, l.Tool)
	}
	if n := l.Series[trace.GradNorm]; len(n) != 8 || !math.IsNaN(n[0].Value) || n[0].Step != 25 || n[0].Wall < 1e9 {
		t.Errorf("norms %v", n)
	}
	if on, known := l.Args.Bool("remove_unused_columns"); !on || !known {
		t.Error("the arguments were not read")
	}
	if l.Args["output_dir"] != "NaN" {
		t.Errorf("output_dir is %v", l.Args["output_dir"])
	}
	if x, _ := l.Model.Number("hidden_size"); x != 960 || l.BaseName != "HuggingFaceTB/SmolLM-360M" {
		t.Errorf("the configuration is %v of %q", l.Model, l.BaseName)
	}
}

// records are where the records of a file begin.
func records(data []byte) (starts []int) {
	for at := 0; at < len(data); {
		starts = append(starts, at)
		at += 16 + int(binary.LittleEndian.Uint64(data[at:]))
	}
	return starts
}

func TestEventsDamaged(t *testing.T) {
	whole := lookalike.Healthy(1).Events()
	starts := records(whole)
	full, err := ReadEvents(bytes.NewReader(whole), "x")
	if err != nil {
		t.Fatal(err)
	}
	count := func(l *trace.Log) (n int) {
		for _, s := range l.Series {
			n += len(s)
		}
		return n
	}
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		return b
	}
	at := starts[10]
	// Data: that record is left out, the rest is there.
	l, err := ReadEvents(bytes.NewReader(flip(at+14)), "x")
	if err != nil || count(l) != count(full)-1 || len(l.Notes) != 1 || !strings.Contains(l.Notes[0], "wrong checksum") {
		t.Errorf("%v, %d of %d values, notes %q", err, count(l), count(full), l.Notes)
	}
	// Length: nothing after it can be found.
	l, err = ReadEvents(bytes.NewReader(flip(at+1)), "x")
	if err != nil || count(l) >= 10 || len(l.Notes) != 1 {
		t.Errorf("%v, %d values, notes %q", err, count(l), l.Notes)
	}
	// A record that says it is huge, with the checksum of that.
	huge := bytes.Clone(whole)
	huge = append(huge, make([]byte, 12)...)
	binary.LittleEndian.PutUint64(huge[len(whole):], 1<<62)
	if _, err := ReadEvents(bytes.NewReader(huge), "x"); err != nil {
		t.Error(err)
	}
	for _, b := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("no events"), 100), whole[:20]} {
		if _, err := ReadEvents(bytes.NewReader(b), "x"); !errors.Is(err, ErrFormat) {
			t.Errorf("%.20q: %v", b, err)
		}
	}
}

func TestEventsCut(t *testing.T) {
	whole := lookalike.Fallback().Events()
	starts := records(whole)
	for n := range whole {
		l, err := ReadEvents(bytes.NewReader(whole[:n]), "x")
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue
		}
		whole := false
		for _, s := range starts {
			whole = whole || s == n
		}
		if !whole && len(l.Notes) == 0 {
			t.Fatalf("cut at %d, within a record, without a note", n)
		}
	}
}

func TestTensorValues(t *testing.T) {
	field := func(number, wire int, data []byte) []byte {
		b := binary.AppendUvarint(nil, uint64(number)<<3|uint64(wire))
		if wire == wireBytes {
			b = binary.AppendUvarint(b, uint64(len(data)))
		}
		return append(b, data...)
	}
	dtype := func(n byte) []byte { return field(1, wireVarint, []byte{n}) }
	f32 := binary.LittleEndian.AppendUint32(nil, math.Float32bits(1.5))
	f64 := binary.LittleEndian.AppendUint64(nil, math.Float64bits(1.5))
	for name, msg := range map[string][]byte{
		"float_val":        append(dtype(dtFloat), field(5, wireFixed32, f32)...),
		"packed float_val": append(dtype(dtFloat), field(5, wireBytes, f32)...),
		"double_val":       append(dtype(dtDouble), field(6, wireFixed64, f64)...),
		"float content":    append(dtype(dtFloat), field(4, wireBytes, f32)...),
		"double content":   append(dtype(dtDouble), field(4, wireBytes, f64)...),
	} {
		if x, _, ok := tensorValue(msg); !ok || x != 1.5 {
			t.Errorf("%s: %v %v", name, x, ok)
		}
	}
	if _, _, ok := tensorValue(append(dtype(dtFloat), field(4, wireBytes, f64)...)); ok {
		t.Error("two floats are no scalar")
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(lookalike.MaskedCPU().Events())
	f.Add(lookalike.Healthy(2).Events()[:2000])
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ReadEvents(bytes.NewReader(data), "x")
		if err == nil {
			trace.Diagnose(l)
		}
		// The same bytes as a message, behind the checksums.
		e := &eventReader{keeper: newKeeper("x", "x")}
		e.event(data, 0)
		e.value(data, trace.Sample{})
		e.log.Order()
		e.finish()
		trace.Diagnose(e.log)
	})
}
