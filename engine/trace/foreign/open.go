package foreign

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hone/engine/trace"
)

// Kind is a format of this package.
type Kind int

// The formats.
const (
	Unknown Kind = iota
	TrainerState
	Events
)

// KindOf tells a file's format by its name, and where that says nothing by its
// first bytes.
func KindOf(path string) Kind {
	base := filepath.Base(path)
	switch {
	case strings.Contains(base, "tfevents"):
		return Events
	case base == "trainer_state.json":
		return TrainerState
	case !strings.HasSuffix(base, ".json"):
		return Unknown
	}
	f, err := openRegular(path)
	if err != nil {
		return Unknown
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, 64<<10))
	for _, key := range []string{`"log_history"`, `"global_step"`, `"grad_norm"`, `"learning_rate"`} {
		if strings.Contains(string(head), key) {
			return TrainerState
		}
	}
	return Unknown
}

// Open reads a file of either format. name is what messages call it.
func Open(path, name string) (*trace.Log, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer f.Close()
	const pointer = "version https://git-lfs"
	head := make([]byte, len(pointer))
	if n, _ := f.ReadAt(head, 0); string(head[:n]) == pointer {
		return nil, fmt.Errorf("reading %s: %w: it is a pointer of Git LFS, the file itself was not fetched", name, ErrFormat)
	}
	if KindOf(path) == Events {
		return ReadEvents(f, name)
	}
	return ReadTrainerState(bufio.NewReader(f), name)
}

// errNotRegular says that a path is no file that can be read to its end.
var errNotRegular = fmt.Errorf("%w: not a regular file", ErrFormat)

// openRegular refuses what reading could block on.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return os.Open(path)
}
