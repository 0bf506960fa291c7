package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"hone/engine/kernel"
)

// versionText is the release, or what the build knows about its source.
func (a *app) versionText() string {
	if a.version != "" {
		return a.version
	}
	text := "0.0.0-source"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return text
	}
	modified := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			text += "+" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ".modified"
		}
	}
	return text + modified
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version, and what it computes with here",
	}
	cmd.RunE = a.command(noArgs, func(context.Context, []string) error {
		if a.json {
			return a.out.line(struct {
				Version string   `json:"version"`
				Go      string   `json:"go"`
				OS      string   `json:"os"`
				Arch    string   `json:"arch"`
				Kernels string   `json:"kernels"` // in use
				Sets    []string `json:"kernel_sets"`
			}{a.versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel.Active(), kernel.Sets()})
		}
		a.out.printf("hone %s\n", a.versionText())
		a.out.printf("%s %s/%s, %s kernels, %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel.Active(), plural(runtime.NumCPU(), "core"))
		return nil
	})
	return cmd
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
