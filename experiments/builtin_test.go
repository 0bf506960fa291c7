package experiments

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hone/data"
	"hone/engine/weights"
	"hone/runs"
)

// buildWith puts a model directory in the place of the built-in model; "" leaves none.
func buildWith(t testing.TB, dir string) {
	t.Helper()
	before := builtinModel
	t.Cleanup(func() { builtinModel = before })
	builtinModel = func() (fs.FS, error) {
		if dir == "" {
			return nil, fs.ErrNotExist
		}
		return os.DirFS(dir), nil
	}
}

// Without a built-in model everything that would open it says how to name another.
func TestWithoutBuiltinModel(t *testing.T) {
	buildWith(t, "")
	c := toyConfig(t, "model.path=builtin")
	const says = "this version has no built-in model: name a model with --model DIR (config.json, safetensors and tokenizer.json) or --model FILE.gguf"
	for name, open := range map[string]func() error{
		"plan":     func() error { _, err := MakePlan(c); return err },
		"train":    func() error { _, err := Start(context.Background(), c, StartOptions{Store: t.TempDir()}); return err },
		"evaluate": func() error { _, err := OpenGenerator(context.Background(), c, ""); return err },
		"tokenize": func() error { _, err := OpenTokenizer("builtin"); return err },
		"weights":  func() error { _, err := OpenModel("builtin"); return err },
		"config":   func() error { _, err := OpenModelConfig("builtin"); return err },
		"file":     func() error { _, err := ReadModelFile("builtin", "tokenizer.json"); return err },
		"workspace": func() error {
			w, err := OpenWorkspace(context.Background(), c)
			return errors.Join(err, w.ModelProblem)
		},
	} {
		if err := open(); !errors.Is(err, ErrNoBuiltin) || err.Error() != says {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The built-in model trains, resumes and compares as the same files on disk do.
func TestBuiltinModel(t *testing.T) {
	ctx := context.Background()
	toy, err := filepath.Abs(toyDir + "tied")
	if err != nil {
		t.Fatal(err)
	}
	buildWith(t, toy)
	disk := train(t, toyConfig(t), StartOptions{RunDir: filepath.Join(t.TempDir(), "disk")})
	c := toyConfig(t)
	c.Model.Path = "builtin" // and not the recipe that it has by itself
	plan, err := MakePlan(c)
	if err != nil || plan.Steps == nil || *plan.Steps != 8 {
		t.Errorf("plan %+v: %v", plan, err)
	}
	dir := filepath.Join(t.TempDir(), "inside")
	for _, steps := range []int{4, 0} {
		train(t, c, StartOptions{RunDir: dir, MaxSteps: steps})
	}
	was, err := runs.ReadInfo(disk.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	is, err := runs.ReadInfo(dir)
	if err != nil || is.State != runs.Finished || is.Hashes["model"] == "" || is.Hashes["model"] != was.Hashes["model"] || is.Hashes["tokenizer"] != was.Hashes["tokenizer"] {
		t.Errorf("hashes %v, on disk %v: %v", is.Hashes, was.Hashes, err)
	}
	want, got := readAdapter(t, runs.AdapterDir(disk.RunDir)), readAdapter(t, runs.AdapterDir(dir))
	if want.Hash() != got.Hash() {
		t.Error("another adapter")
	}
	text, err := os.ReadFile(filepath.Join(runs.AdapterDir(dir), "adapter_config.json"))
	if err != nil || !bytes.Contains(text, []byte(`"base_model_name_or_path": "builtin"`)) {
		t.Errorf("adapter_config.json %s: %v", text, err)
	}
	kept, err := LoadRun(dir)
	if err != nil || kept.Model.Path != "builtin" {
		t.Errorf("the run keeps the model as %q: %v", kept.Model.Path, err)
	}
	a, err := Compare(ctx, disk.RunDir, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Compare(ctx, dir, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Examples {
		if a.Examples[i].Base.Text != b.Examples[i].Base.Text || a.Examples[i].Tuned.Text != b.Examples[i].Tuned.Text {
			t.Errorf("row %d differs", i)
		}
	}
}

// All weights of the built-in model: the run's model needs nothing of the program, and a file
// that is called builtin is not what is meant.
func TestFullFromBuiltinModel(t *testing.T) {
	toy, err := filepath.Abs(toyDir + "tied")
	if err != nil {
		t.Fatal(err)
	}
	buildWith(t, toy)
	c := toyConfig(t, "model.path=builtin", "method=full", "train.eval_every=0")
	if err := c.Resolve("."); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("builtin", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	result := train(t, c, StartOptions{RunDir: "run", MaxSteps: 2})
	want, err := os.ReadFile(filepath.Join(toy, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(runs.ModelDir(result.RunDir), "tokenizer.json"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the run's tokenizer is another: %v", err)
	}
	m, err := weights.Open(runs.ModelDir(result.RunDir))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	begin, err := OpenModel("builtin")
	if err != nil {
		t.Fatal(err)
	}
	defer begin.Close()
	for _, name := range begin.Names() {
		shape, _ := m.Shape(name)
		n := 1
		for _, d := range shape {
			n *= d
		}
		x, y := make([]float32, n), make([]float32, n)
		if err := errors.Join(m.Float32(name, x), begin.Float32(name, y)); err != nil || slices.Equal(x, y) {
			t.Errorf("%s did not change, or %v", name, err)
		}
	}
}

// A tokenizer that a build lacks is named.
func TestBuiltinModelWithoutTokenizer(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(toyDir+"tied")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	buildWith(t, dir)
	if _, err := OpenTokenizer("builtin"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "builtin: ") {
		t.Errorf("%v", err)
	}
}
