package inject

import (
	"slices"
	"strings"
	"testing"

	"hone/engine/batch"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Fault{"MASK-ALL@3": {"MASK-ALL", 3}, "act-inf@1": {"ACT-INF", 1}, "DUP-LEAK@0": {"DUP-LEAK", 0}, "MASK-LATE@0": {"MASK-LATE", 0}} {
		f, err := Parse(text)
		if err != nil || f != want {
			t.Errorf("%s: %v, %v", text, f, err)
		}
		if again, err := Parse(f.String()); err != nil || again != f {
			t.Errorf("%s written and read is %v: %v", f, again, err)
		}
	}
	for text, want := range map[string]string{
		"": "want ID@STEP", "MASK-ALL": "want ID@STEP", "MASK-ALL@-1": "want ID@STEP", "MASK-ALL@x": "want ID@STEP", "MASK-ALL@99999999999": "want ID@STEP",
		"NONSENSE@1": "unknown failure mode", "PAD-ID@1": "cannot happen in a run of Hone", "LORA-B0@1": "normal", "ACT-INF@0": "from 1", "DUP-LEAK@2": "want DUP-LEAK@0",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("MASK-ALL@3")
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(fault.String()); err != nil || again != fault {
			t.Errorf("%q: %v, then %v: %v", text, fault, again, err)
		}
	})
}

// All 42 modes are sorted, with a reason each, and no id twice.
func TestModesAreComplete(t *testing.T) {
	numbers, ids := map[int]bool{}, map[string]bool{}
	for _, m := range Modes() {
		numbers[m.Number] = true
		if ids[m.ID] || m.Reason == "" || !slices.Contains([]string{A, B, C}, m.Class) || (m.Class != A && m.Where != nil) {
			t.Errorf("%+v", m)
		}
		ids[m.ID] = true
	}
	for n := 1; n <= 42; n++ {
		if !numbers[n] {
			t.Errorf("mode %d is missing", n)
		}
	}
}

// Faults of examples leave what they are given as it was.
func TestExamplesAreCopied(t *testing.T) {
	make3 := func() []batch.Example {
		var out []batch.Example
		for row := range 3 {
			out = append(out, batch.Example{Row: row, IDs: []int32{5, 6, 7, int32(8 + row), 9, 2}, Class: []int32{-1, -1, 0, 1, 0, 0}, Prompt: 2})
		}
		return out
	}
	for _, m := range Modes() {
		given := make3()
		changed, ok := Examples(m.ID, given, make3()[:1], 300)
		inBatch := slices.Contains(m.Where, InBatch) && !strings.HasPrefix(m.ID, "SHIFT")
		if ok != inBatch {
			t.Errorf("%s: changed %v, its places are %v", m.ID, ok, m.Where)
		}
		for i, want := range make3() {
			if !slices.Equal(given[i].IDs, want.IDs) || !slices.Equal(given[i].Class, want.Class) {
				t.Errorf("%s changed what it was given", m.ID)
			}
		}
		if !ok {
			continue
		}
		same := len(changed) == 3
		for i, e := range changed {
			if len(e.IDs) != len(e.Class) || e.Prompt > len(e.IDs) {
				t.Errorf("%s: %+v", m.ID, e)
			}
			same = same && slices.Equal(e.IDs, given[i].IDs) && slices.Equal(e.Class, given[i].Class)
		}
		if same {
			t.Errorf("%s changes nothing", m.ID)
		}
	}
}
