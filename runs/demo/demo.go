// Package demo holds recorded runs that the program brings along, so that a run
// can be looked at before one was made.
//
// A recording is a run directory without checkpoints and weights: config.toml,
// run.json, metrics.jsonl, trace.jsonl and eval/*.json, in a compressed archive.
// internal/scripts/demo.sh makes the archives of this package.
package demo

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed *.tar.gz
var archives embed.FS

// recordings are the names by which recordings are asked for, and their archives.
var recordings = []struct{ name, file string }{
	{"demo", "demo"},
	{"demo:masked", "demo-masked"},
}

// Names are the recordings that there are.
func Names() []string {
	var names []string
	for _, r := range recordings {
		names = append(names, r.name)
	}
	return names
}

// Is reports whether a name is meant to be one of a recording.
func Is(name string) bool { return name == "demo" || strings.HasPrefix(name, "demo:") }

// Recording is a recorded run in a private directory of its own.
type Recording struct {
	Dir  string // the run directory
	temp string
}

// Open unpacks a recording. Close has to be called.
func Open(name string) (*Recording, error) {
	i := slices.IndexFunc(recordings, func(r struct{ name, file string }) bool { return r.name == name })
	if i < 0 {
		return nil, fmt.Errorf("no recording %q; there are %s", name, strings.Join(Names(), " and "))
	}
	file := recordings[i].file
	text, err := archives.ReadFile(file + ".tar.gz")
	if err != nil {
		return nil, fmt.Errorf("opening the recording %s: %w", name, err)
	}
	temp, err := os.MkdirTemp("", "hone-replay-")
	if err != nil {
		return nil, fmt.Errorf("opening the recording %s: %w", name, err)
	}
	r := &Recording{Dir: filepath.Join(temp, file), temp: temp}
	err = os.Mkdir(r.Dir, 0o700)
	if err == nil {
		err = Unpack(bytes.NewReader(text), r.Dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the recording %s: %w", name, err), r.Close())
	}
	return r, nil
}

// Close removes the directory.
func (r *Recording) Close() error {
	if err := os.RemoveAll(r.temp); err != nil {
		return fmt.Errorf("removing a recording: %w", err)
	}
	return nil
}
