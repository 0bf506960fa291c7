package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var testRef = Ref{ID: testID}

func TestPullLaysOutTheCacheAsPythonDoes(t *testing.T) {
	h := newHub(t, model())
	cache := t.TempDir()
	c, _ := h.client(cache)
	r := mustPull(t, c, testRef)
	repo := repository{cache, testID}
	if got := readText(t, cache, "models--org--name", "refs", "main"); got != commit {
		t.Errorf("refs/main is %q", got)
	}
	for _, name := range []string{"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors"} {
		target, err := os.Readlink(filepath.Join(r.Path, name))
		if want := filepath.Join("..", "..", "blobs", hashOf(name, h.files[name])); err != nil || target != want {
			t.Errorf("%s leads to %q, %v", name, target, err)
		}
		if readText(t, r.Path, name) != string(h.files[name]) {
			t.Errorf("%s is another", name)
		}
	}
	entries, _ := os.ReadDir(r.Path)
	if len(entries) != 4 || len(r.Files) != 4 || r.Commit != commit || r.Path != repo.snapshot(commit) || r.Bytes != r.Fetched {
		t.Errorf("%d files, %+v", len(entries), r)
	}
	if len(h.unknown) > 0 {
		t.Errorf("requests without the token: %v", h.unknown)
	}
	before := h.count("GET /" + testID)
	again := mustPull(t, c, testRef)
	if again.Fetched != 0 || h.count("GET /"+testID) != before {
		t.Errorf("what was there came again: %+v", again)
	}
	h.sound(cache)
}

func TestPullOneGGUFAndRevisions(t *testing.T) {
	h := newHub(t, model())
	cache := t.TempDir()
	c, _ := h.client(cache)
	r := mustPull(t, c, Ref{ID: testID, Revision: "refs/pr/1", File: "sub/model.Q4.gguf"})
	if target, err := os.Readlink(r.Path); err != nil || target != filepath.Join("..", "..", "..", "blobs", hashOf("x.gguf", []byte("GGUF4"))) {
		t.Errorf("%s leads to %s, %v", r.Path, target, err)
	}
	if got, err := Locate(cache, Ref{ID: testID, Revision: "refs/pr/1"}); err != nil || got != r.Path {
		t.Errorf("%s, %v", got, err)
	}
	if len(r.Files) != 1 {
		t.Errorf("%+v", r.Files)
	}
	if err := pullErr(t, c, Ref{ID: testID, File: "none.gguf"}); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "model.Q8_0.gguf") {
		t.Error(err)
	}
	if err := pullErr(t, c, Ref{ID: testID, Revision: "v9"}); !errors.Is(err, ErrNotFound) || !strings.Contains(Hint(err), `no revision "v9"`) {
		t.Error(err, Hint(err))
	}
	delete(h.files, "model.safetensors")
	if err := pullErr(t, c, testRef); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "org/name:model.Q8_0.gguf") {
		t.Error(err)
	}
}

func TestPullShards(t *testing.T) {
	files := model()
	delete(files, "model.safetensors")
	files["model-00001-of-00002.safetensors"], files["model-00002-of-00002.safetensors"], files["consolidated.safetensors"] = "one", "two", "three"
	files["model.safetensors.index.json"] = `{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`
	h := newHub(t, files)
	cache := t.TempDir()
	c, _ := h.client(cache)
	r := mustPull(t, c, testRef)
	if readText(t, r.Path, "model-00002-of-00002.safetensors") != "two" || h.count("GET /consolidated") != 0 {
		t.Error("not the files of the index")
	}
	if err := os.Remove(filepath.Join(r.Path, "model-00001-of-00002.safetensors")); err != nil {
		t.Fatal(err)
	}
	if s, err := Find(cache, testRef); err != nil || strings.Join(s.Missing, " ") != "model-00001-of-00002.safetensors" || s.Usable() && len(s.GGUF) == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"../model.safetensors", "/etc/x.safetensors", `a\\b.safetensors`, "sub/x.safetensors", "x.bin", "absent.safetensors", "x\\u0000.safetensors"} {
		h.files["model.safetensors.index.json"] = []byte(`{"weight_map": {"a": "` + bad + `"}}`)
		if err := pullErr(t, c, testRef); !errors.Is(err, ErrUnsafe) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// cutAfter answers a transfer with the first bytes only and breaks the connection.
func cutAfter(n int) func(http.ResponseWriter, *http.Request) bool {
	var once atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || once.Swap(true) {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(model()["model.safetensors"])))
		_, _ = w.Write([]byte(model()["model.safetensors"][:n]))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// goesOn checks that the second transfer began where the first ended.
func (h *fakeHub) goesOn(from int) {
	h.t.Helper()
	if h.count(fmt.Sprintf("GET /model.safetensors bytes=%d-", from)) != 1 || h.count("GET /model.safetensors") != 2 {
		h.t.Errorf("requests: %v", h.requests)
	}
}

func TestCutConnectionIsGoneOnWith(t *testing.T) {
	h := newHub(t, model())
	h.storeMisbehaves = cutAfter(1000)
	cache := t.TempDir()
	c, clock := h.client(cache)
	r := mustPull(t, c, testRef)
	h.goesOn(1000)
	if readText(t, r.Path, "model.safetensors") != string(h.files["model.safetensors"]) {
		t.Error("another file")
	}
	if len(clock.slept) != 1 || clock.slept[0] != time.Second {
		t.Errorf("pauses %v", clock.slept)
	}
	h.sound(cache)
}

// A slow trickle is a stall too: the clock runs out before enough has come.
func TestStalledConnectionIsGivenUpAndGoneOnWith(t *testing.T) {
	h := newHub(t, model())
	cache := t.TempDir()
	c, clock := h.client(cache)
	var once atomic.Bool
	h.storeMisbehaves = func(w http.ResponseWriter, r *http.Request) bool {
		clock.flow()
		if once.Swap(true) {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(h.files["model.safetensors"])))
		_, _ = w.Write(h.files["model.safetensors"][:1])
		w.(http.Flusher).Flush()
		clock.stall()
		<-r.Context().Done()
		clock.flow()
		return true
	}
	mustPull(t, c, testRef)
	if !once.Load() || h.count("GET /model.safetensors") < 2 {
		t.Error("nothing stalled")
	}
	h.sound(cache)
}

