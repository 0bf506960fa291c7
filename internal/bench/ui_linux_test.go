package bench

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
)

func TestUIMeasuresARunThatIsShown(t *testing.T) {
	if _, err := os.Stat("/dev/ptmx"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there are no pseudo-terminals here")
	}
	stdin, stdout, term := os.Stdin, os.Stdout, os.Getenv("TERM")
	got, err := MeasureUI(context.Background(), UIOptions{Options: toyOptions(t), Steps: 60})
	if err != nil {
		t.Fatal(err)
	}
	if !(got.Headless > 0) || !(got.Workbench > 0) || !(got.HeadlessWall > 0) || !(got.ShownWall > 0) {
		t.Errorf("%+v", got)
	}
	if got.Drawn == 0 {
		t.Error("the workbench drew nothing while the run went on")
	}
	if os.Stdin != stdin || os.Stdout != stdout || os.Getenv("TERM") != term {
		t.Error("standard input, output and TERM are not what they were")
	}
}
