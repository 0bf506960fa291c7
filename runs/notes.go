package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds of the notes of a run.
const (
	MaxNote      = 2000     // characters of a note
	maxNotesFile = 16 << 20 // bytes of the file
)

// Note is what somebody wrote about an example.
type Note struct {
	Text  string    `json:"text"`
	Event string    `json:"event"` // the example, for who reads the file
	Time  time.Time `json:"time"`
}

// NotesFile is the path of the notes on a run's examples.
func NotesFile(dir string) string { return filepath.Join(dir, "notes.json") }

// notesMu makes a change of notes in this process one step.
var notesMu sync.Mutex

// ReadNotes reads the notes on a run's examples, by the identity of the example.
// A run without notes has none; a file that is no notes wraps ErrCorrupt.
func ReadNotes(dir string) (map[string]Note, error) {
	name := NotesFile(dir)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading notes: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxNotesFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading notes: %w", err)
	}
	if len(text) > maxNotesFile {
		return nil, fmt.Errorf("reading notes: %w: %s is longer than %d bytes", ErrCorrupt, name, maxNotesFile)
	}
	var notes map[string]Note
	if err := json.Unmarshal(text, &notes); err != nil {
		return nil, fmt.Errorf("reading notes: %w: %s: %w", ErrCorrupt, name, err)
	}
	return notes, nil
}

// SetNote writes a note on an example, or with an empty text takes it away. The
// file is replaced as a whole: a crash leaves the notes before or after.
func SetNote(dir, id string, n Note) error {
	n.Text = strings.TrimSpace(n.Text)
	if utf8.RuneCountInString(n.Text) > MaxNote {
		return fmt.Errorf("a note has at most %d characters", MaxNote)
	}
	notesMu.Lock()
	defer notesMu.Unlock()
	notes, err := ReadNotes(dir)
	if err != nil {
		return err
	}
	if notes == nil {
		notes = map[string]Note{}
	}
	if n.Text == "" {
		if _, there := notes[id]; !there {
			return nil
		}
		delete(notes, id)
	} else {
		notes[id] = n
	}
	text, err := json.MarshalIndent(notes, "", " ")
	if err != nil {
		return err
	}
	if len(text) > maxNotesFile {
		return fmt.Errorf("the notes would be longer than %d bytes", maxNotesFile)
	}
	return WriteFile(NotesFile(dir), text)
}
