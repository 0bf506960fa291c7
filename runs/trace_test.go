package runs

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

func gradLine(step int, norm string) string {
	return fmt.Sprintf(`{"k":"grad","step":%d,"norms":{"layers.0.self_attn.q_proj.lora_B":%s,"layers.0.self_attn.q_proj.lora_A":0.25},"norm":%s,"clip":1,"nonfinite":[]}`+"\n", step, norm, norm)
}

func readTail(t *testing.T, text string, steps int) GradientTail {
	t.Helper()
	tail, err := gradientTail(bytes.NewReader([]byte(text)), int64(len(text)), steps)
	if err != nil {
		t.Fatal(err)
	}
	return tail
}

func stepsOf(tail GradientTail) string {
	var s []string
	for _, g := range tail.Steps {
		s = append(s, fmt.Sprint(g.Step))
	}
	return strings.Join(s, " ")
}

func TestReadGradientsFromDirectory(t *testing.T) {
	dir := t.TempDir()
	if tail, err := ReadGradients(dir, 4); err != nil || len(tail.Steps) != 0 {
		t.Fatalf("a run without a trace: %+v, %v", tail, err)
	}
	text := `{"v":1,"k":"head"}` + "\n" + gradLine(1, "0.5") + `{"k":"loss","step":1}` + "\n" + gradLine(2, `"NaN"`)
	if err := os.WriteFile(TracePath(dir), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tail, err := ReadGradients(dir, 4)
	if err != nil || stepsOf(tail) != "1 2" {
		t.Fatalf("steps %q, %v", stepsOf(tail), err)
	}
	if g := tail.Steps[0]; g.Norm != 0.5 || g.Clip != 1 || g.Norms["layers.0.self_attn.q_proj.lora_A"] != 0.25 {
		t.Errorf("step 1 is %+v", g)
	}
	if g := tail.Steps[1]; !math.IsNaN(g.Norm) || !math.IsNaN(g.Norms["layers.0.self_attn.q_proj.lora_B"]) {
		t.Errorf("step 2 is %+v", g)
	}
}

func TestGradientTailKeepsWhatIsInForce(t *testing.T) {
	var b strings.Builder
	for _, s := range []int{1, 2, 3, 4, 5, 3, 4} { // rewound to 2 after 5
		b.WriteString(gradLine(s, fmt.Sprint(s)))
	}
	if got := stepsOf(readTail(t, b.String(), 10)); got != "1 2 3 4" {
		t.Errorf("steps %q", got)
	}
	if got := stepsOf(readTail(t, b.String(), 2)); got != "3 4" {
		t.Errorf("the last two are %q", got)
	}
	if got := stepsOf(readTail(t, b.String(), 0)); got != "" {
		t.Errorf("none are %q", got)
	}
}

// TestGradientTailAtEveryTear cuts a trace at every byte: at most the last line is lost.
func TestGradientTailAtEveryTear(t *testing.T) {
	text := gradLine(1, "0.5") + gradLine(2, `"+Inf"`) + gradLine(3, "1e-3")
	for n := range len(text) + 1 {
		whole := strings.Count(text[:n], "\n")
		got := len(readTail(t, text[:n], 10).Steps)
		if got != whole && got != whole+1 { // a line that lacks only its new line is whole
			t.Fatalf("cut at %d: %d records of %d lines", n, got, whole)
		}
	}
}

func TestGradientTailAcrossBlocks(t *testing.T) {
	var b strings.Builder
	for s := range 40 {
		var norms strings.Builder
		for l := range 400 {
			fmt.Fprintf(&norms, `"layers.%d.mlp.down_proj.lora_A":%d.5,`, l, s)
		}
		fmt.Fprintf(&b, `{"k":"grad","step":%d,"norms":{%s"x":1}}`+"\n", s, norms.String())
	}
	if b.Len() < 2*traceBlock {
		t.Fatalf("%d bytes are not several blocks", b.Len())
	}
	tail := readTail(t, b.String(), 100)
	if len(tail.Steps) != 40 || len(tail.Notes) != 0 {
		t.Fatalf("%d steps, notes %q", len(tail.Steps), tail.Notes)
	}
	for i, g := range tail.Steps {
		if g.Step != i || len(g.Norms) != 401 || g.Norms["layers.399.mlp.down_proj.lora_A"] != float64(i)+0.5 {
			t.Fatalf("record %d: step %d, %d norms", i, g.Step, len(g.Norms))
		}
	}
}

func TestGradientTailRefusesWhatIsBroken(t *testing.T) {
	long := `{"k":"grad","step":9,"norms":{"` + strings.Repeat("x", maxTraceLine+traceBlock) + `":1}}` + "\n"
	for name, c := range map[string]struct{ text, steps, note string }{
		"torn":         {gradLine(1, "1") + `{"k":"grad","step":2,"no`, "1", "torn"},
		"not a number": {gradLine(1, `"big"`) + gradLine(2, "1"), "2", "not a number"},
		"no step":      {`{"k":"grad","norms":{}}` + "\n" + gradLine(2, "1"), "2", "without a step"},
		"long line":    {gradLine(1, "1") + long + gradLine(2, "1"), "1 2", "more than"},
		"long last":    {gradLine(1, "1") + long, "1", "more than"},
		"long first":   {long + gradLine(2, "1"), "2", "more than"},
	} {
		tail := readTail(t, c.text, 10)
		if stepsOf(tail) != c.steps || !strings.Contains(strings.Join(tail.Notes, "; "), c.note) {
			t.Errorf("%s: steps %q, notes %q", name, stepsOf(tail), tail.Notes)
		}
	}
}

func FuzzGradientTail(f *testing.F) {
	f.Add([]byte(gradLine(1, "0.5")+gradLine(2, `"NaN"`)), 2)
	f.Add([]byte(`{"k":"grad","step":-1}`), 1)
	f.Add([]byte("\n\n\"grad\"\n{"), 3)
	f.Fuzz(func(t *testing.T, text []byte, steps int) {
		tail, err := gradientTail(bytes.NewReader(text), int64(len(text)), steps)
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(tail.Steps); i++ {
			if tail.Steps[i].Step <= tail.Steps[i-1].Step {
				t.Fatalf("steps %q do not ascend", stepsOf(tail))
			}
		}
	})
}
