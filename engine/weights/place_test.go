package weights

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// memory is the files of a directory as a file system of bytes, as embedded ones are.
func memory(t testing.TB, dir string) fstest.MapFS {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	return files
}

// A model in a file system is the one on disk, to the bit and to the hash.
func TestOpenFS(t *testing.T) {
	for _, shard := range []int64{0, 20000} {
		dir := writeTiny(t, tinyConfig, shard, "BF16")
		writeRaw(t, filepath.Join(dir, "tokenizer.json"), []byte("{}"))
		writeRaw(t, filepath.Join(dir, "generation_config.json"), []byte(`{"eos_token_id": [5, 6]}`))
		disk, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer disk.Close()
		want, err := disk.Hash()
		if err != nil {
			t.Fatal(err)
		}
		for _, files := range []fs.FS{memory(t, dir), os.DirFS(dir)} {
			m, err := OpenFS(files, "inside")
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			c, err := OpenConfigFS(files, "inside")
			if err != nil || !equalConfig(m.Config, disk.Config) || !equalConfig(c, disk.Config) || !slices.Equal(c.EOS, []int32{5, 6}) {
				t.Errorf("configuration %+v and %+v, on disk %+v: %v", m.Config, c, disk.Config, err)
			}
			if m.Path != "inside" || m.Format != disk.Format || m.TokenizerFile() != "inside/tokenizer.json" || m.TokenizerProblem() != nil {
				t.Errorf("%s, %s, tokenizer %q", m.Path, m.Format, m.TokenizerFile())
			}
			if got, err := m.Hash(); err != nil || got != want {
				t.Errorf("hash %s, on disk %s: %v", got, want, err)
			}
			if !slices.Equal(m.Names(), disk.Names()) {
				t.Fatalf("tensors %v", m.Names())
			}
			for _, name := range m.Names() {
				if !slices.Equal(load(t, m, name), load(t, disk, name)) {
					t.Errorf("%s differs", name)
				}
			}
		}
	}
}

// What is refused on disk is refused in a file system, in the same words.
func TestOpenFSRefuses(t *testing.T) {
	cases := map[string]struct {
		shard int64
		spoil func(t *testing.T, dir string)
		want  error
	}{
		"no configuration": {0, func(t *testing.T, dir string) { remove(t, dir, "config.json") }, fs.ErrNotExist},
		"no weights":       {0, func(t *testing.T, dir string) { remove(t, dir, singleFile) }, fs.ErrNotExist},
		"PyTorch's weights": {0, func(t *testing.T, dir string) {
			remove(t, dir, singleFile)
			writeRaw(t, filepath.Join(dir, "pytorch_model.bin"), []byte("x"))
		}, ErrUnsupported},
		"another kind of model": {0, func(t *testing.T, dir string) {
			writeRaw(t, filepath.Join(dir, "config.json"), []byte(`{"model_type": "gpt2"}`))
		}, ErrUnsupported},
		"no JSON":      {0, func(t *testing.T, dir string) { writeRaw(t, filepath.Join(dir, "config.json"), []byte(`{"a"`)) }, ErrCorrupt},
		"cut short":    {0, func(t *testing.T, dir string) { cut(t, filepath.Join(dir, singleFile), 1000) }, ErrCorrupt},
		"only a start": {0, func(t *testing.T, dir string) { cut(t, filepath.Join(dir, singleFile), 5) }, ErrCorrupt},
		"a header without end": {0, func(t *testing.T, dir string) {
			writeRaw(t, filepath.Join(dir, singleFile), []byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
		}, ErrCorrupt},
		"a directory for weights": {0, func(t *testing.T, dir string) {
			remove(t, dir, singleFile)
			if err := os.Mkdir(filepath.Join(dir, singleFile), 0o777); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt},
		"a shard less": {20000, func(t *testing.T, dir string) { remove(t, dir, "model-00002-of-00014.safetensors") }, fs.ErrNotExist},
		"a shard elsewhere": {20000, func(t *testing.T, dir string) {
			writeRaw(t, filepath.Join(dir, indexFile), []byte(`{"weight_map": {"model.norm.weight": "../model.safetensors"}}`))
		}, ErrCorrupt},
	}
	for name, c := range cases {
		dir := writeTiny(t, tinyConfig, c.shard, "F32")
		c.spoil(t, dir)
		_, disk := Open(dir)
		_, inside := OpenFS(os.DirFS(dir), "inside")
		if !errors.Is(disk, c.want) || !errors.Is(inside, c.want) {
			t.Errorf("%s: %v; on disk %v", name, inside, disk)
			continue
		}
		// The system's own part of a message ends it, and names the file differently.
		before := func(err error) string {
			text, _, _ := strings.Cut(err.Error(), ": open ")
			text, _, _ = strings.Cut(text, ": stat ")
			return strings.ReplaceAll(filepath.ToSlash(text), filepath.ToSlash(dir), "inside")
		}
		if a, b := before(disk), before(inside); a != b {
			t.Errorf("%s: %q; on disk %q", name, b, a)
		}
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// odd is a file system whose files say another size, or can only be read in order.
type odd struct {
	fs.FS
	size  int64 // said of model.safetensors; 0: the true one
	plain bool  // files without ReadAt
}

func (o odd) Open(name string) (fs.File, error) {
	f, err := o.FS.Open(name)
	switch {
	case err != nil:
		return nil, err
	case o.plain:
		return struct{ fs.File }{f}, nil
	case name == singleFile && o.size != 0:
		return sized{f.(file), o.size}, nil
	}
	return f, nil
}

type sized struct {
	file
	size int64
}

type sizedInfo struct {
	fs.FileInfo
	size int64
}

func (s sized) Stat() (fs.FileInfo, error) {
	info, err := s.file.Stat()
	return sizedInfo{info, s.size}, err
}

func (s sizedInfo) Size() int64 { return s.size }

func TestOpenFSOfOddFiles(t *testing.T) {
	files := memory(t, writeTiny(t, tinyConfig, 0, "F32"))
	for name, c := range map[string]struct {
		files fs.FS
		want  error
	}{
		"only in order":    {odd{FS: files, plain: true}, ErrUnsupported},
		"says it is huge":  {odd{FS: files, size: math.MaxInt64}, ErrCorrupt},
		"says it is less":  {odd{FS: files, size: 100}, ErrCorrupt},
		"says it is minus": {odd{FS: files, size: -1}, ErrCorrupt},
	} {
		if m, err := OpenFS(c.files, "odd"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	// A header that promises the tensors, over a file that then ends.
	long := memory(t, writeTiny(t, tinyConfig, 0, "F32"))
	whole := long[singleFile].Data
	long[singleFile].Data = whole[:len(whole)-10]
	m, err := OpenFS(odd{FS: long, size: int64(len(whole))}, "odd")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Float32(normName, make([]float32, 64)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("reading past the end: %v", err)
	}
}

// The weights of a file system are read where they are.
func TestOpenFSCopiesNothing(t *testing.T) {
	c := tinyConfig
	c.Vocab = 16384 // 4 MB of embedding
	files := memory(t, writeTiny(t, c, 0, "F32"))
	row := make([]float32, c.Hidden)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := OpenFS(files, "inside")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i := range 64 {
		if err := m.Float32Rows(embeddingName, i*256, row); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if took, size := after.TotalAlloc-before.TotalAlloc, uint64(len(files[singleFile].Data)); took > size/4 {
		t.Errorf("%d bytes were taken to read rows of a file of %d", took, size)
	}
}
