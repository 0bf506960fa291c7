package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// States of a run. Stale and Absent are never written: readers conclude them.
const (
	Running  = "running"
	Paused   = "paused"
	Finished = "finished"
	Failed   = "failed"
	Stopped  = "stopped"
	Stale    = "stale"  // says that it runs, but its heartbeat has stopped
	Absent   = "absent" // has no run.json
)

// schema is the version of the directory's layout.
const schema = 1

// maxInfo is the largest run.json that is read, in bytes.
const maxInfo = 16 << 20

// missedBeats is how many heartbeats a live run may miss before it is stale.
const missedBeats = 3

// RunInfo is run.json. Floats in the maps may be non-finite.
type RunInfo struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"` // name of the directory
	Name    string    `json:"name"`
	State   string    `json:"state"` // one of the states that are written
	PID     int       `json:"pid"`   // process that writes or last wrote the run
	Started time.Time `json:"started"`
	Updated time.Time `json:"updated"`        // the heartbeat
	Ended   time.Time `json:"ended,omitzero"` // when the state became finished, failed or stopped
	// ElapsedSeconds is the time the run was live, over all its sessions.
	ElapsedSeconds Number `json:"elapsed_seconds"`
	// RecordSeconds is the part of it that writing the steps' records, the rules and the guard took.
	RecordSeconds    Number            `json:"record_seconds,omitempty"`
	HeartbeatSeconds Number            `json:"heartbeat_seconds"`
	Version          string            `json:"version"`            // of the program
	Resolved         map[string]any    `json:"resolved,omitempty"` // threads, kernels, dtype, micro-batch as used
	Hashes           map[string]string `json:"hashes,omitempty"`   // of model, data, tokenizer; chat template and init adapter where there are
	Machine          map[string]any    `json:"machine,omitempty"`
	Step             int               `json:"step"`  // optimizer steps done
	Steps            int               `json:"steps"` // optimizer steps of the whole schedule
	Error            string            `json:"error,omitempty"`
	Injected         []string          `json:"injected,omitempty"` // failures that are planted on purpose, as MASK-ALL@3
	BestBy           string            `json:"best_by,omitempty"`  // the score that decides which adapter is kept; "" = exact match
	Early            string            `json:"early,omitempty"`    // why a finished run has ended before its last step
	Summary          map[string]any    `json:"summary,omitempty"`
}

// Live reports whether the state says that a process works on the run.
func (i RunInfo) Live() bool { return i.State == Running || i.State == Paused }

// StateAt is the run's state as a reader sees it at a time: a live run that
// missed three heartbeats is stale.
func (i RunInfo) StateAt(now time.Time) string {
	if i.State == "" {
		return Absent
	}
	if i.Live() && now.Sub(i.Updated).Seconds() > missedBeats*float64(i.HeartbeatSeconds) {
		return Stale
	}
	return i.State
}

// clone copies i with its maps.
func (i RunInfo) clone() RunInfo {
	i.Resolved, i.Machine, i.Summary = maps.Clone(i.Resolved), maps.Clone(i.Machine), maps.Clone(i.Summary)
	i.Hashes, i.Injected = maps.Clone(i.Hashes), slices.Clone(i.Injected)
	return i
}

// marshal writes run.json.
func (i RunInfo) marshal() ([]byte, error) {
	for _, m := range []*map[string]any{&i.Resolved, &i.Machine, &i.Summary} {
		if *m != nil {
			*m = finite(*m).(map[string]any)
		}
	}
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", InfoName, err)
	}
	return append(text, '\n'), nil
}

// ErrCorrupt is wrapped where a file of a run directory cannot be understood.
var ErrCorrupt = errors.New("damaged run directory")

// ReadInfo reads run.json. The error wraps fs.ErrNotExist where there is none,
// and ErrCorrupt where it cannot be understood.
func ReadInfo(dir string) (RunInfo, error) {
	path := InfoFile(dir)
	f, err := os.Open(path)
	if err != nil {
		return RunInfo{}, fmt.Errorf("reading run: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxInfo+1))
	if err != nil {
		return RunInfo{}, fmt.Errorf("reading %s: %w", path, err)
	}
	info, err := parseInfo(text)
	if err != nil {
		return RunInfo{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return info, nil
}

func parseInfo(text []byte) (RunInfo, error) {
	var i RunInfo
	if len(text) > maxInfo {
		return i, fmt.Errorf("%w: more than %d bytes", ErrCorrupt, maxInfo)
	}
	if err := json.Unmarshal(text, &i); err != nil {
		return RunInfo{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if i.Schema > schema {
		return RunInfo{}, fmt.Errorf("%w: layout %d is of a later version, this one reads %d", ErrCorrupt, i.Schema, schema)
	}
	switch i.State {
	case Running, Paused, Finished, Failed, Stopped:
		return i, nil
	}
	return RunInfo{}, fmt.Errorf("%w: unknown state %.40q", ErrCorrupt, i.State)
}
