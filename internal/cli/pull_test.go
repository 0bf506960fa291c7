package cli

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hone/internal/hub"
)

const (
	toyCommit = "00000000000000000000000000000000000000aa"
	hubToken  = "Bearer hf_secret"
)

// loopbackHub serves the toy model as org/toy to whoever has the token. stall, if
// not nil, is told of the request for the weights, which then stops in the middle.
func loopbackHub(stall chan<- struct{}) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, code string) {
			w.Header().Set("X-Error-Code", code)
			w.WriteHeader(status)
		}
		dir := filepath.Join(toy, "tied")
		switch name, file := strings.CutPrefix(r.URL.Path, "/org/toy/resolve/"+toyCommit+"/"); {
		case r.Header.Get("Authorization") != hubToken:
			refuse(http.StatusUnauthorized, "")
		case strings.HasPrefix(r.URL.Path, "/api/models/org/gated/"):
			refuse(http.StatusForbidden, "GatedRepo")
		case r.URL.Path == "/api/models/org/toy/revision/main":
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"config.json"},{"rfilename":"generation_config.json"},{"rfilename":"tokenizer.json"},{"rfilename":"model.safetensors"},{"rfilename":"pytorch_model.bin"}]}`, toyCommit)
		case !file:
			refuse(http.StatusNotFound, "RepoNotFound")
		default:
			data, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
			if err != nil {
				refuse(http.StatusNotFound, "EntryNotFound")
				return
			}
			etag := fmt.Sprintf("%x", sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...)))
			if name == "model.safetensors" {
				etag = fmt.Sprintf("%x", sha256.Sum256(data))
			}
			w.Header().Set("ETag", strconv.Quote(etag))
			if name == "model.safetensors" && r.Method == http.MethodGet && r.Header.Get("Range") == "" && stall != nil {
				w.Header().Set("Content-Length", strconv.Itoa(len(data)))
				_, _ = w.Write(data[:len(data)/2])
				w.(http.Flusher).Flush()
				stall <- struct{}{}
				<-r.Context().Done()
				return
			}
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
		}
	}))
}

// TestInterruptedPullGoesOn interrupts a pull in the middle of the weights: the
// exit code says so, what came stays, and the same command fetches the rest only.
func TestInterruptedPullGoesOn(t *testing.T) {
	stall := make(chan struct{}, 1)
	server := loopbackHub(stall)
	defer server.Close()
	dir := t.TempDir()
	env := append(os.Environ(), "HF_HUB_CACHE="+dir, "HF_ENDPOINT="+server.URL, "HF_TOKEN=hf_secret", "HF_HUB_OFFLINE=", "TRANSFORMERS_OFFLINE=")
	p := prepare(t, dir, "pull", "org/toy")
	p.Env = env
	p.start()
	<-stall
	partial := func() int64 {
		list, err := hub.List(dir)
		if err != nil || len(list) != 1 {
			return 0
		}
		return list[0].Partial
	}
	info, err := os.Stat(filepath.Join(toy, "tied", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	half := info.Size() / 2
	if !eventually(func() bool { return partial() == half }) {
		t.Fatalf("%d bytes came, %s", partial(), p.stderr.String())
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := p.code(); got != 143 || !strings.Contains(p.stderr.String(), "what came is kept: hone pull org/toy goes on with it") {
		t.Errorf("exit code %d: %s", got, p.stderr.String())
	}
	if partial() != half {
		t.Errorf("%d bytes are left of %d", partial(), half)
	}
	p = prepare(t, dir, "pull", "org/toy", "--json")
	p.Env = env
	if got := p.start().code(); got != ExitDone {
		t.Fatalf("exit code %d: %s", got, p.stderr.String())
	}
	if want := fmt.Sprintf(`"fetched":%d,"missing":[]}`, info.Size()-half); !strings.Contains(p.stdout.String(), want) {
		t.Errorf("%s, want %s", p.stdout.String(), want)
	}
}

func TestRate(t *testing.T) {
	var r rate
	now := time.Unix(0, 0)
	r.add(now, 5_000_000) // was there
	for range 40 {
		now = now.Add(500 * time.Millisecond)
		r.add(now, r.bytes+1_000_000)
	}
	text, left := r.text(hub.Progress{File: "x\x1b", Done: 45_000_000, Total: 65_000_000})
	if want := `x\x1b  45 MB of 65 MB  2 MB/s`; text != want || left.Round(time.Second) != 10*time.Second {
		t.Errorf("%q, %s left", text, left)
	}
	r.add(now.Add(time.Second), 0) // begun anew
	if text, left := r.text(hub.Progress{File: "x", Done: 0, Total: 65_000_000}); strings.Contains(text, "/s") || left != 0 {
		t.Errorf("%q, %s left", text, left)
	}
}
