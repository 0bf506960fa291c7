package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"hone/experiments"
)

// TestPastedCommandIsTheExperiment gives the command that the workbench shows to a
// shell, and its words to the command line: what would be trained is the
// experiment on the screen, whatever its values hold.
func TestPastedCommandIsTheExperiment(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell here")
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("hone", []byte("#!"+shell+"\nprintf '%s\\0' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	saved := experiments.Default()
	saved.Name, saved.LoRA.R, saved.Data.EOS = "saved", 4, "<|end|>"
	text, err := saved.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(here, "it's a file.toml")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if saved, err = experiments.Load(file); err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(*experiments.Config){
		"nothing": func(*experiments.Config) {},
		"numbers": func(c *experiments.Config) {
			c.LoRA.R, c.Train.LR, c.Train.Shuffle, c.Data.Split, c.Seed = 3, 0.1+0.2, false, [3]float64{0.5, 0.25, 0.25}, 1<<53-1
		},
		"lists": func(c *experiments.Config) {
			c.LoRA.Targets, c.Data.Fields = []string{"v_proj"}, []string{`a "b"`, `c\d`, "it's", "$HOME", "-x"}
		},
		"quotes":   func(c *experiments.Config) { c.Name, c.Data.EOS = `'quoted'`, `"quoted"` },
		"spaces":   func(c *experiments.Config) { c.Name, c.Data.EOS = " a  b ", " " },
		"shell":    func(c *experiments.Config) { c.Name = "$(touch x) `y` ; & | * ? ! ~ # \\" },
		"template": func(c *experiments.Config) { c.Data.Prompt = "\"{event_text}\"\n\t'JSON'\\n:\r" },
		"paths": func(c *experiments.Config) {
			c.Model.Path, c.Data.Path = filepath.Join(here, `a "model"\n`), filepath.Join(here, "-data's")
		},
		"quoted paths": func(c *experiments.Config) { c.Model.Path, c.Data.Path = `"m"`, `'d'` },
		"accents":      func(c *experiments.Config) { c.Name = "\u4f1a\u8bae caf\u00e9" },
		"empty":        func(c *experiments.Config) { c.Data.EOS = "" },
	}
	for name, change := range changes {
		for _, path := range []string{"", file} {
			c := experiments.Default()
			if path != "" {
				c = saved.Clone()
			}
			change(&c)
			words := experiments.TrainCommand(c, path, saved)
			cmd := exec.Command(shell, "-c", strings.Join(words, " "))
			cmd.Env = append(os.Environ(), "PATH="+here+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %s: %v", name, words, err)
			}
			args := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
			var f experimentFlags
			train := &cobra.Command{}
			f.add(train, true)
			if err := train.ParseFlags(args[1:]); err != nil {
				t.Fatalf("%s: %q: %v", name, args, err)
			}
			got, err := f.load("")
			if err != nil {
				t.Errorf("%s: %q: %v", name, args, err)
				continue
			}
			if err := c.Resolve(here); err != nil {
				t.Fatal(err)
			}
			if err := got.Resolve(here); err != nil {
				t.Fatal(err)
			}
			if d := experiments.Diff(c, got); len(d) != 0 {
				t.Errorf("%s: %s trains another experiment: %v", name, strings.Join(words, " "), d)
			}
		}
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("a value was run as a command")
	}
}
