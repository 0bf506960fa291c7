package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"hone/data/builtin"
)

// The test binary is also the program: under the name hone it is the command
// line, so that scripts and tests drive the real thing.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hone":        func() { os.Exit(Main("1.2.3")) },
		"hone-faulty": func() { os.Exit(faulty()) },
		// A mistake in Hone, for what follows from one.
		"hone-panics": func() {
			os.Exit(run("1.2.3", os.Args[1:], &cobra.Command{Use: "panic", RunE: func(*cobra.Command, []string) error {
				var none []int
				_ = none[len(os.Args)]
				return nil
			}}))
		},
	})
}

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

const toy = "../../engine/testdata/toy"

// install copies the toy model and its dataset into a directory.
func install(dir string) error {
	return errors.Join(
		os.CopyFS(filepath.Join(dir, "model"), os.DirFS(filepath.Join(toy, "tied"))),
		os.CopyFS(filepath.Join(dir, "events"), os.DirFS(filepath.Join(toy, "events"))),
	)
}

func TestScript(t *testing.T) {
	shared, err := filepath.Abs("../../../shared")
	if err != nil {
		t.Fatal(err)
	}
	server := loopbackHub(nil)
	t.Cleanup(server.Close) // after the scripts, which run in parallel
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHARED", shared)
			e.Setenv("HUB", server.URL)
			return install(e.WorkDir)
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "builtin": // the built-in model is in this build
				_, err := builtin.Model()
				return err == nil, nil
			case "shared":
			default:
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := os.Stat(shared)
			if err != nil && os.Getenv("HONE_REQUIRE_SHARED") == "1" {
				return false, fmt.Errorf("HONE_REQUIRE_SHARED=1: %w", err)
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": scriptCode, "lines": scriptLines, "last": scriptLast, "plain": scriptPlain, "head": scriptHead, "await": scriptAwait, "records": scriptRecords,
		},
		RequireUniqueNames: true,
	})
}

// code N COMMAND runs a command that must end with exit code N.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// lines FILE N: the file (stdout, ..) has N lines.
func scriptLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines file N")
	}
	if got := strings.Count(ts.ReadFile(args[0]), "\n"); fmt.Sprint(got) != args[1] {
		ts.Fatalf("%s has %d lines, want %s", args[0], got, args[1])
	}
}

// last FILE TEXT: the last line contains the text.
func scriptLast(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: last file text")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	if got := lines[len(lines)-1]; strings.Contains(got, args[1]) == neg {
		ts.Fatalf("the last line of %s is %q", args[0], got)
	}
}

// plain FILE: there is no escape code in it and no progress line.
func scriptPlain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: plain file")
	}
	if text := ts.ReadFile(args[0]); strings.ContainsAny(text, "\x1b\r") {
		ts.Fatalf("%s has control characters: %q", args[0], text)
	}
}

// head N FROM TO copies the first N bytes of a file.
func scriptHead(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: head N from to")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer f.Close()
	b := make([]byte, n)
	_, err = f.Read(b)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b, 0o600))
}

// await FILE N waits until the file has N lines.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await file N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if !eventually(func() bool { return countLines(ts.MkAbs(args[0])) >= n }) {
		ts.Fatalf("%s never had %d lines", args[0], n)
	}
}

// records OUT FILE: all lines of OUT but the last, which is the result, are the
// lines of FILE.
func scriptRecords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: records out file")
	}
	out, file := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if rest, ok := strings.CutPrefix(out, file); !ok || strings.Count(rest, "\n") != 1 {
		ts.Fatalf("%s is not %s and a result", args[0], args[1])
	}
}

// eventually tries until something holds, and reports whether it did.
func eventually(holds func() bool) bool {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// countLines counts the complete lines of a file, 0 if there is none.
func countLines(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte{'\n'})
}
