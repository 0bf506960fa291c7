package data

import (
	"os"
	"path/filepath"
	"testing"

	"hone/engine/tokenizer"
)

// shared returns the path of a reference file that lies beside the project.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(name); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatalf("HONE_REQUIRE_SHARED=1 and reference file absent: %v", err)
		}
		t.Skipf("reference file absent: %v", err)
	}
	return name
}

func smolTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Load(shared(t, "models", "SmolLM-tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// write puts files into a new directory and returns it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load reads files as a dataset: a directory, or the file "all.jsonl".
func load(t testing.TB, files map[string]string, change func(*Options)) (*Dataset, error) {
	t.Helper()
	at := write(t, files)
	if _, ok := files["all.jsonl"]; ok {
		at = filepath.Join(at, "all.jsonl")
	}
	o := DefaultOptions()
	if change != nil {
		change(&o)
	}
	return Load(at, o)
}

func mustLoad(t testing.TB, files map[string]string, change func(*Options)) *Dataset {
	t.Helper()
	d, err := load(t, files, change)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