func TestWrongAnswersNeverGetAName(t *testing.T) {
	right := []byte(model()["model.safetensors"])
	wrong := append([]byte("x"), right[1:]...)
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"wrong hash": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(wrong) },
		"too short":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(right[:5000]) },
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(right)+1))
			_, _ = w.Write(append(right, 'x'))
		},
		"wrong and too long, chunked": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(wrong)
			w.(http.Flusher).Flush()
			_, _ = w.Write(wrong)
		},
		"too short, chunked": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(right[:5])
			w.(http.Flusher).Flush()
		},
		"a login page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"encoded": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(right)
		},
		"other range": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%d", len(right)-1, len(right)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(right[7:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, model())
			h.storeMisbehaves = func(w http.ResponseWriter, r *http.Request) bool { answer(w, r); return true }
			cache := t.TempDir()
			c, _ := h.client(cache)
			err := pullErr(t, c, testRef)
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrUnreachable) {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(repository{cache, testID}.snapshot(commit), "model.safetensors")); err == nil {
				t.Error("it has its name")
			}
			if _, err := Find(cache, testRef); !errors.Is(err, ErrNotCached) {
				t.Errorf("a branch means what is not whole: %v", err)
			}
			if n := h.count("GET /model.safetensors"); n > 12 {
				t.Errorf("%d tries", n)
			}
			h.sound(cache)
			// The next pull, of a hub that behaves, is not spoilt by what is left.
			h.storeMisbehaves = nil
			mustPull(t, c, testRef)
			h.sound(cache)
		})
	}
}

// put leaves part of a file as an earlier pull would.
func put(t *testing.T, cache, name string, data []byte) {
	t.Helper()
	path := repository{cache, testID}.blob(hashOf(name, []byte(model()[name]))) + incompleteEnd
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsLeftFromBefore(t *testing.T) {
	right := []byte(model()["model.safetensors"])
	whole := func(w http.ResponseWriter, r *http.Request) bool { _, _ = w.Write(right); return true } // 200 to a range
	noRange := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}
		return false
	}
	more := func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = w.Write(right)
		w.(http.Flusher).Flush()
		_, _ = w.Write(right)
		return true
	}
	for name, c := range map[string]struct {
		left    []byte
		answer  func(http.ResponseWriter, *http.Request) bool
		fetched int64
	}{
		"right":                     {right[:2_000_000], nil, int64(len(right)) - 2_000_000},
		"200 to a range":            {right[:2_000_000], whole, -1},
		"416, then 200":             {right[:2_000_000], noRange, -1},
		"more than there is":        {right[:2_000_000], more, -1},
		"whole":                     {right, nil, 0},
		"wrong":                     {[]byte(strings.Repeat("x", 1000)), nil, -1},
		"larger than the file":      {append(append([]byte{}, right...), 'x'), nil, -1},
		"wrong, of the same length": {[]byte(strings.Repeat("x", len(right))), nil, -1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, model())
			h.storeMisbehaves = c.answer
			cache := t.TempDir()
			put(t, cache, "model.safetensors", c.left)
			client, _ := h.client(cache)
			r := mustPull(t, client, testRef)
			if readText(t, r.Path, "model.safetensors") != string(right) {
				t.Error("another file")
			}
			small := r.Bytes - int64(len(right))
			if c.fetched >= 0 && r.Fetched != c.fetched+small {
				t.Errorf("fetched %d of %d", r.Fetched, r.Bytes)
			}
			h.sound(cache)
		})
	}
}

