package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hone/internal/hub"
)

func (a *app) pullCommand() *cobra.Command {
	var (
		file string
		list bool
	)
	cmd := &cobra.Command{
		Use:   "pull ORG/NAME[@REVISION][:FILE.gguf]",
		Short: "Fetch a model from a hub, or list those that were fetched",
		Long: "Fetch a model from a Hugging Face hub into the cache that Python's libraries use too, or what is missing of it. " +
			"After that --model ORG/NAME works without a network. Fetched are configuration, tokenizer and safetensors, or the one GGUF file that is named; " +
			"each is checked against the hub's size and hash. What came before an interruption is gone on with.\n\n" +
			"HF_HOME or HF_HUB_CACHE says where the cache is, HF_TOKEN is sent to the hub (HF_ENDPOINT) and to nobody else, HF_HUB_OFFLINE=1 keeps off the network.",
		Example: "hone pull HuggingFaceTB/SmolLM-360M\nhone pull HuggingFaceTB/SmolLM-360M@main\nhone pull org/name-GGUF:name.Q8_0.gguf\nhone pull --list",
	}
	cmd.RunE = a.command(cobra.ArbitraryArgs, func(ctx context.Context, args []string) error {
		if list {
			if err := noArgs(cmd, args); err != nil {
				return err
			}
			return a.listModels()
		}
		if err := oneArg("a model such as org/name")(cmd, args); err != nil {
			return err
		}
		ref, err := hub.ParseRef(args[0])
		if err == nil && file != "" {
			if ref.File != "" {
				return usagef("--file %s: %s names a file already", file, args[0])
			}
			ref.File = file
			ref, err = hub.ParseRef(ref.String())
		}
		if err != nil {
			return err
		}
		return a.pull(ctx, ref)
	})
	cmd.Flags().StringVar(&file, "file", "", "the GGUF file to fetch, as :FILE.gguf behind the name")
	cmd.Flags().BoolVar(&list, "list", false, "list the models in the cache")
	return cmd
}

func (a *app) pull(ctx context.Context, ref hub.Ref) error {
	settings, err := hub.Environment()
	if err != nil {
		return err
	}
	client, err := hub.NewClient(settings, "hone/"+first(a.version, "unknown"))
	if err != nil {
		return err
	}
	defer client.Close()
	var speed rate
	var waiting string
	result, err := client.Pull(ctx, ref, func(p hub.Progress) {
		if p.Waiting && waiting != p.File {
			a.note("%s: another process is fetching it", p.File)
			waiting = p.File
		}
		speed.add(time.Now(), p.Done)
		text, left := speed.text(p)
		// In kilobytes: a count of bytes may not fit int everywhere.
		a.progress.show(text, int(p.Done/1000), max(1, int(p.Total/1000)), left)
	})
	a.progress.clear()
	if errors.Is(err, context.Canceled) {
		a.note("what came is kept: hone pull %s goes on with it", ref)
	}
	if err != nil {
		return err
	}
	if result.Ignored > 0 {
		a.note("%d file names of the repository are not safe as paths: these files were left alone", result.Ignored)
	}
	if len(result.Missing) > 0 {
		a.note("the repository has no %s", strings.Join(result.Missing, ", "))
	}
	return a.pulled(ref, result)
}

// pulled writes what there is now.
func (a *app) pulled(ref hub.Ref, r hub.Result) error {
	if a.json {
		for _, f := range r.Files {
			if err := a.out.line(struct {
				Type string `json:"type"`
				hub.File
			}{"file", f}); err != nil {
				return err
			}
		}
		return a.out.line(struct {
			Type    string   `json:"type"`
			Model   string   `json:"model"`
			Commit  string   `json:"commit"`
			Path    string   `json:"path"`
			Bytes   int64    `json:"bytes"`
			Fetched int64    `json:"fetched"`
			Missing []string `json:"missing"`
		}{"done", ref.String(), r.Commit, r.Path, r.Bytes, r.Fetched, append([]string{}, r.Missing...)})
	}
	t := a.table()
	for _, f := range r.Files {
		state := "was there"
		if f.Fetched {
			state = "fetched"
		}
		t.row(f.Name, size(f.Size), state)
	}
	t.flush()
	a.out.printf("%s is in %s\n", ref, r.Path)
	a.note("use it with --model %s", ref)
	return nil
}

// listModels writes what the cache holds.
func (a *app) listModels() error {
	cache, err := hub.CacheDir()
	if err != nil {
		return err
	}
	list, err := hub.List(cache)
	if err != nil {
		return err
	}
	if a.json {
		for _, s := range list {
			if err := a.out.line(struct {
				hub.Snapshot
				Usable bool `json:"usable"`
			}{s, s.Usable()}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		a.note("no models in %s", cache)
		return nil
	}
	t := a.table()
	t.row("model", "revision", "commit", "size", "state")
	for _, s := range list {
		t.row(s.ID, first(strings.Join(s.Revisions, ", "), "-"), first(s.Commit[:min(8, len(s.Commit))], "-"), size(s.Bytes), stateOf(s))
	}
	t.flush()
	return nil
}

// stateOf says what a snapshot can be used for, or what it lacks.
func stateOf(s hub.Snapshot) string {
	switch {
	case len(s.Missing) == 0:
		return "usable"
	case len(s.GGUF) > 0:
		return "usable: " + strings.Join(s.GGUF, ", ")
	}
	state := "lacks " + strings.Join(s.Missing, ", ")
	if s.Partial > 0 {
		state += fmt.Sprintf("; %s of unfinished files", size(s.Partial))
	}
	return state
}

// rate is how fast bytes come, over the last seconds.
type rate struct {
	begin, last time.Time
	bytes       int64 // at last
	perSecond   float64
}

// rateMemory is how many seconds the rate looks back.
const rateMemory = 10

// add takes a count of all bytes. What is there at once was there before and is no
// speed; neither is a count that goes back because a file begins anew.
func (r *rate) add(now time.Time, bytes int64) {
	if r.last.IsZero() || bytes < r.bytes {
		*r = rate{begin: now, last: now, bytes: bytes}
		return
	}
	dt := now.Sub(r.last).Seconds()
	if dt < 0.25 {
		return
	}
	// An average over the time so far at first, then a decaying one.
	weight := dt / min(rateMemory, now.Sub(r.begin).Seconds())
	r.perSecond += min(1, weight) * (float64(bytes-r.bytes)/dt - r.perSecond)
	r.last, r.bytes = now, bytes
}

// text is the progress line, with the time that is left.
func (r *rate) text(p hub.Progress) (string, time.Duration) {
	text := fmt.Sprintf("%s  %s of %s", oneLine(p.File), size(p.Done), size(p.Total))
	if r.perSecond < 1 {
		return text, 0
	}
	return fmt.Sprintf("%s  %s/s", text, size(int64(r.perSecond))), seconds(float64(p.Total-p.Done) / r.perSecond)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
