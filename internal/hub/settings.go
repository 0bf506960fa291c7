package hub

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultEndpoint is the public hub.
const DefaultEndpoint = "https://huggingface.co"

// Settings are what the environment says, by the names that Python's
// huggingface_hub uses.
type Settings struct {
	Cache      string // directory of the cache
	Endpoint   string // address of the hub, without a slash at its end
	Token      string // "" = none
	Offline    bool
	NoSymlinks bool // snapshots hold files instead of links
}

// maxToken bounds the file that a token is read from.
const maxToken = 16 << 10

// Environment reads the settings of this process's environment.
func Environment() (Settings, error) { return environment(os.Getenv, os.UserHomeDir) }

// CacheDir is the directory of the cache, as this process's environment says.
func CacheDir() (string, error) { return cacheDir(os.Getenv, os.UserHomeDir) }

func environment(get func(string) string, home func() (string, error)) (Settings, error) {
	var s Settings
	var err error
	if s.Cache, err = cacheDir(get, home); err != nil {
		return s, err
	}
	s.Offline = isTrue(get("HF_HUB_OFFLINE")) || get("HF_HUB_OFFLINE") == "" && isTrue(get("TRANSFORMERS_OFFLINE"))
	s.NoSymlinks = isTrue(get("HF_HUB_DISABLE_SYMLINKS"))
	s.Endpoint = strings.TrimRight(first(get("HF_ENDPOINT"), DefaultEndpoint), "/")
	if _, err := parseEndpoint(s.Endpoint); err != nil {
		return s, err
	}
	if !isTrue(get("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		s.Token, err = token(get, home)
	}
	return s, err
}

func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, fmt.Errorf("%w: HF_ENDPOINT is no http or https address", ErrSettings)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%w: HF_ENDPOINT may not hold a user, a query or a fragment; a token goes into HF_TOKEN", ErrSettings)
	}
	return u, nil
}

// private reports whether what is sent to u stays secret on its way.
func private(u *url.URL) bool {
	if u.Scheme == "https" || u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

func cacheDir(get func(string) string, home func() (string, error)) (string, error) {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if v := get(name); v != "" {
			return expand(v, get, home)
		}
	}
	dir, err := homeDir(get, home)
	return filepath.Join(dir, "hub"), err
}

// homeDir is HF_HOME.
func homeDir(get func(string) string, home func() (string, error)) (string, error) {
	if v := get("HF_HOME"); v != "" {
		return expand(v, get, home)
	}
	return expand(filepath.Join(first(get("XDG_CACHE_HOME"), filepath.Join("~", ".cache")), "huggingface"), get, home)
}

func token(get func(string) string, home func() (string, error)) (string, error) {
	from := "HF_TOKEN"
	text := first(get("HF_TOKEN"), get("HUGGING_FACE_HUB_TOKEN"))
	if text == "" {
		path, err := homeDir(get, home)
		path = filepath.Join(path, "token")
		if v := get("HF_TOKEN_PATH"); v != "" {
			path, err = expand(v, get, home)
		}
		if err != nil {
			return "", err
		}
		if text, err = readSmall(path, maxToken); errors.Is(err, os.ErrNotExist) {
			return "", nil
		} else if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		from = path
	}
	text = strings.TrimSpace(text)
	// It becomes a header. Its text is never shown.
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%w: %s does not hold a token", ErrSettings, from)
	}
	return text, nil
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return "", fmt.Errorf("%s is not a file of at most %d bytes", path, limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, limit))
	return string(text), err
}

// expand resolves ~ at the beginning and $NAME.
func expand(path string, get func(string) string, home func() (string, error)) (string, error) {
	path = os.Expand(path, get)
	if path == "~" || strings.HasPrefix(path, "~/") || strings.HasPrefix(path, "~"+string(filepath.Separator)) {
		dir, err := home()
		if err != nil {
			return "", fmt.Errorf("finding the cache of models: %w", err)
		}
		path = filepath.Join(dir, path[1:])
	}
	return filepath.Abs(path)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func isTrue(v string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(v))
}
