package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commit    = "0123456789abcdef0123456789abcdef01234567"
	testID    = "org/name"
	testToken = "hf_secret"
)

// fakeHub is a hub on loopback: small files come from itself, large ones (LFS)
// from another host that it redirects to.
type fakeHub struct {
	t               *testing.T
	files           map[string][]byte
	front           *httptest.Server
	store           *httptest.Server
	misbehave       func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	storeMisbehaves func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	requests []string // method, path and range
	leaked   []string // requests to the store with a credential
	unknown  []string // requests to the hub without the token
}

func newHub(t *testing.T, files map[string]string) *fakeHub {
	t.Helper()
	h := &fakeHub{t: t, files: map[string][]byte{}}
	for name, text := range files {
		h.files[name] = []byte(text)
	}
	h.front = httptest.NewServer(http.HandlerFunc(h.serve))
	h.store = httptest.NewServer(http.HandlerFunc(h.serveLarge))
	t.Cleanup(h.front.Close)
	t.Cleanup(h.store.Close)
	return h
}

// model is a repository as hubs have them, with 3 MB of weights and things that
// are not to be fetched.
func model() map[string]string {
	return map[string]string{
		"config.json": `{"model_type": "llama"}`, "tokenizer.json": `{}`, "chat_template.jinja": "{{ x }}", "README.md": "# model",
		"model.safetensors": strings.Repeat("0123456789abcde\n", 200_000), "pytorch_model.bin": "pickle", "onnx/model.onnx": "onnx", "model.Q8_0.gguf": "GGUF8", "sub/model.Q4.gguf": "GGUF4",
	}
}

func large(name string) bool {
	return strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".gguf") || strings.HasSuffix(name, ".bin")
}

func hashOf(name string, data []byte) string {
	if large(name) {
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
	return hex.EncodeToString(sum[:])
}

func (h *fakeHub) note(list *[]string, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*list = append(*list, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Range")))
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	h.note(&h.requests, r)
	if r.Header.Get("Authorization") != "Bearer "+testToken {
		h.note(&h.unknown, r)
	}
	if h.misbehave != nil && h.misbehave(w, r) {
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/models/"+testID+"/revision/"); ok {
		if rest != "main" && rest != commit && rest != "refs%2Fpr%2F1" {
			w.Header().Set("X-Error-Code", "RevisionNotFound")
			w.WriteHeader(http.StatusNotFound)
			return
		}
		h.describe(w)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/"+testID+"/resolve/"+commit+"/")
	data, there := h.files[name]
	if !ok || !there {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if large(name) {
		w.Header().Set("X-Linked-Etag", `"`+hashOf(name, data)+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
		w.Header().Set("ETag", `"of-the-redirect"`)
		http.Redirect(w, r, h.store.URL+"/"+name+"?signature=secret", http.StatusFound)
		return
	}
	w.Header().Set("ETag", `W/"`+hashOf(name, data)+`"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
}

func (h *fakeHub) describe(w http.ResponseWriter) {
	var siblings []map[string]any
	for name, data := range h.files {
		s := map[string]any{"rfilename": name, "size": len(data), "blobId": strings.Repeat("a", 40)}
		if large(name) {
			s["lfs"] = map[string]any{"sha256": hashOf(name, data), "size": len(data)}
		} else {
			s["blobId"] = hashOf(name, data)
		}
		siblings = append(siblings, s)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": siblings})
}

func (h *fakeHub) serveLarge(w http.ResponseWriter, r *http.Request) {
	h.note(&h.requests, r)
	if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
		h.note(&h.leaked, r)
	}
	if h.storeMisbehaves != nil && h.storeMisbehaves(w, r) {
		return
	}
	w.Header().Set("ETag", `"another"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(h.files[r.URL.Path[1:]])))
}

// count counts the requests that begin so.
func (h *fakeHub) count(prefix string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, r := range h.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// fakeClock does not wait. A connection stalls when the test says so.
type fakeClock struct {
	mu      sync.Mutex
	slept   []time.Duration
	stalled bool
	armed   map[int]func()
	next    int
}

func (c *fakeClock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *fakeClock) after(_ time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	if c.stalled {
		go f()
		return func() bool { return false }
	}
	c.armed[id] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.armed, id)
		return true
	}
}

// stall lets the time run out of whoever waits, until flow.
func (c *fakeClock) stall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = true
	for id, f := range c.armed {
		go f()
		delete(c.armed, id)
	}
}

func (c *fakeClock) flow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = false
}

// client is a client of a hub with a cache of its own.
func (h *fakeHub) client(cache string) (*Client, *fakeClock) {
	h.t.Helper()
	c, err := NewClient(Settings{Cache: cache, Endpoint: h.front.URL, Token: testToken}, "hone/test")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	clock := &fakeClock{armed: map[int]func(){}}
	c.sleep, c.after, c.jitter = clock.sleep, clock.after, func() float64 { return 1 }
	return c, clock
}

// sound checks what has to hold after any pull: no file has a name whose hash it
// does not have, nothing lies outside the cache's layout, no credential left the
// hub.
func (h *fakeHub) sound(cache string) {
	h.t.Helper()
	repo := repository{cache, testID}
	entries, _ := os.ReadDir(filepath.Join(repo.dir(), "blobs"))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), incompleteEnd) {
			continue
		}
		data, err := os.ReadFile(repo.blob(e.Name()))
		if err != nil {
			h.t.Error(err)
		}
		name := "x"
		if len(e.Name()) == sha256Length {
			name = "x.safetensors"
		}
		if hashOf(name, data) != e.Name() {
			h.t.Errorf("blob %s holds something else", e.Name())
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.leaked) > 0 {
		h.t.Errorf("the credential went to another host: %v", h.leaked)
	}
}

func pullErr(t *testing.T, c *Client, ref Ref) error {
	t.Helper()
	_, err := c.Pull(context.Background(), ref, nil)
	return err
}

func mustPull(t *testing.T, c *Client, ref Ref) Result {
	t.Helper()
	r, err := c.Pull(context.Background(), ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readText(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
