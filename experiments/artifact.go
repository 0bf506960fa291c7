package experiments

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hone/engine/llama"
	"hone/engine/weights"
	"hone/runs"
)

// ErrArtifact says that a run's model cannot be exported in a format. The message names
// what stands in the way.
var ErrArtifact = errors.New("cannot be exported")

// ErrArtifactDiffers says that what was written is read back as another model. It was
// removed.
var ErrArtifactDiffers = errors.New("what was written is not the model")

// ArtifactOptions say what is exported and where to.
type ArtifactOptions struct {
	Format    string // one of ArtifactFormats
	Path      string // "" = export/FORMAT in the run's directory
	Overwrite bool   // replace what an earlier export wrote there
	Rows      int    // of the probe; 0 = 4
	// Progress, if set, hears what is being done.
	Progress func(doing string)
}

// Artifact is what an export wrote.
type Artifact struct {
	Format string         `json:"format"`
	Path   string         `json:"path"`
	Files  []ArtifactFile `json:"files"`
	Probe  *LogitCheck    `json:"probe,omitempty"`  // of formats that are a model
	Checks []string       `json:"checks,omitempty"` // what else was compared, in words
	Notes  []string       `json:"notes,omitempty"`  // what its user has to know
}

// ArtifactFile is one file of an artifact.
type ArtifactFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// ArtifactFormat describes a format.
type ArtifactFormat struct {
	Name string
	Doc  string
}

// artifactKind is how a format is written and read back.
type artifactKind struct {
	ArtifactFormat
	file string // name at the default path
	// refuse says what of a run the format cannot hold; it is asked before weights are
	// read.
	refuse []func(*artifactSource) error
	// records says that it is made of the run's records alone: it needs no model.
	records bool
	write   func(ctx context.Context, s *artifactSource, path string) error
	model   *artifactModel // nil: no model
	verify  func(ctx context.Context, s *artifactSource, path string) error
}

// artifactModel is how a written model is opened again, and how far its logits may be
// from the run's.
type artifactModel struct {
	tolerance float64                                                     // share of the range of the run's logits
	model     func(path string) string                                    // nil: the run's base model
	adapter   func(path string, c weights.Config) (*llama.Adapter, error) // nil: none
}

// ArtifactFormats lists the formats in the order in which they are shown.
func ArtifactFormats() []ArtifactFormat {
	var list []ArtifactFormat
	for _, k := range artifactKinds() {
		list = append(list, k.ArtifactFormat)
	}
	return list
}

func artifactKindOf(name string) (artifactKind, error) {
	var names []string
	for _, k := range artifactKinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return artifactKind{}, fmt.Errorf("%w to %q: the formats are %s", ErrArtifact, name, strings.Join(names, ", "))
}

// exportDir is where a run's exports go, in its directory.
const exportDir = "export"

// ArtifactPath is where an export goes that is not told otherwise.
func ArtifactPath(side Side, format string) (string, error) {
	kind, err := artifactKindOf(format)
	if err != nil {
		return "", err
	}
	return artifactPath(side, kind), nil
}

func artifactPath(side Side, kind artifactKind) string {
	return filepath.Join(side.RunDir, exportDir, kind.file)
}

// artifactSource is the model that is exported, opened for reading piece by piece.
type artifactSource struct {
	side    Side
	config  Config
	work    *Workspace
	base    *weights.Model   // of method Full the trained model
	adapter *weights.Adapter // nil with method Full, and of a base model
	art     *Artifact
}

// openArtifactSource opens the model of a side.
func openArtifactSource(ctx context.Context, side Side) (*artifactSource, error) {
	c, err := LoadRun(side.RunDir)
	if err != nil {
		return nil, err
	}
	w, err := OpenWorkspace(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := w.ready(); err != nil {
		return nil, err
	}
	s := &artifactSource{side: side, config: c, work: w}
	path := c.Model.Path
	switch {
	case side.Model == base:
		if c.Model.Init == InitRandom {
			return nil, fmt.Errorf("%s: %w", side.RunDir, ErrNoBase)
		}
	case side.dir() == "":
		return nil, fmt.Errorf("%s: %w", side.RunDir, errNothingTrained)
	case c.Method == Full:
		path = side.dir()
	default:
		if s.adapter, err = weights.ReadAdapter(side.dir()); err != nil {
			return nil, err
		}
	}
	if s.base, err = OpenModel(path); err != nil {
		return nil, err
	}
	if s.adapter != nil {
		if err := s.adapter.CheckModel(s.base.Config); err != nil {
			return nil, errors.Join(fmt.Errorf("adapter %s: %w", side.dir(), err), s.base.Close())
		}
	}
	return s, nil
}

// modelConfig is the configuration that an exported model says: the tokens that ended
// completions end its texts.
func (s *artifactSource) modelConfig() weights.Config {
	c := s.base.Config
	c.EOS = s.work.EOS
	return c
}

// ExportArtifact writes the model of a side, or what belongs to its run, in a format of
// other tools. It appears at its path only after it was read back and, where it is a
// model, its logits on a probe were those of the run within the format's tolerance; the
// error of a difference wraps [ErrArtifactDiffers], that of a format that cannot hold the
// model [ErrArtifact], and one of a path that is taken [fs.ErrExist].
func ExportArtifact(ctx context.Context, side Side, o ArtifactOptions) (*Artifact, error) {
	kind, err := artifactKindOf(o.Format)
	if err != nil {
		return nil, err
	}
	if o.Path == "" {
		o.Path = artifactPath(side, kind)
	}
	if o.Rows <= 0 {
		o.Rows = 4
	}
	say := o.Progress
	if say == nil {
		say = func(string) {}
	}
	if err := checkFree(o.Path, o.Overwrite); err != nil {
		return nil, err
	}
	say("opening the run")
	s := &artifactSource{side: side}
	if !kind.records {
		if s, err = openArtifactSource(ctx, side); err != nil {
			return nil, err
		}
		defer s.base.Close()
	}
	for _, refuse := range kind.refuse {
		if err := refuse(s); err != nil {
			return nil, fmt.Errorf("%s %w to %s: %w", side.RunDir, ErrArtifact, kind.Name, err)
		}
	}
	s.art = &Artifact{Format: kind.Name, Path: o.Path}
	var want *probe
	if kind.model != nil {
		say("computing the run's logits on the probe")
		if want, err = s.reference(ctx, o.Rows); err != nil {
			return nil, err
		}
	}
	err = stage(o.Path, o.Overwrite, func(path string) error {
		say("writing " + kind.Name)
		if err := kind.write(ctx, s, path); err != nil {
			return err
		}
		say("reading it back")
		if kind.model != nil {
			if s.art.Probe, err = s.compare(ctx, *kind.model, path, want); err != nil {
				return err
			}
		}
		if kind.verify != nil {
			if err := kind.verify(ctx, s, path); err != nil {
				return err
			}
		}
		s.art.Files, err = listFiles(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("exporting to %s: %w", o.Path, err)
	}
	return s.art, nil
}

// listFiles lists a file, or those of a directory.
func listFiles(path string) ([]ArtifactFile, error) {
	var files []ArtifactFile
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		shown, err := filepath.Rel(path, name)
		if shown == "." {
			shown = filepath.Base(path)
		}
		files = append(files, ArtifactFile{filepath.ToSlash(shown), info.Size()})
		return err
	})
	return files, err
}

// makeDir makes the staged directory and writes small files into it.
func makeDir(path string, files map[string][]byte) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := runs.WriteFile(filepath.Join(path, name), text); err != nil {
			return err
		}
	}
	return nil
}
