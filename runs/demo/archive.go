package demo

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"

	"hone/runs"
)

// ErrArchive is wrapped where an archive is not that of a recording.
var ErrArchive = errors.New("damaged recording")

// Limits of an archive.
const (
	maxFiles = 16
	maxFile  = 32 << 20 // bytes of a file
	maxTotal = 64 << 20 // bytes of all
)

var evalName = regexp.MustCompile(`^eval/[a-z0-9-]{1,60}\.json$`)

// allowed reports whether a file belongs to a recording.
func allowed(name string) bool {
	switch name {
	case runs.ConfigName, runs.InfoName, runs.MetricsName, runs.TraceFile:
		return true
	}
	return evalName.MatchString(name)
}

// Unpack writes the files of an archive into an empty directory. Whatever is no
// file of a recording, is there twice or is too large is refused with ErrArchive.
func Unpack(r io.Reader, dir string) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	seen := map[string]bool{}
	var total int64
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		total += h.Size
		switch {
		case h.Typeflag != tar.TypeReg || !allowed(h.Name):
			return fmt.Errorf("%w: %.80q is no file of a recording", ErrArchive, h.Name)
		case seen[h.Name]:
			return fmt.Errorf("%w: %s is there twice", ErrArchive, h.Name)
		case len(seen) == maxFiles:
			return fmt.Errorf("%w: more than %d files", ErrArchive, maxFiles)
		case h.Size < 0 || h.Size > maxFile || total > maxTotal:
			return fmt.Errorf("%w: %s makes it larger than %d bytes a file, %d in all", ErrArchive, h.Name, maxFile, maxTotal)
		}
		seen[h.Name] = true
		if err := write(t, filepath.Join(dir, filepath.FromSlash(h.Name)), h.Size); err != nil {
			return err
		}
	}
	// What follows the last file ends the compressed data, whose checksum is read with it.
	n, err := io.Copy(io.Discard, io.LimitReader(z, maxFile))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if n == maxFile {
		return fmt.Errorf("%w: more than %d bytes follow its last file", ErrArchive, maxFile)
	}
	for _, name := range []string{runs.ConfigName, runs.InfoName, runs.MetricsName} {
		if !seen[name] {
			return fmt.Errorf("%w: it has no %s", ErrArchive, name)
		}
	}
	return nil
}

func write(r io.Reader, path string, size int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("unpacking a recording: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("unpacking a recording: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	closed := f.Close()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrArchive, filepath.Base(path), err)
	}
	if closed != nil {
		return fmt.Errorf("unpacking a recording: %w", closed)
	}
	return nil
}

// Pack writes an archive of files by their names in the run directory. The same
// files give the same bytes.
func Pack(w io.Writer, files map[string][]byte) error {
	var names []string
	for name := range files {
		if !allowed(name) {
			return fmt.Errorf("packing a recording: %.80q is no file of one", name)
		}
		names = append(names, name)
	}
	sort.Strings(names)
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("packing a recording: %w", err)
	}
	t := tar.NewWriter(z)
	for _, name := range names {
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o600, Format: tar.FormatUSTAR})
		if err == nil {
			_, err = t.Write(files[name])
		}
		if err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return fmt.Errorf("packing a recording: %w", err)
	}
	return nil
}
