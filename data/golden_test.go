package data

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestEncodingGolden compares the first 64 train rows with what transformers'
// tokenizer and offsets give.
func TestEncodingGolden(t *testing.T) {
	b, err := os.ReadFile(shared(t, "golden", "encoding.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Prompt     []int32 `json:"prompt_ids"`
		Completion []int32 `json:"completion_ids"`
		Class      []int32 `json:"token_class"`
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != 64 {
		t.Fatalf("%d reference rows, want 64", len(want))
	}
	d, err := Load(shared(t, "data"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	e := NewEncoder(smolTokenizer(t), 2, d.Schema)
	for i, w := range want {
		ex, err := e.Encode(d.Train[i], i)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ex.IDs[:ex.Prompt], w.Prompt) {
			t.Errorf("row %d: prompt ids\n got %v\nwant %v", i, ex.IDs[:ex.Prompt], w.Prompt)
		}
		if !slices.Equal(ex.IDs[ex.Prompt:], w.Completion) {
			t.Errorf("row %d: completion ids\n got %v\nwant %v", i, ex.IDs[ex.Prompt:], w.Completion)
		}
		if !slices.Equal(ex.Class[ex.Prompt:], w.Class) {
			t.Errorf("row %d: token classes\n got %v\nwant %v", i, ex.Class[ex.Prompt:], w.Class)
		}
		if ex.Row != i || ex.Targets() != len(w.Completion) {
			t.Errorf("row %d: Row %d and %d targets, want %d", i, ex.Row, ex.Targets(), len(w.Completion))
		}
		if !slices.Equal(e.Prompt(d.Train[i].Prompt), w.Prompt) {
			t.Errorf("row %d: inference feeds other ids than training", i)
		}
	}
}
