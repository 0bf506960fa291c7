package hub

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	for text, want := range map[string]Ref{
		"HuggingFaceTB/SmolLM-360M":      {ID: "HuggingFaceTB/SmolLM-360M"},
		"a/b@v1.0":                       {ID: "a/b", Revision: "v1.0"},
		"a/b@refs/pr/1:q/x-Q8_0.gguf":    {ID: "a/b", Revision: "refs/pr/1", File: "q/x-Q8_0.gguf"},
		"a/b:x@y.gguf":                   {ID: "a/b", File: "x@y.gguf"},
		"Qwen/Qwen2.5-0.5B-Instruct_x.y": {ID: "Qwen/Qwen2.5-0.5B-Instruct_x.y"},
	} {
		if got, err := ParseRef(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "a", "a/", "/a", "a/b/c", "../b", "a/..", "./b", "a/.b", "a/b.", "a--b/c", "a/b--c", "a/b.git", "a/b.gguf", "a b/c", "a/b\x00", `a\b/c`, "C:/b", "a/é",
		strings.Repeat("a", 60) + "/" + strings.Repeat("b", 60),
		"a/b@", "a/b@../x", "a/b@x/../y", "a/b@/x", "a/b@x/", "a/b@x//y", "a/b@.x", "a/b@-x", "a/b@x.lock", "a/b@x y", "a/b@x\x00", `a/b@x\y`, "a/b@" + strings.Repeat("x", 300),
		"a/b:", "a/b:x.bin", "a/b:../x.gguf", "a/b:/x.gguf", `a/b:x\y.gguf`, "a/b:x\x00.gguf", "a/b:x//y.gguf", "a/b:./x.gguf", "a/b:x:y.gguf", "a/b:x./y.gguf",
	} {
		if got, err := ParseRef(text); !errors.Is(err, ErrID) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, text := range []string{"a/b", "a/b@main:x.gguf", "../x/y", "a/b@../../x", "a/b:../x.gguf", `a\b/c`, "a/b:CON.gguf"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRef(text)
		if err != nil {
			if !errors.Is(err, ErrID) {
				t.Fatal(err)
			}
			return
		}
		if again, err := ParseRef(r.String()); err != nil || again != r {
			t.Fatalf("%+v, then %+v, %v", r, again, err)
		}
		root := filepath.FromSlash("/cache")
		repo := repository{root, r.ID}
		inside(t, root, repo.dir())
		inside(t, filepath.Join(repo.dir(), "refs"), repo.ref(r.revision()))
		if r.File != "" {
			inside(t, repo.snapshot(commit), filepath.Join(repo.snapshot(commit), filepath.FromSlash(r.File)))
		}
		if strings.Count(repo.folder(), "--") != 2 {
			t.Fatalf("%s is ambiguous", repo.folder())
		}
	})
}

func inside(t *testing.T, dir, path string) {
	t.Helper()
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == "." || !filepath.IsLocal(rel) || strings.ContainsRune(path, 0) {
		t.Fatalf("%q is not inside %q", path, dir)
	}
}

func FuzzRemote(f *testing.F) {
	for _, text := range []string{
		`{"sha":"` + commit + `","siblings":[{"rfilename":"config.json","size":2,"blobId":"` + commit + `"},{"rfilename":"../x","lfs":{"sha256":"zz","size":-4}}]}`,
		`{"sha":"main"}`, `<html>`, `{"sha":"` + commit + `","siblings":[{"rfilename":"a.safetensors","lfs":null,"size":1e3}]}`, `null`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRemote(text)
		if err != nil {
			if !errors.Is(err, ErrAnswer) {
				t.Fatal(err)
			}
			return
		}
		for name, file := range r.files {
			inside(t, "/s", filepath.Join("/s", name))
			if file.size < -1 || file.hash != "" && etag(file.hash) != file.hash {
				t.Fatalf("%+v", file)
			}
		}
		if names, err := choose(r, testRef); err == nil {
			for _, name := range names {
				if strings.Contains(name, "/") || strings.HasSuffix(name, ".bin") {
					t.Fatalf("%q is fetched", name)
				}
			}
		}
	})
}

