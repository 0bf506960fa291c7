package tui

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/muesli/termenv"
	"github.com/pelletier/go-toml/v2"

	"hone/runs"
)

// Themes are the names of --theme, HONE_THEME and the preferences file.
var Themes = []string{"auto", "dark", "light", "mono"}

// CheckTheme refuses a name that no theme has; "" is not chosen.
func CheckTheme(name string) error {
	if name == "" || slices.Contains(Themes, name) {
		return nil
	}
	return fmt.Errorf("unknown theme %q: want %s", name, strings.Join(Themes, ", "))
}

// preferences are what the workbench keeps from one time to the next.
type preferences struct {
	Theme  string     `toml:"theme,omitempty" comment:"auto (the terminal's background), dark, light or mono"`
	Mouse  bool       `toml:"mouse" comment:"the mouse wheel scrolls"`
	Charts chartPrefs `toml:"charts"`
}

// chartPrefs are the layout of the Train screen's charts.
type chartPrefs struct {
	Linear    bool   `toml:"linear" comment:"linear axes instead of logarithmic ones"`
	Spikes    bool   `toml:"spikes" comment:"the range holds every spike"`
	Smoothing int    `toml:"smoothing" comment:"0 none, 1 light, 2 strong"`
	Terms     int    `toml:"terms" comment:"terms of the loss: 0 hidden, 1 apart, 2 stacked"`
	Axis      string `toml:"axis" comment:"steps, tokens or time"`
}

// defaultPreferences are those of somebody who has changed nothing.
func defaultPreferences() preferences {
	return preferences{Charts: chartPrefs{Smoothing: 1, Axis: xSteps.String()}}
}

// maxPreferences bounds the preferences file.
const maxPreferences = 64 << 10

// preferencesPath is config.toml in hone's folder of the user's configuration.
func preferencesPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("finding the preferences: %w", err)
	}
	return filepath.Join(dir, "hone", "config.toml"), nil
}

// readPreferences reads the file; one that is not there gives the defaults, and
// so does each value that makes no sense. The error says what was wrong with it.
func readPreferences(path string) (preferences, error) {
	p := defaultPreferences()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("reading the preferences: %w", err)
	}
	defer f.Close()
	if stat, err := f.Stat(); err != nil || !stat.Mode().IsRegular() {
		return p, fmt.Errorf("reading the preferences: %s is not a file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPreferences+1))
	if err != nil {
		return p, fmt.Errorf("reading the preferences: %w", err)
	}
	if len(text) > maxPreferences {
		return p, fmt.Errorf("reading the preferences: %s is larger than %d bytes", path, maxPreferences)
	}
	if p, err = parsePreferences(text); err != nil {
		return p, fmt.Errorf("reading the preferences: %s: %w", path, err)
	}
	return p, nil
}

// parsePreferences takes what makes sense of a file's text.
func parsePreferences(text []byte) (preferences, error) {
	p, base := defaultPreferences(), defaultPreferences()
	if err := toml.Unmarshal(text, &p); err != nil {
		return base, err
	}
	var wrong []error
	if err := CheckTheme(p.Theme); err != nil {
		wrong = append(wrong, err)
		p.Theme = base.Theme
	}
	c := &p.Charts
	if c.Smoothing < 0 || c.Smoothing > len(smoothings) {
		wrong = append(wrong, fmt.Errorf("smoothing %d: want 0 to %d", c.Smoothing, len(smoothings)))
		c.Smoothing = base.Charts.Smoothing
	}
	if c.Terms < 0 || c.Terms >= int(lossViews) {
		wrong = append(wrong, fmt.Errorf("terms %d: want 0 to %d", c.Terms, lossViews-1))
		c.Terms = base.Charts.Terms
	}
	if _, ok := axisNamed(c.Axis); !ok {
		wrong = append(wrong, fmt.Errorf("axis %q: want steps, tokens or time", c.Axis))
		c.Axis = base.Charts.Axis
	}
	return p, errors.Join(wrong...)
}

// writePreferences replaces the file; its folder is made.
func writePreferences(path string, p preferences) error {
	text, err := toml.Marshal(p)
	if err != nil {
		return fmt.Errorf("writing the preferences: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing the preferences: %w", err)
	}
	if err := runs.WriteFile(path, text); err != nil {
		return fmt.Errorf("writing the preferences: %w", err)
	}
	return nil
}

// axisNamed is the x axis of a name.
func axisNamed(name string) (xAxis, bool) {
	for a := range xAxes {
		if a.String() == name {
			return a, true
		}
	}
	return xSteps, false
}

// look is how the charts are drawn by these preferences.
func (p chartPrefs) look(l chartLook) chartLook {
	l.linear, l.full, l.smooth, l.terms = p.Linear, p.Spikes, p.Smoothing, lossView(p.Terms)
	l.axis, _ = axisNamed(p.Axis)
	return l
}

// prefs are the preferences of a look.
func (l chartLook) prefs() chartPrefs {
	return chartPrefs{Linear: l.linear, Spikes: l.full, Smoothing: l.smooth, Terms: int(l.terms), Axis: l.axis.String()}
}

// prefer opens the workbench as it was left.
func (s *shell) prefer(p preferences) {
	s.mouse = p.Mouse
	s.kept = p
	train := s.screens[trainScreenID].(*trainScreen)
	train.charts = p.Charts.look(train.charts)
}

// preferences are those to keep.
func (s *shell) preferences() preferences {
	p := s.kept
	p.Mouse, p.Charts = s.mouse, s.screens[trainScreenID].(*trainScreen).charts.prefs()
	return p
}

// chosenTheme is the theme that is wanted: by the flag, HONE_THEME, or the
// preferences. A name that HONE_THEME does not know is left out.
func chosenTheme(flag, env, kept string) string {
	for _, name := range []string{flag, env, kept} {
		if name != "" && CheckTheme(name) == nil {
			return name
		}
	}
	return Themes[0]
}

// themeNamed makes a theme of a name. dark says whether the terminal's background
// is. NO_COLOR and terminals without colour are in
// the profile already.
func themeNamed(w io.Writer, name string, profile termenv.Profile, dark, ascii bool) *theme {
	switch name {
	case "dark":
		return newTheme(w, profile, true, ascii)
	case "light":
		return newTheme(w, profile, false, ascii)
	case "mono":
		return newTheme(w, termenv.Ascii, true, ascii)
	}
	return newTheme(w, profile, dark, ascii)
}
