package hub

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestRefusalsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   error
		hint   string
		tries  int
	}{
		{401, "", ErrDenied, "may not read it", 1},
		{403, "GatedRepo", ErrDenied, "accept its terms", 1},
		{404, "RepoNotFound", ErrNotFound, "spelling", 1},
		{429, "", ErrBusy, "wait a while", maxTries},
		{500, "", ErrAnswer, "later", maxTries},
		{400, "", ErrAnswer, "", 1},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			h := newHub(t, model())
			h.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("X-Error-Code", c.code)
				w.WriteHeader(c.status)
				return true
			}
			cache := t.TempDir()
			client, _ := h.client(cache)
			err := pullErr(t, client, testRef)
			if !errors.Is(err, c.want) || !strings.Contains(Hint(err), c.hint) || len(h.requests) != c.tries {
				t.Errorf("%v; hint %q; %d requests", err, Hint(err), len(h.requests))
			}
			if strings.Contains(err.Error()+Hint(err), testToken) {
				t.Error("the token is shown")
			}
			client.settings.Token = ""
			if err := pullErr(t, client, testRef); c.want == ErrDenied && !strings.Contains(Hint(err), "HF_TOKEN") {
				t.Errorf("hint %q", Hint(err))
			}
		})
	}
}

func TestWaitsAsLongAsTheHubAsks(t *testing.T) {
	for _, c := range []struct {
		after string
		want  time.Duration
		fails bool
	}{
		{"7", 7 * time.Second, false},
		{"Thu, 01 Jan 2026 00:00:40 GMT", 40 * time.Second, false},
		{"", time.Second, false},
		{"nonsense", time.Second, false},
		{"86400", 0, true},
	} {
		h := newHub(t, model())
		var once atomic.Bool
		h.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
			if once.Swap(true) {
				return false
			}
			w.Header().Set("Retry-After", c.after)
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		client, clock := h.client(t.TempDir())
		client.now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
		err := pullErr(t, client, testRef)
		if (err != nil) != c.fails {
			t.Fatal(err)
		}
		if !c.fails && (len(clock.slept) != 1 || clock.slept[0] != c.want) {
			t.Errorf("%q: pauses %v", c.after, clock.slept)
		}
		if c.fails && !strings.Contains(Hint(err), "24h") {
			t.Errorf("hint %q", Hint(err))
		}
	}
}

func TestPausesGrowAndEnd(t *testing.T) {
	h := newHub(t, model())
	h.storeMisbehaves = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	c, clock := h.client(t.TempDir())
	if err := pullErr(t, c, testRef); !errors.Is(err, ErrAnswer) {
		t.Error(err)
	}
	if got := fmt.Sprint(clock.slept); got != "[1s 2s 4s 8s 16s]" {
		t.Errorf("pauses %s", got)
	}
}

func TestRedirectsThatAreRefused(t *testing.T) {
	for name, to := range map[string]string{
		"another scheme": "file:///etc/passwd", "a user": "http://user:pass@127.0.0.1:1/", "a loop": "/" + testID + "/resolve/" + commit + "/model.safetensors",
	} {
		h := newHub(t, model())
		h.misbehave = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "model.safetensors") {
				return false
			}
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return true
		}
		cache := t.TempDir()
		c, _ := h.client(cache)
		if err := pullErr(t, c, testRef); !errors.Is(err, ErrUnsafe) && !errors.Is(err, ErrAnswer) || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: %v", name, err)
		}
		h.sound(cache)
	}
}

func TestNoWayFromHTTPSToHTTP(t *testing.T) {
	c := &Client{}
	at, err := parseEndpoint("https://hub.test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.follow(at, "http://hub.test/x"); !errors.Is(err, ErrUnsafe) {
		t.Error(err)
	}
	for _, other := range []string{"https://sub.hub.test/x", "https://hub.test:444/x", "https://hub.test.evil/x"} {
		if next, err := c.follow(at, other); err != nil || sameOrigin(at, next) {
			t.Errorf("%s: %v", other, err)
		}
	}
	if next, _ := c.follow(at, "https://HUB.test:443/x"); !sameOrigin(at, next) {
		t.Error("the hub itself is another")
	}
}

// Back at the hub by a redirect of another host, the token stays at home.
func TestTokenDoesNotComeBack(t *testing.T) {
	h := newHub(t, model())
	h.storeMisbehaves = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, h.front.URL+"/attack", http.StatusFound)
		return true
	}
	c, _ := h.client(t.TempDir())
	if err := pullErr(t, c, testRef); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if len(h.unknown) != 1 || h.unknown[0] != "GET /attack" {
		t.Errorf("requests without the token: %v", h.unknown)
	}
}

func TestListsWithUnsafeNames(t *testing.T) {
	files := model()
	for _, bad := range []string{"../x.safetensors", "/etc/tokenizer.json", `sub\x.gguf`, "nul\x00.gguf", "a/../../config.json", "C:x.gguf", "sub//x.gguf"} {
		files[bad] = "evil"
	}
	h := newHub(t, files)
	cache := filepath.Join(t.TempDir(), "cache")
	c, _ := h.client(cache)
	r := mustPull(t, c, testRef)
	if r.Ignored != 7 || len(r.Files) != 4 {
		t.Errorf("%+v", r)
	}
	if entries, _ := os.ReadDir(filepath.Dir(cache)); len(entries) != 1 {
		t.Errorf("beside the cache: %v", entries)
	}
	if err := pullErr(t, c, Ref{ID: testID, File: "../x.gguf"}); !errors.Is(err, ErrID) {
		t.Error(err)
	}
}
