package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// traceOf writes records through a Writer and returns the file.
func traceOf(t testing.TB, records ...any) []byte {
	t.Helper()
	w, err := OpenWriter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.AppendTrace(records...); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(TracePath(w.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func traceRecords() []any {
	return []any{
		TraceHead{V: 1, K: "head", Version: "test", Seed: 42, Names: []string{"a"}},
		TraceBatch{K: "batch", Step: 1, Rows: []int{3, 1}, IDsHash: "0a", SrcHash: "0b", Mismatch: []int{1}, Len: []int{5, 6}, Targets: []int{2, 3}, First: []TraceTarget{{4, "{\"<", 3}, {4, "\u2028\n", 3}}, Last: []TraceTarget{{2, "", 4}, {2, "", 5}}, EOSOK: true},
		TraceLoss{K: "loss", Step: 1, NLLSum: Number(math.Inf(1)), Count: 5, Mean: 0.5, PerRow: []Number{1, Number(math.Inf(1))}, Terms: &TraceTerms{Loss: 1}},
		TraceGrad{K: "grad", Step: 1, Norms: map[string]Number{"a": 0.25}, Norm: 0.25, Clip: 1},
		TraceOpt{K: "opt", Step: 1, LR: 1e-4, LRExpected: 2e-4, UpdRatio: map[string]Number{"a": 1e-3}, Changed: 1, Values: 7, Applied: true, RNG: TraceRNG{42, 0}},
		TraceAct{K: "act", Step: 1, Action: ActionSkipRow, Rows: []int{1}},
	}
}

func scanAll(t testing.TB, text []byte) (records []any, notes []string) {
	t.Helper()
	notes, err := ScanTrace(bytes.NewReader(text), func(r any) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, notes
}

func TestTraceReadsWhatWasWritten(t *testing.T) {
	want := traceRecords()
	text := traceOf(t, want...)
	got, notes := scanAll(t, text)
	if !reflect.DeepEqual(got, want) || len(notes) != 0 {
		t.Errorf("%+v\nwant %+v\nnotes %q", got, want, notes)
	}
	for line := range bytes.Lines(text) {
		var strict map[string]any
		if err := json.Unmarshal(line, &strict); err != nil || len(strict["crc"].(string)) != 8 {
			t.Errorf("%s: %v", line, err)
		}
	}
	stop := errors.New("enough")
	if _, err := ScanTrace(bytes.NewReader(text), func(any) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	if _, err := seal([]byte("{}\n")); err == nil {
		t.Error("an empty record is sealed")
	}
}

// Cut at any byte, a trace loses at most its last line.
func TestTraceCutAnywhere(t *testing.T) {
	text := traceOf(t, traceRecords()...)
	for n := range len(text) + 1 {
		whole := bytes.Count(text[:n], []byte("\n"))
		got, notes := scanAll(t, text[:n])
		torn := n > 0 && text[n-1] != '\n'
		if len(got) < whole || len(got) > whole+1 || torn && len(got) == whole && len(notes) != 1 {
			t.Fatalf("cut at %d: %d records of %d lines, notes %q", n, len(got), whole, notes)
		}
	}
}

// A bit that changed anywhere in a line is reported, and the line is not used.
func TestTraceChangedBits(t *testing.T) {
	text := traceOf(t, traceRecords()[:4]...)
	head := bytes.IndexByte(text, '\n') + 1
	all, _ := scanAll(t, text)
	for i := head; i < len(text); i++ {
		for _, bit := range []int{0, 3, 5, 7} {
			changed := bytes.Clone(text)
			changed[i] ^= 1 << bit
			got, notes := scanAll(t, changed)
			if len(got) >= len(all) || len(notes) == 0 {
				t.Fatalf("bit %d of byte %d: %d records of %d, notes %q", bit, i, len(got), len(all), notes)
			}
			for _, r := range got {
				if !containsRecord(all, r) {
					t.Fatalf("bit %d of byte %d: %+v was never written", bit, i, r)
				}
			}
		}
	}
	// The reader of the charts does not use it either.
	changed := bytes.Replace(text, []byte(`"norm":0.25`), []byte(`"norm":0.26`), 1)
	if tail := readTail(t, string(changed), 10); len(tail.Steps) != 0 || !strings.Contains(strings.Join(tail.Notes, ""), "checksum") {
		t.Errorf("%+v", tail)
	}
	if tail := readTail(t, string(text), 10); len(tail.Steps) != 1 || len(tail.Notes) != 0 {
		t.Errorf("%+v", tail)
	}
	// Without a checksum, in a file that has them.
	bare := append(bytes.Clone(text), gradLine(2, "1")...)
	if tail := readTail(t, string(bare), 10); stepsOf(tail) != "1" || len(tail.Notes) != 1 {
		t.Errorf("%+v", tail)
	}
}

func containsRecord(all []any, r any) bool {
	for _, a := range all {
		if reflect.DeepEqual(a, r) {
			return true
		}
	}
	return false
}

// Files of earlier versions have no checksums; a run that goes on adds lines
// that have.
func TestTraceWithoutChecksums(t *testing.T) {
	old := `{"k":"grad","step":1,"norms":{"a":0.5},"norm":0.5,"clip":1}` + "\n"
	got, notes := scanAll(t, append([]byte(old), traceOf(t, traceRecords()...)...))
	if len(got) != 7 || len(notes) != 0 {
		t.Errorf("%d records, notes %q", len(got), notes)
	}
	long := append([]byte(`{"k":"`+strings.Repeat("x", maxTraceLine)+`"}`+"\n"), old...)
	if got, notes := scanAll(t, long); len(got) != 1 || len(notes) != 1 {
		t.Errorf("%d records, notes %q", len(got), notes)
	}
}

func FuzzScanTrace(f *testing.F) {
	f.Add(traceOf(f, traceRecords()...))
	f.Add([]byte(`{"k":"loss","step":-1}` + "\n" + `{"k":"opt","step":1e99}` + "\n\n{"))
	f.Add([]byte(`{"k":"batch","step":1,"crc":"zzzzzzzz"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := bytes.Count(text, []byte("\n")) + 1
		if got, notes := scanAll(t, text); len(got)+len(notes) > lines {
			t.Fatalf("%d records and %d notes of %d lines", len(got), len(notes), lines)
		}
	})
}
