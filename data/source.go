package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// source is where a dataset is: which file holds which split.
type source struct {
	name   string // as the user named it
	fsys   fs.FS
	single bool // one file, to be split
	files  []sourceFile
	notes  []string
}

type sourceFile struct {
	name  string // in fsys
	split int    // 0 train (or all rows of a single file), 1 eval, 2 test
}

// evalNames are the names that the file of the eval split goes by.
var evalNames = []string{"eval", "validation", "valid", "val"}

// extensions are those of the files that are read, in the order in which a
// missing one is named.
var extensions = []string{".jsonl", ".csv", ".tsv"}

func named(names ...string) []string {
	var files []string
	for _, ext := range extensions {
		for _, name := range names {
			files = append(files, name+ext)
		}
	}
	return files
}

// openSource finds the files of a dataset on disk.
func openSource(name string) (*source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the dataset: %w", err)
	}
	if info.IsDir() {
		return sourceIn(os.DirFS(name), ".", name)
	}
	return sourceIn(os.DirFS(filepath.Dir(name)), filepath.Base(name), name)
}

// sourceIn finds the files of the dataset that is at a path of fsys.
func sourceIn(fsys fs.FS, at, shown string) (*source, error) {
	s := &source{name: shown, fsys: fsys}
	info, err := fs.Stat(fsys, at)
	if err != nil {
		return nil, fmt.Errorf("reading the dataset: %w", err)
	}
	if !info.IsDir() {
		// A pipe or a device may never end, and cannot be read again.
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("reading the dataset: %s is not a regular file", shown)
		}
		s.single = true
		s.files = []sourceFile{{name: at}}
		return s, nil
	}

	entries, err := fs.ReadDir(fsys, at)
	if err != nil {
		return nil, fmt.Errorf("reading the dataset: %w", err)
	}
	var names []string
	for _, e := range entries {
		if slices.Contains(extensions, path.Ext(e.Name())) {
			names = append(names, e.Name())
		}
	}
	var used []string
	for split, candidates := range [][]string{named("train"), named(evalNames...), named("test")} {
		var found []string
		for _, name := range candidates {
			if slices.Contains(names, name) {
				found = append(found, name)
			}
		}
		switch {
		case len(found) > 1:
			return nil, fmt.Errorf("reading the dataset: %s holds %s: which is the %s split?", shown, strings.Join(found, " and "), Splits()[split])
		case len(found) == 1:
			file := path.Join(at, found[0])
			info, err := fs.Stat(fsys, file)
			if err != nil {
				return nil, fmt.Errorf("reading the dataset: %w", err)
			}
			if !info.Mode().IsRegular() {
				return nil, fmt.Errorf("reading the dataset: %s is not a regular file", path.Join(shown, found[0]))
			}
			s.files = append(s.files, sourceFile{name: file, split: split})
			used = append(used, found[0])
		case split == 0:
			return nil, noTrain(shown, names)
		default:
			s.notes = append(s.notes, fmt.Sprintf("no %s: the %s split is empty", candidates[0], Splits()[split]))
		}
	}
	for _, name := range names {
		if !slices.Contains(used, name) {
			s.notes = append(s.notes, fmt.Sprintf("%s was not read: it names no split", name))
		}
	}
	return s, nil
}

func noTrain(shown string, names []string) error {
	has := "no .jsonl file at all"
	if len(names) > 0 {
		has = someKeys(names)
	}
	return fmt.Errorf("reading the dataset: %s has no train.jsonl (it has %s): %w", shown, has, fs.ErrNotExist)
}

// Hash returns the SHA-256 of a dataset's files and of which split each one
// is, in hexadecimal. Two sources with the same hash load to the same rows.
func Hash(name string) (string, error) {
	s, err := openSource(name)
	if err != nil {
		return "", err
	}
	total := sha256.New()
	for _, f := range s.files {
		if err := s.hashFile(total, f); err != nil {
			return "", fmt.Errorf("hashing the dataset: %w", err)
		}
	}
	return hex.EncodeToString(total.Sum(nil)), nil
}

func (s *source) hashFile(total hash.Hash, f sourceFile) (err error) {
	file, err := s.fsys.Open(f.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	s.addFileHash(total, f, sum)
	return nil
}

// addFileHash adds the hash of one file to that of the dataset.
func (s *source) addFileHash(total hash.Hash, f sourceFile, sum hash.Hash) {
	role := "all"
	if !s.single {
		role = Splits()[f.split]
	}
	fmt.Fprintf(total, "%s %x\n", role, sum.Sum(nil))
}
