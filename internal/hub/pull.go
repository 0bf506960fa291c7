package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Progress is how far a pull is.
type Progress struct {
	File        string // that is coming
	Done, Total int64  // bytes of all files, those of before included
	Waiting     bool   // another process is fetching this file
}

// File is a file of a pulled model.
type File struct {
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	Hash    string `json:"hash"`    // SHA-256 (64 digits), or SHA-1 of the git blob (40)
	Fetched bool   `json:"fetched"` // false: it was there
}

// Result is a model that is whole in the cache.
type Result struct {
	Ref     Ref
	Commit  string
	Path    string   // what to open: a directory, or a GGUF file
	Files   []File   // none where the network was not asked
	Bytes   int64    // of all files
	Fetched int64    // of these, brought by this pull
	Ignored int      // names of the repository that are unsafe as paths
	Missing []string // what Path lacks as a model, such as tokenizer.json
}

// Pull brings a model into the cache, or what is missing of it. What was brought
// before an error stays and is gone on with. report, on the caller's goroutine,
// may be nil. With the network switched off a model that is whole is a result.
func (c *Client) Pull(ctx context.Context, ref Ref, report func(Progress)) (Result, error) {
	if err := ref.check(); err != nil {
		return Result{}, err
	}
	if c.settings.Offline {
		return c.offline(ref)
	}
	p := &pull{Client: c, ref: ref, repository: repository{c.settings.Cache, ref.ID}, report: report}
	if report == nil {
		p.report = func(Progress) {}
	}
	if err := p.run(ctx); err != nil {
		return Result{}, fmt.Errorf("pulling %s: %w", ref.ID, err)
	}
	return p.result, nil
}

func (c *Client) offline(ref Ref) (Result, error) {
	off := withHint(fmt.Errorf("%s: %w", ref, ErrOffline), "it is not whole in the cache; unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to fetch it")
	s, err := Find(c.settings.Cache, ref)
	if err != nil {
		return Result{}, off
	}
	path, err := Locate(c.settings.Cache, ref)
	if err != nil || path == s.Dir && len(s.Missing) > 0 {
		return Result{}, off
	}
	return Result{Ref: ref, Commit: s.Commit, Path: path, Bytes: s.Bytes}, nil
}

// pull is one call of Pull.
type pull struct {
	*Client
	repository
	ref    Ref
	remote *remote
	report func(Progress)
	result Result
	done   int64 // bytes of the files before the one that is coming
	total  int64
}

func (p *pull) run(ctx context.Context) error {
	var err error
	if p.remote, err = p.describe(ctx, p.ref); err != nil {
		return err
	}
	names, err := choose(p.remote, p.ref)
	if err != nil {
		return err
	}
	p.result = Result{Ref: p.ref, Commit: p.remote.commit, Path: p.snapshot(p.remote.commit), Ignored: p.remote.unsafe}
	if slices.Contains(names, indexWeights) {
		// The index says which shards there are, so it has to come first.
		if err := p.files(ctx, names); err != nil {
			return err
		}
		if names, err = p.shards(); err != nil {
			return err
		}
	}
	if err := p.files(ctx, names); err != nil {
		return err
	}
	if revision := p.ref.revision(); !isHex(revision, commitLength) {
		// Last, so that a branch in the cache always means a commit that is whole.
		if err := writeRef(p.repository, revision, p.remote.commit); err != nil {
			return err
		}
	}
	if p.ref.File != "" {
		p.result.Path = filepath.Join(p.result.Path, filepath.FromSlash(p.ref.File))
		return nil
	}
	p.result.Missing = missing(p.result.Path)
	return nil
}

func (p *pull) shards() ([]string, error) {
	names, err := readShards(filepath.Join(p.result.Path, indexWeights))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, ok := p.remote.files[name]; !ok {
			return nil, fmt.Errorf("%w: its index names %s, which it does not have", ErrUnsupported, name)
		}
	}
	return names, nil
}

// files brings files into the snapshot.
func (p *pull) files(ctx context.Context, names []string) error {
	var wanted []remoteFile
	var need int64
	for _, name := range names {
		f, err := p.head(ctx, p.ref, p.remote.commit, p.remote.files[name])
		if err != nil {
			return err
		}
		wanted = append(wanted, f)
		if f.size > 1<<50 || p.total+f.size > 1<<50 {
			return fmt.Errorf("%s: %w: %d bytes", f.name, ErrAnswer, f.size)
		}
		p.total += f.size
		need += f.size - p.have(f)
	}
	if err := p.room(need); err != nil {
		return err
	}
	for _, f := range wanted {
		if err := p.one(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// have counts the bytes of a file that are on the disk, as far as their number is
// possible.
func (p *pull) have(f remoteFile) int64 {
	path := filepath.Join(p.result.Path, filepath.FromSlash(f.name))
	if hasSize(path, f.size) || hasSize(p.blob(f.hash), f.size) {
		return f.size
	}
	if info, err := os.Stat(p.blob(f.hash) + incompleteEnd); err == nil && info.Size() <= f.size {
		return info.Size()
	}
	return 0
}

// spare is what stays free on the disk.
const spare = 64 << 20

// room refuses what does not fit on the disk.
func (p *pull) room(need int64) error {
	if err := os.MkdirAll(p.dir(), 0o755); err != nil {
		return err
	}
	free, err := p.free(p.dir())
	if need > 0 && err == nil && free < need+spare { // unknown: it is tried
		return withHint(fmt.Errorf("%w: %d MB are to come and %d MB are free in %s", ErrSpace, need/1e6, free/1e6, p.cache),
			"make room, or set HF_HOME to a directory on another disk")
	}
	return nil
}

// one brings one file.
func (p *pull) one(ctx context.Context, f remoteFile) error {
	got := File{Name: f.name, Size: f.size, Hash: f.hash}
	tell := func(n int64) { p.report(Progress{File: f.name, Done: p.done + n, Total: p.total}) }
	if present(ctx, p.repository, p.remote.commit, f) {
		tell(f.size)
	} else {
		before := p.have(f)
		fetched, err := p.fetch(ctx, p.repository, p.ref, p.remote.commit, f, tell, func() {
			p.report(Progress{File: f.name, Done: p.done, Total: p.total, Waiting: true})
		})
		if err != nil {
			return err
		}
		if got.Fetched = fetched; fetched {
			p.result.Fetched += f.size - before
		}
		if err := p.place(ctx, p.repository, p.remote.commit, f); err != nil {
			return err
		}
	}
	p.done += f.size
	p.result.Bytes += f.size
	p.result.Files = append(p.result.Files, got)
	return nil
}
