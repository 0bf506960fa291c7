package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// remote is a commit of a repository on the hub.
type remote struct {
	commit string
	files  map[string]remoteFile
	unsafe int // names that are not taken at all
}

// remoteFile is a file of it. Of a list without details, hash is "" and size -1.
type remoteFile struct {
	name string
	size int64
	hash string // SHA-256 (64 digits) of the content, or its SHA-1 as a git blob (40)
}

const maxFiles = 100_000

// describe asks which commit a revision is and which files it has.
func (c *Client) describe(ctx context.Context, ref Ref) (*remote, error) {
	address := c.settings.Endpoint + "/api/models/" + ref.ID + "/revision/" + url.PathEscape(ref.revision()) + "?blobs=true"
	var found *remote
	err := c.try(ctx, never, func() error {
		a, err := c.send(ctx, request{method: http.MethodGet, url: address})
		if err != nil {
			return networkError(ctx, err)
		}
		defer a.close()
		if a.StatusCode != http.StatusOK {
			return c.status(a, ref, ref.String())
		}
		text, err := io.ReadAll(io.LimitReader(a.body, maxAnswer+1))
		if err != nil {
			return networkError(ctx, err)
		}
		found, err = parseRemote(text)
		return err
	})
	return found, err
}

// parseRemote reads the hub's description of a repository.
func parseRemote(text []byte) (*remote, error) {
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("%w: the list of files is larger than %d bytes", ErrAnswer, maxAnswer)
	}
	var in struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
			Size *int64 `json:"size"`
			Blob string `json:"blobId"`
			LFS  *struct {
				SHA256 string `json:"sha256"`
				Size   *int64 `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, withHint(fmt.Errorf("%w: no description of a model", ErrAnswer), "is there a proxy or a login page in between, or does HF_ENDPOINT name something else?")
	}
	if !isHex(in.SHA, commitLength) {
		return nil, fmt.Errorf("%w: %q is no commit", ErrAnswer, clip(in.SHA))
	}
	if len(in.Siblings) > maxFiles {
		return nil, fmt.Errorf("%w: %d files are more than %d", ErrAnswer, len(in.Siblings), maxFiles)
	}
	r := &remote{commit: in.SHA, files: map[string]remoteFile{}}
	for _, s := range in.Siblings {
		if checkFile(s.Name) != nil {
			r.unsafe++
			continue
		}
		f := remoteFile{name: s.Name, size: -1}
		if s.LFS != nil {
			if isHex(s.LFS.SHA256, sha256Length) {
				f.hash = s.LFS.SHA256
			}
			if s.LFS.Size != nil {
				f.size = *s.LFS.Size
			}
		} else if isHex(s.Blob, gitBlobLength) {
			f.hash = s.Blob
		}
		if f.size < 0 && s.Size != nil {
			f.size = *s.Size
		}
		if f.size < 0 {
			f.size = -1
		}
		r.files[s.Name] = f
	}
	return r, nil
}

// address is where a file of a commit is.
func (c *Client) address(id, commit, name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return c.settings.Endpoint + "/" + id + "/resolve/" + commit + "/" + strings.Join(parts, "/")
}

// head asks for size and hash of a file, which have to be those of the list.
func (c *Client) head(ctx context.Context, ref Ref, commit string, listed remoteFile) (remoteFile, error) {
	var f remoteFile
	err := c.try(ctx, never, func() error {
		a, err := c.send(ctx, request{method: http.MethodHead, url: c.address(ref.ID, commit, listed.name), stay: true})
		if err != nil {
			return networkError(ctx, err)
		}
		defer a.close()
		if a.StatusCode >= 400 {
			return c.status(a, ref, ref.ID+": "+listed.name)
		}
		f, err = stated(a, commit, listed)
		return err
	})
	return f, err
}

// stated reads what headers and the list say of a file.
func stated(a *answer, commit string, listed remoteFile) (remoteFile, error) {
	f := remoteFile{name: listed.name, size: -1}
	if got := a.Header.Get("X-Repo-Commit"); got != "" && got != commit {
		return f, fmt.Errorf("%s: %w: it is of commit %q, not %s", f.name, ErrAnswer, clip(got), commit)
	}
	// The answer that leads to another host is not the file: only what is linked counts.
	direct := a.StatusCode == http.StatusOK
	f.hash = etag(a.Header.Get("X-Linked-Etag"))
	if f.hash == "" && direct {
		f.hash = etag(a.Header.Get("ETag"))
	}
	if text := a.Header.Get("X-Linked-Size"); text != "" {
		n, err := parseSize(text)
		if err != nil {
			return f, fmt.Errorf("%s: %w", f.name, err)
		}
		f.size = n
	} else if direct {
		f.size = a.ContentLength
	}
	if f.hash == "" {
		f.hash = listed.hash
	}
	if f.size < 0 {
		f.size = listed.size
	}
	switch {
	case f.hash == "":
		return f, fmt.Errorf("%s: %w: it states no checksum, so what comes could not be verified", f.name, ErrAnswer)
	case f.size < 0:
		return f, fmt.Errorf("%s: %w: it states no size, so what comes could not be verified", f.name, ErrAnswer)
	case listed.size >= 0 && listed.size != f.size, listed.hash != "" && len(listed.hash) == len(f.hash) && listed.hash != f.hash:
		return f, fmt.Errorf("%s: %w: its headers contradict the list of files", f.name, ErrAnswer)
	}
	return f, nil
}

// etag returns the hash that an entity tag is, "" if it is none.
func etag(text string) string {
	text = strings.Trim(strings.TrimPrefix(strings.TrimSpace(text), "W/"), `"`)
	if isHex(text, sha256Length) || isHex(text, gitBlobLength) {
		return text
	}
	return ""
}