func FuzzShards(f *testing.F) {
	f.Add([]byte(`{"weight_map":{"a":"x-00001.safetensors","b":"../y.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"x.safetensors"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		names, err := parseShards(text)
		for _, name := range names {
			inside(t, "/s", filepath.Join("/s", name))
		}
		if err == nil && len(names) == 0 {
			t.Fatal("neither names nor an error")
		}
	})
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 5-9/10")
	f.Add("bytes 5-9/*")
	f.Add("bytes -5/10")
	f.Fuzz(func(t *testing.T, text string) {
		if from, total, ok := contentRange(text); ok && (from < 0 || total < -1) {
			t.Fatalf("%d of %d", from, total)
		}
	})
}

func TestSettings(t *testing.T) {
	home := func() (string, error) { return "/home/me", nil }
	read := func(env map[string]string) (Settings, error) {
		return environment(func(name string) string { return env[name] }, home)
	}
	for _, c := range []struct {
		env   map[string]string
		cache string
	}{
		{nil, "/home/me/.cache/huggingface/hub"},
		{map[string]string{"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"},
		{map[string]string{"HF_HOME": "~/hf", "XDG_CACHE_HOME": "/x"}, "/home/me/hf/hub"},
		{map[string]string{"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"},
		{map[string]string{"HF_HUB_CACHE": "$BASE/c", "BASE": "/b", "HUGGINGFACE_HUB_CACHE": "/old"}, "/b/c"},
	} {
		if s, err := read(c.env); err != nil || filepath.ToSlash(s.Cache) != c.cache {
			t.Errorf("%v: %s, %v", c.env, s.Cache, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(" hf_file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HF_HOME": dir}, "hf_file"},
		{map[string]string{"HF_HOME": dir, "HF_TOKEN": "hf_env\n"}, "hf_env"},
		{map[string]string{"HF_HOME": dir, "HUGGING_FACE_HUB_TOKEN": "hf_old"}, "hf_old"},
		{map[string]string{"HF_TOKEN_PATH": filepath.Join(dir, "token")}, "hf_file"},
		{map[string]string{"HF_TOKEN_PATH": filepath.Join(dir, "none")}, ""},
		{map[string]string{"HF_TOKEN": "hf_env", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, ""},
	} {
		if s, err := read(c.env); err != nil || s.Token != c.want {
			t.Errorf("%v: %q, %v", c.env, s.Token, err)
		}
	}
	for _, env := range []map[string]string{
		{"HF_TOKEN": "hf_a\r\nHost: x"}, {"HF_TOKEN": "hf é"}, {"HF_ENDPOINT": "ftp://x"}, {"HF_ENDPOINT": "https://me:secret@x"}, {"HF_ENDPOINT": "https://x/?a=b"}, {"HF_ENDPOINT": "x"},
	} {
		if _, err := read(env); !errors.Is(err, ErrSettings) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "hf_") {
			t.Errorf("%v: %v", env, err)
		}
	}
	if s, err := read(map[string]string{"HF_ENDPOINT": "https://mirror.test/hf/"}); err != nil || s.Endpoint != "https://mirror.test/hf" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{"HF_HUB_OFFLINE": "1"}, true},
		{map[string]string{"TRANSFORMERS_OFFLINE": "yes"}, true},
		{map[string]string{"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, false},
		{nil, false},
	} {
		if s, err := read(c.env); err != nil || s.Offline != c.want {
			t.Errorf("%v: %v, %v", c.env, s.Offline, err)
		}
	}
}

// The layout is written here as Python leaves it: a reference that is set before
// the files are there, links, a dataset, a lock, a link without its blob.
func TestReadsACacheThatPythonMade(t *testing.T) {
	cache := t.TempDir()
	repo := filepath.Join(cache, "models--org--name")
	snapshot := filepath.Join(repo, "snapshots", commit)
	for _, dir := range []string{filepath.Join(repo, "refs"), filepath.Join(repo, "blobs"), snapshot, filepath.Join(cache, "datasets--org--data", "snapshots", commit), filepath.Join(cache, "models--gpt2"), filepath.Join(cache, ".locks")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(cache, "CACHEDIR.TAG"), "")
	write(filepath.Join(repo, "refs", "main"), commit)
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors"} {
		hash := hashOf(name, []byte(name))
		write(filepath.Join(repo, "blobs", hash), name)
		if err := os.Symlink("../../blobs/"+hash, filepath.Join(snapshot, name)); err != nil {
			t.Skip(err)
		}
	}
	list, err := List(cache)
	if err != nil || len(list) != 1 || !list[0].Usable() || list[0].Bytes != 42 || strings.Join(list[0].Revisions, " ") != "main" || list[0].ID != "org/name" {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, ref := range []Ref{{ID: "org/name"}, {ID: "org/name", Revision: "main"}, {ID: "org/name", Revision: commit}} {
		if path, err := Locate(cache, ref); err != nil || path != snapshot {
			t.Errorf("%s: %s, %v", ref, path, err)
		}
	}
	for _, ref := range []Ref{{ID: "org/other"}, {ID: "org/name", Revision: "v1"}, {ID: "org/name", Revision: strings.Repeat("f", 40)}, {ID: "org/name", File: "x.gguf"}} {
		if _, err := Locate(cache, ref); !errors.Is(err, ErrNotCached) || !strings.Contains(err.Error(), "hone pull "+ref.String()) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if err := os.Remove(filepath.Join(repo, "blobs", hashOf("model.safetensors", []byte("model.safetensors")))); err != nil {
		t.Fatal(err)
	}
	if s, err := Find(cache, testRef); err != nil || s.Usable() || strings.Join(s.Missing, " ") != "model.safetensors" {
		t.Errorf("%+v, %v", s, err)
	}
	write(filepath.Join(repo, "refs", "main"), "../../../../etc")
	if _, err := Find(cache, testRef); err == nil || strings.Contains(err.Error(), "etc:") {
		t.Error(err)
	}
	if list, err := List(filepath.Join(cache, "none")); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if text, err := json.Marshal(Snapshot{ID: "a/b"}); err != nil || !strings.Contains(string(text), `"id":"a/b"`) {
		t.Errorf("%s, %v", text, err)
	}
}