// A hub that knows no ranges and cuts every answer: what came by then is never less
// than before.
func TestHubWithoutRangesLosesNothing(t *testing.T) {
	right := []byte(model()["model.safetensors"])
	h := newHub(t, model())
	var answers atomic.Int64
	h.storeMisbehaves = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(right)))
		// Ever more, and now and then less than there was.
		n := int(answers.Add(1)) * 1_200_000
		if answers.Load()%2 == 0 {
			n = 1000
		}
		_, _ = w.Write(right[:min(n, len(right))])
		return true
	}
	cache := t.TempDir()
	c, _ := h.client(cache)
	var had int64
	r, err := c.Pull(context.Background(), testRef, func(p Progress) {
		if p.File == "model.safetensors" {
			if p.Done < had {
				t.Errorf("%d bytes after %d", p.Done, had)
			}
			had = p.Done
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if readText(t, r.Path, "model.safetensors") != string(right) || answers.Load() < 3 {
		t.Errorf("another file, after %d answers", answers.Load())
	}
	h.sound(cache)
}

func TestTwoPullsAtOnceFetchOnce(t *testing.T) {
	h := newHub(t, model())
	cache := t.TempDir()
	var wait sync.WaitGroup
	for range 2 {
		c, _ := h.client(cache)
		c.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
		wait.Go(func() {
			if _, err := c.Pull(context.Background(), testRef, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := h.count("GET /model.safetensors"); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	h.sound(cache)
}

func TestInterruptedPullKeepsWhatCame(t *testing.T) {
	h := newHub(t, model())
	var once atomic.Bool
	h.storeMisbehaves = func(w http.ResponseWriter, r *http.Request) bool {
		if once.Swap(true) {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(h.files["model.safetensors"])))
		_, _ = w.Write(h.files["model.safetensors"][:1_000_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	cache := t.TempDir()
	c, _ := h.client(cache)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := c.Pull(ctx, testRef, func(p Progress) {
		if p.File == "model.safetensors" && p.Done > 1_000_000 { // the small files count too
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	list, err := List(cache)
	if err != nil || len(list) != 1 || list[0].Partial < 900_000 || strings.Join(list[0].Missing, " ") != "model.safetensors" {
		t.Fatalf("%+v, %v", list, err)
	}
	from := int(list[0].Partial)
	mustPull(t, c, testRef)
	h.goesOn(from)
	h.sound(cache)
}

func TestFullDiskIsToldBefore(t *testing.T) {
	h := newHub(t, model())
	c, _ := h.client(t.TempDir())
	c.free = func(string) (int64, error) { return spare + 3_000_000, nil }
	if err := pullErr(t, c, testRef); !errors.Is(err, ErrSpace) || h.count("GET /"+testID) != 0 {
		t.Error(err)
	}
	put(t, c.settings.Cache, "model.safetensors", h.files["model.safetensors"][:1_000_000])
	mustPull(t, c, testRef) // what is there needs no more room
}

func TestWithoutLinks(t *testing.T) {
	refused := func(string, string) error { return errors.ErrUnsupported }
	for _, linkToo := range []bool{false, true} {
		h := newHub(t, model())
		cache := t.TempDir()
		c, _ := h.client(cache)
		c.symlink = refused
		if linkToo {
			c.link = refused
		}
		r := mustPull(t, c, testRef)
		info, err := os.Lstat(filepath.Join(r.Path, "model.safetensors"))
		if err != nil || !info.Mode().IsRegular() || readText(t, r.Path, "model.safetensors") != string(h.files["model.safetensors"]) {
			t.Errorf("%v, %v", info, err)
		}
		if again := mustPull(t, c, testRef); again.Fetched != 0 {
			t.Errorf("fetched %d again", again.Fetched)
		}
		// A copy that was changed is found out and replaced.
		if err := os.Remove(filepath.Join(r.Path, "config.json")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(r.Path, "config.json"), []byte(`{"model_type": "evil!"}`), 0o644); err != nil {
			t.Fatal(err)
		}
		mustPull(t, c, testRef)
		if got := readText(t, r.Path, "config.json"); got != string(h.files["config.json"]) {
			t.Errorf("config.json is %s", got)
		}
	}
}

func TestOffline(t *testing.T) {
	h := newHub(t, model())
	cache := t.TempDir()
	c, _ := h.client(cache)
	c.settings.Offline = true
	if err := pullErr(t, c, testRef); !errors.Is(err, ErrOffline) || len(h.requests) != 0 {
		t.Errorf("%v, %v", err, h.requests)
	}
	c.settings.Offline = false
	r := mustPull(t, c, testRef)
	c.settings.Offline = true
	h.requests = nil
	if off := mustPull(t, c, testRef); off.Path != r.Path || len(h.requests) != 0 {
		t.Errorf("%+v, %v", off, h.requests)
	}
	// Nobody listens: the error says so, and what is cached stays usable.
	h.front.Close()
	c.settings.Offline = false
	if err := pullErr(t, c, testRef); !errors.Is(err, ErrUnreachable) || Hint(err) == "" {
		t.Error(err)
	}
	if path, err := Locate(cache, testRef); err != nil || path != r.Path {
		t.Error(path, err)
	}
}
