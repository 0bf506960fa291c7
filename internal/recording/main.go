// Recording packs a finished run directory as a recording of runs/demo:
//
//	go run ./internal/recording -run runs/story -name demo -out runs/demo/demo.tar.gz
//
// Only what a replay shows is kept: settings, state, records, trace and outputs.
// Nothing of the machine that made the run goes in: paths of model and data become
// their last part, the process, the machine and the paths in messages are left
// out, and figures of the trace are rounded. What then still names the machine is
// an error.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"hone/experiments"
	"hone/runs"
	"hone/runs/demo"
)

// maxArchive keeps the repository small, in bytes.
const maxArchive = 400 << 10

// traceDigits are the significant digits of the fractions of a trace.
const traceDigits = 6

func main() {
	run := flag.String("run", "", "run directory")
	name := flag.String("name", "demo", "id of the recorded run")
	out := flag.String("out", "", "archive to write")
	flag.Parse()
	if err := record(*run, *name, *out); err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

func record(dir, name, out string) error {
	if dir == "" || out == "" {
		return errors.New("-run and -out are needed")
	}
	files, err := collect(dir, name)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := demo.Pack(&archive, files); err != nil {
		return err
	}
	if archive.Len() > maxArchive {
		return fmt.Errorf("the recording is %d bytes, more than %d: record a shorter run", archive.Len(), maxArchive)
	}
	temp := out + ".part"
	if err := errors.Join(os.WriteFile(temp, archive.Bytes(), 0o644), os.Rename(temp, out)); err != nil {
		return fmt.Errorf("writing %s: %w", out, err)
	}
	fmt.Printf("%s: %d files, %d bytes\n", out, len(files), archive.Len())
	return nil
}

// collect reads what a recording keeps of a run, without what names the machine.
func collect(dir, name string) (map[string][]byte, error) {
	c, err := experiments.LoadRun(dir)
	if err != nil {
		return nil, err
	}
	info, err := runs.ReadInfo(dir)
	if err != nil {
		return nil, err
	}
	if info.Live() {
		return nil, fmt.Errorf("%s is still being trained", dir)
	}
	hide, err := private(dir, c)
	if err != nil {
		return nil, err
	}
	for _, path := range []*string{&c.Model.Path, &c.Data.Path, &c.LoRA.InitAdapter} {
		if filepath.IsAbs(*path) {
			*path = filepath.Base(*path)
		}
	}
	files := map[string][]byte{}
	if files[runs.ConfigName], err = c.Marshal(); err != nil {
		return nil, err
	}
	info.ID, info.PID, info.Machine = name, 0, nil
	if files[runs.InfoName], err = json.MarshalIndent(info, "", "  "); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", runs.InfoName, err)
	}
	if files[runs.MetricsName], err = os.ReadFile(runs.MetricsFile(dir)); err != nil {
		return nil, fmt.Errorf("reading a run: %w", err)
	}
	trace, err := os.Open(runs.TracePath(dir))
	if err != nil {
		return nil, fmt.Errorf("reading a run: %w", err)
	}
	defer trace.Close()
	var rounded bytes.Buffer
	if err := runs.RoundTrace(&rounded, trace, traceDigits); err != nil {
		return nil, err
	}
	outputs, err := fs.Glob(os.DirFS(dir), "eval/*.json")
	if err != nil {
		return nil, err
	}
	for _, path := range outputs {
		if files[path], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			return nil, fmt.Errorf("reading a run: %w", err)
		}
	}
	for path, text := range files {
		for _, long := range hide {
			text = bytes.ReplaceAll(text, []byte(long), []byte(filepath.Base(long)))
		}
		files[path] = text
	}
	files[runs.TraceFile] = rounded.Bytes() // as it is: its lines have checksums
	return files, clean(files)
}

// private are the paths in messages that stand for their last part, longest first.
func private(dir string, c experiments.Config) ([]string, error) {
	here, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	paths := []string{here}
	for _, p := range []string{c.Model.Path, c.Data.Path, c.LoRA.InitAdapter} {
		if filepath.IsAbs(p) {
			paths = append(paths, p)
		}
	}
	sort.Slice(paths, func(i, j int) bool { return len(paths[i]) > len(paths[j]) })
	return paths, nil
}

// clean refuses files that name this machine: its directories or its host.
func clean(files map[string][]byte) error {
	names := []string{os.TempDir() + string(filepath.Separator)}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		names = append(names, home)
	}
	if here, err := os.Getwd(); err == nil && len(here) > 1 {
		names = append(names, here)
	}
	if host, err := os.Hostname(); err == nil && len(host) > 5 && host != "localhost" {
		names = append(names, host)
	}
	for path, text := range files {
		for _, n := range names {
			if strings.Contains(string(text), n) {
				return fmt.Errorf("%s holds %q, which is of this machine", path, n)
			}
		}
	}
	return nil
}
