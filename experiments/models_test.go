package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hone/data/builtin"
	"hone/engine/weights"
	"hone/internal/hub"
)

// atHand lists models and returns them by path.
func atHand(t *testing.T, c Config) (ModelsAtHand, map[string]ModelAtHand) {
	t.Helper()
	found, err := ListModels(context.Background(), c, "runs")
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]ModelAtHand{}
	for _, m := range found.Models {
		if _, twice := by[m.Path]; twice {
			t.Errorf("%s is listed twice", m.Path)
		}
		by[m.Path] = m
	}
	return found, by
}

// inCache puts files of the toy model into a cache as a snapshot of a commit.
func inCache(t *testing.T, cache, id, revision, commit string, files ...string) {
	t.Helper()
	root := filepath.Join(cache, "models--"+strings.ReplaceAll(id, "/", "--"))
	dir := filepath.Join(root, "snapshots", commit)
	err := os.MkdirAll(dir, 0o755)
	for _, name := range files {
		from := filepath.Join(toyAbs, "tied", name)
		if _, e := os.Stat(from); e != nil {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte("GGUF"), 0o644))
			continue
		}
		err = errors.Join(err, os.Symlink(from, filepath.Join(dir, name)))
	}
	if revision != "" {
		err = errors.Join(err, os.MkdirAll(filepath.Join(root, "refs"), 0o755), os.WriteFile(filepath.Join(root, "refs", revision), []byte(commit), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// toyAbs is toyDir, found before a test leaves the directory of the package.
var toyAbs = func() string {
	dir, err := filepath.Abs(toyDir)
	if err != nil {
		panic(err)
	}
	return dir
}()

func TestModelsAtHand(t *testing.T) {
	c := toyConfig(t, "model.path="+builtin.Name)
	run := trainedToy(t)
	full := trainedToy(t, "method=full")
	export(t, run, "safetensors-f32")
	export(t, run, "gguf-f16")
	cache, dir := t.TempDir(), t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Chdir(dir)
	commit := func(n int) string { return fmt.Sprintf("%040x", n) }
	inCache(t, cache, "org/whole", "main", commit(1), "config.json", "tokenizer.json", "model.safetensors")
	inCache(t, cache, "org/old", "v1", commit(2), "config.json", "tokenizer.json", "model.safetensors")
	inCache(t, cache, "org/loose", "", commit(3), "config.json", "tokenizer.json", "model.safetensors")
	inCache(t, cache, "org/part", "main", commit(4), "config.json", "tokenizer.json")
	inCache(t, cache, "org/files", "main", commit(5), "a.gguf", "b.gguf")

	link := func(to, name string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Join(toyAbs, "tied"), "models/toy")
	link(filepath.Join(toyAbs, "tied"), "models/again") // the same
	link(dir, "models/loop")
	link("nowhere", "models/gone.gguf")
	link(run, "runs/one")
	link(full, "runs/two")
	link(filepath.Join(cache, "models--org--whole"), "hub")
	write("models/gpt/config.json", `{"model_type": "gpt2"}`)
	write("models/gpt/model.safetensors", "")
	write("models/gpt/tokenizer.json", "{}")
	write("models/bare/config.json", "{}")
	write("models/bare/model.safetensors", "")
	write("models/old/config.json", "{}")
	write("models/old/pytorch_model.bin", "")
	write("broken.gguf", "GGUF")
	write(".hidden/x.gguf", "GGUF")
	write("a/b/c/d.gguf", "GGUF")
	write("a/b/c/d/e/too-deep.gguf", "GGUF")
	write(builtin.Name+"/config.json", "{}") // named as the built-in one is
	write(builtin.Name+"/model.safetensors", "")

	found, by := atHand(t, c)
	usable := map[string]string{ // path and place
		"org/whole": ModelCached, "org/old@v1": ModelCached, "org/loose@" + commit(3): ModelCached,
		"models/again": ModelOnDisk, "runs/one/export/safetensors-f32": ModelOnDisk,
		"runs/one/export/gguf-f16.gguf": ModelOnDisk, "runs/two/model": ModelOnDisk,
	}
	if _, err := builtin.Model(); err == nil {
		usable[builtin.Name] = ModelBuiltin
	}
	for path, place := range usable {
		m, ok := by[path]
		if !ok || m.Problem != nil || m.Place != place || m.Architecture != "llama" || m.Parameters < 1000 || m.Bytes < 1000 || m.Needs < runtimeBytes {
			t.Errorf("%s: there %v, %+v", path, ok, m)
		}
	}
	for path, want := range map[string]string{
		"org/part":         "it lacks model.safetensors; hone pull org/part fetches",
		"org/files:a.gguf": "GGUF", "org/files:b.gguf": "GGUF",
		"models/gpt":  `model_type "gpt2"`,
		"models/bare": "no tokenizer.json", "./" + builtin.Name: "no tokenizer.json",
		"models/old":  "pytorch_model.bin",
		"broken.gguf": "GGUF", "a/b/c/d.gguf": "GGUF",
	} {
		if m, ok := by[path]; !ok || m.Problem == nil || !strings.Contains(m.Problem.Error(), want) {
			t.Errorf("%s: there %v, problem %v", path, ok, m.Problem)
		}
	}
	if n := len(usable) + 9; len(found.Models) != n {
		t.Errorf("%d models, want %d: %v", len(found.Models), n, by)
	}
	if found.More || found.Memory < 1 || by["org/old@v1"].Revision != "v1" || by["org/loose@"+commit(3)].Revision != "00000000" {
		t.Errorf("%+v", found)
	}
	if !errors.Is(by["models/gpt"].Problem, weights.ErrUnsupported) || !errors.Is(by["models/bare"].Problem, ErrNoTokenizer) {
		t.Errorf("%v, %v", by["models/gpt"].Problem, by["models/bare"].Problem)
	}

	// What is listed as usable can be opened by its path; method full needs a directory.
	for path := range usable {
		if _, err := OpenTokenizer(path); err != nil {
			t.Error(err)
		}
		if _, err := OpenModelConfig(path); err != nil {
			t.Error(err)
		}
	}
	c.Method = Full
	if _, by := atHand(t, c); by["runs/one/export/gguf-f16.gguf"].Problem == nil || by["models/again"].Problem != nil {
		t.Errorf("method full: %v, %v", by["runs/one/export/gguf-f16.gguf"].Problem, by["models/again"].Problem)
	}

	// A directory that has the name of a hub id comes first; the cached model has its path then.
	if err := os.MkdirAll("org/whole", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, by := atHand(t, c); by["org/whole"].Path != "" || by[filepath.Join(cache, "models--org--whole", "snapshots", commit(1))].Problem != nil {
		t.Errorf("hidden by a directory: %v", by)
	}
}

// Needs is the plan's own estimate, for the one pass that it is said to be for.
func TestNeedsIsThePlans(t *testing.T) {
	c := toyConfig(t, "train.eval_every=0", "data.max_length=64")
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	_, by := atHand(t, c)
	w, err := OpenWorkspace(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	d := w.demand(c)
	d.whole.Tokens, d.whole.Targets, d.whole.Example = 64, 64, 64
	// The experiment's own model is listed, and the one that lies beside it.
	if got, want := by[c.Model.Path].Needs, d.bytes(64); got != want || by[filepath.Join(filepath.Dir(c.Model.Path), "untied")].Needs <= want {
		t.Errorf("%d bytes, the plan says %d: %v", got, want, by)
	}
	t.Chdir(filepath.Dir(toyAbs))
	if _, by := atHand(t, c); by["toy/tied"].Problem != nil || by["toy/tied"].Bytes == 0 {
		t.Errorf("below the working directory: %v", by)
	}
}

func TestModelsAtHandEndSomewhere(t *testing.T) {
	c := toyConfig(t)
	cache, dir := t.TempDir(), t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	t.Chdir(dir)
	for i := range findModels + 40 {
		if err := os.WriteFile(fmt.Sprintf("%03d.gguf", i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(fmt.Sprintf("d%03d", i), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if found, _ := atHand(t, c); !found.More {
		t.Errorf("%d models, and no word of more", len(found.Models))
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := ListModels(ctx, c, "runs"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// An error hides nothing that could be read.
	if err := os.WriteFile(filepath.Join(cache, "models--a--b"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HF_HUB_CACHE", filepath.Join(cache, "models--a--b"))
	found, err := ListModels(context.Background(), c, "runs")
	if err == nil || len(found.Models) < findModels || errors.Is(err, fs.ErrNotExist) || errors.Is(err, hub.ErrNotCached) {
		t.Errorf("%d models beside an error: %v", len(found.Models), err)
	}
}
