package runs

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crashDir names the run directory to a copy of this test binary that writes it
// until it is killed.
const crashDir = "HONE_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever goes on with a run as training does: a resume, steps, now and
// then a checkpoint. It prints the number of every step whose line is written.
func writeForever(dir string) error {
	w, err := OpenWriter(dir)
	if err != nil {
		return err
	}
	h, err := ReadHistory(dir)
	if err != nil {
		return err
	}
	last, _ := h.LastStep()
	if err := w.Append(Resume{From: last.Step}); err != nil {
		return err
	}
	for step := last.Step + 1; ; step++ {
		if err := w.Append(Step{Step: step, Loss: Number(step)}); err != nil {
			return err
		}
		fmt.Println(step)
		if step%7 == 0 {
			best := CheckpointName(7)
			_, err := w.SaveCheckpoint(step-step%2*7, func(dir string) error {
				if err := os.WriteFile(filepath.Join(dir, "part"), make([]byte, 1<<16), 0o644); err != nil {
					return err
				}
				return saveState(strconv.Itoa(step))(dir)
			}, 2, best)
			if err != nil {
				return err
			}
		}
		if err := w.Update(func(i *RunInfo) { i.Step = step }); err != nil {
			return err
		}
	}
}

// A writer killed at any point leaves a directory that opens, has every step
// that was reported written, and only whole checkpoints.
func TestKilledWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	reported := 0
	for round := range 25 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() { // alive: now it may die at any point
			_ = cmd.Wait()
			t.Fatalf("round %d: the writer ended by itself: %s", round, stderr.String())
		}
		first := lines.Text()
		go func() {
			time.Sleep(time.Duration(rand.IntN(30000)) * time.Microsecond)
			_ = cmd.Process.Kill()
		}()
		for text := first; ; text = lines.Text() {
			// A number without its newline may be cut.
			if n, err := strconv.Atoi(text); err == nil && n <= reported+1 {
				reported = max(reported, n)
			}
			if !lines.Scan() {
				break
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: the writer was not killed", round)
		}
		if _, err := ReadInfo(dir); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		h, err := ReadHistory(dir)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for i, s := range h.Steps {
			if s.Step != i+1 || s.Loss != Number(s.Step) {
				t.Fatalf("round %d: step %+v at %d", round, s, i)
			}
		}
		if last := len(h.Steps); last < reported || last > reported+1 {
			t.Fatalf("round %d: %d steps, %d were reported", round, last, reported)
		}
		reported = len(h.Steps)
		all, err := Checkpoints(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			stat, err := os.Stat(filepath.Join(c.Path, "part"))
			if c.Problem != "" || err != nil || stat.Size() != 1<<16 {
				t.Fatalf("round %d: checkpoint %+v, %v", round, c, err)
			}
		}
	}
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	entries, err := os.ReadDir(CheckpointsDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "step-") {
			t.Errorf("%s is left", e.Name())
		}
	}
	if reported < 25 {
		t.Errorf("only %d steps in 25 rounds", reported)
	}
}
