package tui

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
	"github.com/pelletier/go-toml/v2"

	"hone/runs"
)

// sight is how colours look to somebody, as a matrix over linear RGB (Machado,
// Oliveira and Fernandes 2009, severity 1).
var sights = map[string][3][3]float64{
	"all cones":      {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"no red cones":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"no green cones": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"no blue cones":  {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// Good, bad and warning look different to everybody, on both backgrounds: at
// least 0.25 apart in CIE Lab, where 0.02 can just be told apart side by side.
// (The green and red that were here before were 0.10 apart without green cones.)
func TestColoursAreApartForTheColourBlind(t *testing.T) {
	for _, dark := range []bool{true, false} {
		th := newTheme(io.Discard, termenv.ANSI256, dark, false)
		code := func(s lipgloss.Style) string {
			c := s.GetForeground().(lipgloss.AdaptiveColor)
			if dark {
				return c.Dark
			}
			return c.Light
		}
		for sight, m := range sights {
			seen := func(s lipgloss.Style) (out [3]float64) {
				c := termenv.ConvertToRGB(termenv.ANSI256.Color(code(s)))
				r, g, b := c.LinearRgb()
				for i, row := range m {
					out[i] = min(max(row[0]*r+row[1]*g+row[2]*b, 0), 1)
				}
				return out
			}
			apart := func(a, b lipgloss.Style) float64 {
				x, y := seen(a), seen(b)
				c := termenv.ConvertToRGB(termenv.ANSI256.Color("16")) // any: its type makes colours
				first, second := c, c
				set := func(v [3]float64) (r, g, b float64) { return gamma(v[0]), gamma(v[1]), gamma(v[2]) }
				first.R, first.G, first.B = set(x)
				second.R, second.G, second.B = set(y)
				return first.DistanceLab(second)
			}
			for name, d := range map[string]float64{"good and bad": apart(th.good, th.bad), "good and warning": apart(th.good, th.warn), "bad and warning": apart(th.bad, th.warn)} {
				if d < 0.25 {
					t.Errorf("dark %v, %s: %s are %.2f apart", dark, sight, name, d)
				}
			}
		}
	}
}

// A theme changes colours and nothing else, is kept, and mono has none.
func TestThemesFromTheKeyboard(t *testing.T) {
	b := trainBench(t, story(143, runs.Running), "", 120, 40)
	b.lacksKey("ctrl+y")
	asked := []string{}
	b.themed = func(name string) *theme {
		asked = append(asked, name)
		return themeNamed(io.Discard, name, termenv.ANSI256, true, false)
	}
	b.themeName = "mono"
	frames := map[string]string{}
	for range Themes {
		b.press("ctrl+y", "esc")
		b.note = nil
		frames[b.themeName] = b.View()
		if b.preferences().Theme != b.themeName {
			t.Errorf("%s is not kept: %+v", b.themeName, b.preferences())
		}
	}
	if strings.Join(asked, " ") != "auto dark light mono" {
		t.Errorf("themes %q", asked)
	}
	if strings.Contains(frames["mono"], "\x1b") {
		t.Error("mono has escapes")
	}
	if frames["dark"] == frames["light"] || frames["dark"] != frames["auto"] || ansi.Strip(frames["light"]) != frames["mono"] || ansi.Strip(frames["dark"]) != frames["mono"] {
		t.Error("a theme changes more than colours, or nothing")
	}
}

func TestChosenTheme(t *testing.T) {
	for _, c := range []struct{ flag, env, kept, want string }{
		{"", "", "", "auto"},
		{"", "", "light", "light"},
		{"", "dark", "light", "dark"},
		{"mono", "dark", "light", "mono"},
		{"", "neon", "light", "light"},
	} {
		if got := chosenTheme(c.flag, c.env, c.kept); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if CheckTheme("neon") == nil {
		t.Error("neon is a theme")
	}
}

// What is kept comes back; a file that is not one, or holds nonsense, is survived
// and said.
func TestPreferences(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "hone", "config.toml")
	p, err := readPreferences(path)
	if err != nil || p != defaultPreferences() {
		t.Errorf("without a file: %+v, %v", p, err)
	}
	b := trainBench(t, story(143, runs.Running), "", 120, 40)
	b.press("y", "m", "t", "a", "z")
	kept := b.preferences()
	if kept == defaultPreferences() {
		t.Fatal("the keys changed nothing")
	}
	if err := writePreferences(path, kept); err != nil {
		t.Fatal(err)
	}
	if p, err = readPreferences(path); err != nil || p != kept {
		t.Errorf("%+v came back as %+v: %v", kept, p, err)
	}
	next := start(t, full(), 120, 40)
	next.prefer(p)
	if next.preferences() != kept {
		t.Errorf("the workbench opens with %+v", next.preferences())
	}
	for _, text := range []string{"theme = \"neon\"", "charts.smoothing = 99", "charts.terms = -1", "charts.axis = \"miles\"", "\x00", "theme = 7", strings.Repeat("#", maxPreferences+1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := readPreferences(path); err == nil || p != defaultPreferences() {
			t.Errorf("%.20q gives %+v, %v", text, p, err)
		}
	}
	if _, err := readPreferences(filepath.Dir(path)); err == nil {
		t.Error("a folder was read")
	}
}

func FuzzParsePreferences(f *testing.F) {
	f.Add([]byte("theme = \"light\"\nmouse = true\n[charts]\nsmoothing = 2\naxis = \"time\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, _ := parsePreferences(text)
		again, err := parsePreferences(mustTOML(t, p))
		if err != nil || again != p {
			t.Errorf("%+v is not read again: %+v, %v", p, again, err)
		}
	})
}

// gamma encodes a linear component.
func gamma(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

func mustTOML(t *testing.T, p preferences) []byte {
	t.Helper()
	text, err := toml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lacksKey fails if a key of the whole workbench does something.
func (b *bench) lacksKey(key string) {
	b.t.Helper()
	if _, ok := lookup(b.globalKeys(), key); ok {
		b.t.Errorf("%s does something", key)
	}
}
