package hub

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrID says that what was given does not name a model of a hub.
var ErrID = errors.New("not the name of a model on the hub")

// MainRevision is the branch that is meant where none is named.
const MainRevision = "main"

// Ref names a model: org/name, org/name@revision, org/name:file.gguf or both.
type Ref struct {
	ID       string // org/name
	Revision string // a branch, a tag or a commit; "" = main
	File     string // a GGUF file of the repository; "" = config.json with safetensors
}

// ParseRef reads a Ref. Its error wraps [ErrID].
func ParseRef(s string) (Ref, error) {
	left, file, withFile := strings.Cut(s, ":")
	id, revision, withRevision := strings.Cut(left, "@")
	r := Ref{ID: id, Revision: revision, File: file}
	if err := checkID(id); err != nil {
		return Ref{}, err
	}
	if withRevision {
		if err := checkRevision(revision); err != nil {
			return Ref{}, err
		}
	}
	if withFile {
		if err := checkGGUF(file); err != nil {
			return Ref{}, err
		}
	}
	return r, nil
}

// String is what ParseRef reads.
func (r Ref) String() string {
	s := r.ID
	if r.Revision != "" {
		s += "@" + r.Revision
	}
	if r.File != "" {
		s += ":" + r.File
	}
	return s
}

func (r Ref) check() error {
	_, err := ParseRef(r.String())
	return err
}

func (r Ref) revision() string {
	if r.Revision == "" {
		return MainRevision
	}
	return r.Revision
}

func badID(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrID, fmt.Sprintf(format, args...))
}

// checkID allows what the hub allows in org/name. "--" would make the name of the
// directory in the cache ambiguous; the hub does not allow it either.
func checkID(id string) error {
	org, name, ok := strings.Cut(id, "/")
	if !ok || org == "" || name == "" {
		return badID("%q: it has two parts, org/name", clip(id))
	}
	if len(id) > 96 {
		return badID("%q: it is longer than 96 characters", clip(id))
	}
	for _, part := range []string{org, name} {
		if i := strings.IndexFunc(part, func(r rune) bool { return !isWord(r) }); i >= 0 {
			return badID("%q: org and name consist of letters, digits, '-', '_' and '.'", clip(id))
		}
		if strings.ContainsAny(part[:1]+part[len(part)-1:], "-.") || strings.Contains(part, "--") || strings.Contains(part, "..") {
			return badID("%q: org and name do not begin or end with '-' or '.', nor have two of them in a row", clip(id))
		}
	}
	switch {
	case strings.HasSuffix(name, ".git"):
		return badID("%q: leave out .git", clip(id))
	case strings.HasSuffix(name, ".gguf"):
		return badID("%q: a file of a repository is written org/name:file.gguf", clip(id))
	}
	return nil
}

func isWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '_' || r == '.'
}

// checkRevision allows names of branches and tags that are safe as a path below
// refs/, on every system.
func checkRevision(rev string) error {
	bad := rev == "" || len(rev) > 255 || !filepath.IsLocal(filepath.FromSlash(rev)) || strings.Contains(rev, "..")
	for part := range strings.SplitSeq(rev, "/") {
		bad = bad || part == "" || part[0] == '.' || part[0] == '-' || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") ||
			strings.ContainsFunc(part, func(r rune) bool { return !isWord(r) && r != '+' })
	}
	if bad {
		return badID("the revision %q is not that of a branch, a tag or a commit", clip(rev))
	}
	return nil
}

// checkFile allows what is safe as a path below a snapshot, on every system.
func checkFile(name string) error {
	bad := name == "" || len(name) > 512 || !utf8.ValidString(name) || strings.ContainsAny(name, `\:`) ||
		strings.ContainsFunc(name, unicode.IsControl) || !filepath.IsLocal(filepath.FromSlash(name))
	for part := range strings.SplitSeq(name, "/") {
		bad = bad || part == "" || part == "." || part == ".." || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ")
	}
	if bad {
		return badID("the file name %q leads out of the repository or is not portable", clip(name))
	}
	return nil
}

func checkGGUF(name string) error {
	if err := checkFile(name); err != nil {
		return err
	}
	if !strings.HasSuffix(name, ".gguf") {
		return badID("%q: the only files that are named one by one are .gguf", clip(name))
	}
	return nil
}

// isHex reports whether s is n lower-case hexadecimal digits.
func isHex(s string, n int) bool {
	return len(s) == n && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// clip keeps text from outside from filling the screen.
func clip(s string) string {
	if len(s) <= 100 {
		return s
	}
	return strings.ToValidUTF8(s[:97], "") + "..."
}
