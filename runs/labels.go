package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LabelsName is the file with what a person says about a run. It is not run.json:
// that one belongs to the run's writer, which may be going.
const LabelsName = "labels.json"

// Largest labels.
const (
	maxLabels    = 64 << 10 // bytes of the file
	maxLabelName = 100      // bytes
	maxTags      = 32
	maxTag       = 40   // bytes
	maxNote      = 4000 // bytes
)

// Labels is what a person says about a run; everything may be empty.
type Labels struct {
	Name string   `json:"name,omitempty"` // shown in place of the experiment's name
	Tags []string `json:"tags,omitempty"` // sorted, each once
	Note string   `json:"note,omitempty"`
}

// LabelsFile is the path of a run's labels.
func LabelsFile(dir string) string { return filepath.Join(dir, LabelsName) }

// ReadLabels reads the labels of a run; none where there is no file. The error
// wraps ErrCorrupt where the file cannot be understood.
func ReadLabels(dir string) (Labels, error) {
	path := LabelsFile(dir)
	stat, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Labels{}, nil
	}
	if err == nil && !stat.Mode().IsRegular() { // reading a pipe would never end
		return Labels{}, fmt.Errorf("reading %s: %w: it is not a regular file", path, ErrCorrupt)
	}
	if err != nil {
		return Labels{}, fmt.Errorf("reading labels: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return Labels{}, fmt.Errorf("reading labels: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxLabels+1))
	if err != nil {
		return Labels{}, fmt.Errorf("reading %s: %w", path, err)
	}
	l, err := parseLabels(text)
	if err != nil {
		return Labels{}, fmt.Errorf("reading %s: %w: %w", path, ErrCorrupt, err)
	}
	return l, nil
}

func parseLabels(text []byte) (Labels, error) {
	var l Labels
	if len(text) > maxLabels {
		return l, fmt.Errorf("more than %d bytes", maxLabels)
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return Labels{}, err
	}
	if err := l.check(); err != nil {
		return Labels{}, err
	}
	return l, nil
}

// ChangeLabels reads the labels of a run, changes them and writes them back:
// beside and renamed, without the run's lock, so that its writer is not disturbed.
// Of two changes at the same moment one may be lost; the file stays whole.
func ChangeLabels(dir string, change func(*Labels)) error {
	if !isRun(dir) {
		return fmt.Errorf("labelling: %w: %q", ErrNotFound, dir)
	}
	l, err := ReadLabels(dir)
	if err != nil {
		return err
	}
	change(&l)
	l.Name, l.Note = strings.TrimSpace(l.Name), strings.TrimSpace(l.Note)
	slices.Sort(l.Tags)
	l.Tags = slices.Compact(l.Tags)
	if err := l.check(); err != nil {
		return err
	}
	if l.Name == "" && len(l.Tags) == 0 && l.Note == "" {
		if err := os.Remove(LabelsFile(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing labels: %w", err)
		}
		return nil
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding labels: %w", err)
	}
	return WriteFile(LabelsFile(dir), append(text, '\n'))
}

// ErrLabel is wrapped where a name, a tag or a note cannot be kept.
var ErrLabel = errors.New("cannot label the run")

func (l *Labels) check() error {
	if err := CheckName(l.Name); err != nil {
		return err
	}
	if len(l.Tags) > maxTags {
		return fmt.Errorf("%w: %d tags, at most %d are kept", ErrLabel, len(l.Tags), maxTags)
	}
	for _, tag := range l.Tags {
		if err := CheckTag(tag); err != nil {
			return err
		}
	}
	return CheckNote(l.Note)
}

// CheckName refuses a display name that is too long or could move the cursor.
func CheckName(name string) error {
	if len(name) > maxLabelName {
		return fmt.Errorf("%w: the name has %d bytes, at most %d are kept", ErrLabel, len(name), maxLabelName)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%w: a name is one line of text", ErrLabel)
	}
	return nil
}

// CheckTag refuses what is no tag: letters, digits, '-', '_' and '.', beginning
// with a letter or digit, so that -TAG can mean without it.
func CheckTag(tag string) error {
	ok := utf8.ValidString(tag) && tag != "" && len(tag) <= maxTag
	for i, r := range tag {
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		ok = ok && (word || i > 0 && strings.ContainsRune("-_.", r))
	}
	if !ok {
		return fmt.Errorf("%w: %.60q is no tag: 1 to %d bytes of letters, digits, '-', '_' and '.', beginning with a letter or digit", ErrLabel, tag, maxTag)
	}
	return nil
}

// CheckNote refuses a note that is too long or not text.
func CheckNote(note string) error {
	if len(note) > maxNote {
		return fmt.Errorf("%w: the note has %d bytes, at most %d are kept", ErrLabel, len(note), maxNote)
	}
	odd := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if !utf8.ValidString(note) || strings.ContainsFunc(note, odd) {
		return fmt.Errorf("%w: a note is text without control characters", ErrLabel)
	}
	return nil
}

// ParseTags reads tags as a person types them, between spaces or commas, with or
// without a leading '#'.
func ParseTags(text string) ([]string, error) {
	var tags []string
	for _, tag := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		tag = strings.TrimPrefix(tag, "#")
		if err := CheckTag(tag); err != nil {
			return nil, err
		}
		tags = append(tags, tag)
	}
	l := Labels{Tags: tags}
	return tags, l.check()
}
