package failures

import (
	"bytes"
	"os"
	"testing"
)

func TestPageIsCurrent(t *testing.T) {
	want, err := Markdown()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../../docs/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(have, []byte("\r\n"), []byte("\n")), want) {
		t.Error("docs/failures.md is not what the catalogue and the doctor say now: go generate ./engine/trace/failures")
	}
}

// Every look-alike has its cause at rank one, and no healthy run an alarm.
func TestTable(t *testing.T) {
	rows, err := Logs()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !r.Right() {
			t.Errorf("%s, %s: %s first, not %s", r.Run, r.Format, r.First.ID, r.Want)
		}
	}
	if alarms, err := Healthy(); err != nil || alarms != 0 {
		t.Errorf("%d alarms on healthy runs, %v", alarms, err)
	}
}
