package bench

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"

	"hone/tui"
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
	if len(got.Frames) != len(tui.Screens()) || got.FrameSteps == 0 || !(got.EventShare > 0) {
		t.Errorf("frames %+v of a run of %d steps, %v %% of a core", got.Frames, got.FrameSteps, got.EventShare)
	}
	for _, f := range got.Frames {
		if !(f.Median > 0) || f.Worst < f.Median {
			t.Errorf("%+v", f)
		}
	}
	if got.Drawn == 0 {
		t.Error("the workbench drew nothing while the run went on")
	}
	if os.Stdin != stdin || os.Stdout != stdout || os.Getenv("TERM") != term {
		t.Error("standard input, output and TERM are not what they were")
	}
}
