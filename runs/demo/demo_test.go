package demo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/runs"
)

// entry is a file of an archive that Pack would not write.
type entry struct {
	name string
	kind byte
	size int64 // said in the header; -1 = that of text
	text string
}

// archiveOf writes any archive.
func archiveOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		size := int64(len(e.text))
		if e.size >= 0 {
			size = e.size
		}
		h := &tar.Header{Typeflag: e.kind, Name: e.name, Size: size, Linkname: "target"}
		if e.kind == tar.TypeSymlink {
			h.Size = 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.kind == tar.TypeReg {
			if _, err := w.Write([]byte(e.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = w.Flush() // a size that is not that of the text is the point
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, text string) entry { return entry{name, tar.TypeReg, -1, text} }

// sound are the least files of a recording.
func sound() []entry {
	return []entry{file(runs.ConfigName, "name = \"x\"\n"), file(runs.InfoName, "{}"), file(runs.MetricsName, "{}\n")}
}

// The recordings that the program brings along can be opened, name no machine,
// and leave nothing behind.
func TestRecordings(t *testing.T) {
	for _, name := range Names() {
		r, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := runs.OpenPlayer(r.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for behind := true; behind; {
			if behind, err = p.Seek(p.Len()); err != nil {
				t.Fatal(err)
			}
		}
		info, h := p.Info(), p.History()
		if len(h.Steps) < 20 || len(h.Notes) > 0 || info.Steps < len(h.Steps) || info.PID != 0 || info.Machine != nil || p.Length() == 0 {
			t.Errorf("%s: %d steps, %v, %+v", name, len(h.Steps), h.Notes, info)
		}
		if tail, err := p.Gradients(1); err != nil || len(tail.Steps) != 1 || len(tail.Notes) > 0 {
			t.Errorf("%s: gradients %+v, %v", name, tail, err)
		}
		switch masked := name == "demo:masked"; {
		case masked && (info.State != runs.Failed || !strings.Contains(info.Error, "no supervised tokens")):
			t.Errorf("%s ended %s: %s", name, info.State, info.Error)
		case !masked && (info.State != runs.Finished || len(h.Evals) == 0):
			t.Errorf("%s ended %s with %d evaluations", name, info.State, len(h.Evals))
		}
		if err := errors.Join(p.Close(), r.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Dir(r.Dir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", r.Dir, err)
		}
		text, err := archives.ReadFile(filepath.Base(r.Dir) + ".tar.gz")
		if err != nil || len(text) > 400<<10 {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}
	if _, err := Open("demo:other"); err == nil || !strings.Contains(err.Error(), "there are demo and demo:masked") {
		t.Errorf("a recording that is not there: %v", err)
	}
}

func TestPackedFilesComeBack(t *testing.T) {
	files := map[string][]byte{
		runs.ConfigName: []byte("name = \"x\"\n"), runs.InfoName: []byte("{}"), runs.MetricsName: nil, runs.TraceFile: []byte("{}\n"), "eval/base-test.json": []byte("[]"),
	}
	var one, two bytes.Buffer
	if err := errors.Join(Pack(&one, files), Pack(&two, files)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same files gave other bytes")
	}
	dir := t.TempDir()
	if err := Unpack(&one, dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	if err := Pack(&two, map[string][]byte{"adapter/adapter_model.safetensors": nil}); err == nil {
		t.Error("weights were packed")
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	whole := archiveOf(t, sound()...)
	if err := Unpack(bytes.NewReader(whole), t.TempDir()); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // the checksum
	var many []entry
	for i := range maxFiles {
		many = append(many, file("eval/"+strings.Repeat("a", i+1)+".json", ""))
	}
	for name, text := range map[string][]byte{
		"nothing":           nil,
		"no archive":        []byte("not compressed"),
		"cut off":           whole[:len(whole)/2],
		"wrong checksum":    flipped,
		"a path out":        archiveOf(t, append(sound(), file("../outside", "x"))...),
		"an absolute path":  archiveOf(t, append(sound(), file("/etc/hone", "x"))...),
		"a path within":     archiveOf(t, append(sound(), file("eval/../run.json", "x"))...),
		"weights":           archiveOf(t, append(sound(), file("adapter/adapter_model.safetensors", "x"))...),
		"a link":            archiveOf(t, append(sound(), entry{runs.TraceFile, tar.TypeSymlink, 0, ""})...),
		"a directory":       archiveOf(t, append(sound(), entry{"eval/", tar.TypeDir, 0, ""})...),
		"a file twice":      archiveOf(t, append(sound(), file(runs.InfoName, "{}"))...),
		"a huge file":       archiveOf(t, append(sound(), entry{runs.TraceFile, tar.TypeReg, maxFile + 1, ""})...),
		"a file cut off":    archiveOf(t, append(sound(), entry{runs.TraceFile, tar.TypeReg, 1000, "x"})...),
		"too many files":    archiveOf(t, append(sound(), many...)...),
		"without a run":     archiveOf(t, file(runs.ConfigName, "x")),
		"an endless padded": archiveOf(t, append(sound(), entry{runs.TraceFile, tar.TypeReg, 1 << 50, ""})...),
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := Unpack(bytes.NewReader(text), dir); !errors.Is(err, ErrArchive) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
			t.Errorf("%s wrote outside: %v, %v", name, left, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"demo.tar.gz", "demo-masked.tar.gz"} {
		text, err := archives.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 2000)])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := Unpack(bytes.NewReader(text), dir); err != nil && !errors.Is(err, ErrArchive) {
			t.Error(err)
		}
		if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
			t.Errorf("it wrote outside: %v, %v", left, err)
		}
	})
}
