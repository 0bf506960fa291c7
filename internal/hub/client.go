package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Client fetches models from one hub into one cache.
type Client struct {
	settings Settings
	endpoint *url.URL
	agent    string
	http     *http.Client

	// The clock and the system; tests put others in their place.
	sleep   func(context.Context, time.Duration) error
	after   func(time.Duration, func()) (stop func() bool)
	now     func() time.Time
	jitter  func() float64 // in [0, 1)
	free    func(dir string) (int64, error)
	symlink func(target, link string) error
	link    func(from, to string) error
}

const (
	maxRedirects = 10
	maxAnswer    = 16 << 20 // bytes of a JSON answer
	// A connection over which fewer than stallBytes come in stallTime is given up.
	stallTime  = 30 * time.Second
	stallBytes = 4 << 10
)

var errStalled = errors.New("the connection stalled")

// NewClient makes a client; agent names the program to the hub.
func NewClient(s Settings, agent string) (*Client, error) {
	endpoint, err := parseEndpoint(s.Endpoint)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true, // sizes are those of the files
		ForceAttemptHTTP2:      true,
	}
	return &Client{
		settings: s, endpoint: endpoint, agent: agent,
		http: &http.Client{
			Transport: transport,
			// Redirects are followed by send, which knows where a token may go.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		sleep: sleep,
		after: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
		now:   time.Now, jitter: rand.Float64, free: freeSpace, symlink: os.Symlink, link: os.Link,
	}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// request is one question to the hub.
type request struct {
	method, url string
	from        int64 // first byte that is wanted
	stay        bool  // do not follow to another host: that answer's headers are wanted
}

// answer is an http.Response whose body gives up when it stalls.
type answer struct {
	*http.Response
	body io.Reader
	stop func()
}

func (a *answer) close() {
	_ = a.Body.Close() // it was read, or nobody wants the rest
	a.stop()
}

// send asks once, following redirects. The token goes to the hub's own origin,
// and no further once a redirect has led away from it.
func (c *Client) send(ctx context.Context, r request) (*answer, error) {
	at, err := url.Parse(r.url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	w := c.watch(ctx)
	home := true
	for range maxRedirects {
		req, err := http.NewRequestWithContext(w.ctx, r.method, at.String(), nil)
		if err != nil {
			w.stop()
			return nil, fmt.Errorf("%w: %w", ErrUnsafe, err)
		}
		req.Header.Set("User-Agent", c.agent)
		req.Header.Set("Accept-Encoding", "identity")
		if r.from > 0 {
			req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.from))
		}
		if home && c.settings.Token != "" && private(at) {
			req.Header.Set("Authorization", "Bearer "+c.settings.Token)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			err = w.failure(err)
			w.stop()
			return nil, err
		}
		got := &answer{Response: resp, body: watched{resp.Body, w}, stop: w.stop}
		location := resp.Header.Get("Location")
		if resp.StatusCode < 300 || resp.StatusCode > 399 || location == "" {
			return got, nil
		}
		next, err := c.follow(at, location)
		if err != nil {
			got.close()
			return nil, err
		}
		away := !sameOrigin(at, next)
		if away && r.stay {
			return got, nil
		}
		_ = resp.Body.Close()
		home = home && !away
		at = next
	}
	w.stop()
	return nil, fmt.Errorf("%w: more than %d redirects", ErrAnswer, maxRedirects)
}

// follow checks where a redirect leads.
func (c *Client) follow(at *url.URL, location string) (*url.URL, error) {
	next, err := at.Parse(location)
	switch {
	case err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https":
		return nil, fmt.Errorf("%w: a redirect leads to what is no http or https address", ErrUnsafe)
	case next.Scheme == "http" && at.Scheme == "https":
		return nil, fmt.Errorf("%w: a redirect leads from https to http, to %s", ErrUnsafe, clip(next.Host))
	case next.User != nil:
		return nil, fmt.Errorf("%w: a redirect has a user name in its address", ErrUnsafe)
	}
	return next, nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// watch ends a request over which too little comes in.
type watch struct {
	ctx    context.Context
	client *Client
	cancel context.CancelCauseFunc
	disarm func() bool
	came   int64 // since it was armed
}

func (c *Client) watch(ctx context.Context) *watch {
	w := &watch{client: c}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.arm()
	return w
}

func (w *watch) arm() {
	w.came = 0
	w.disarm = w.client.after(stallTime, func() { w.cancel(errStalled) })
}

func (w *watch) stop() {
	w.disarm()
	w.cancel(nil)
}

// failure is an error of the network, without the address: a signed one is a
// secret.
func (w *watch) failure(err error) error {
	if cause := context.Cause(w.ctx); cause != nil {
		return cause
	}
	var in *url.Error
	if errors.As(err, &in) {
		err = in.Err
	}
	return err
}

type watched struct {
	r io.Reader
	w *watch
}

func (s watched) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.w.came += int64(n); s.w.came >= stallBytes {
		s.w.disarm()
		s.w.arm()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.w.failure(err)
	}
	return n, err
}
