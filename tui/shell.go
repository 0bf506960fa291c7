package tui

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"hone/internal/provoke"
)

// Below this size there is only a message.
const (
	minWidth  = 40
	minHeight = 10
	// roomyHeight is where the rules above and below the body begin.
	roomyHeight = 16
)

// shell is the one Bubble Tea model: the frame around six screens.
type shell struct {
	*app
	screens [screenCount]screen
	active  screenID
	width   int
	height  int

	note    *noticeMsg
	overlay overlay // help, palette or a dialog; nil = none
	crash   *panicMsg
	leave   func() // ends the program from outside of Update; nil = nobody runs it
	faults  string // directory of the traces of panics; "" = not kept
	leaving bool
	lastInt time.Time // of ctrl+c
	mouse   bool
	kept    preferences // as they were read, and what was chosen since
	guided  bool        // whether the guide's line is shown
	// quietUntil is when a dialog that opened by itself begins to take keys:
	// someone typing must not answer it by accident.
	quietUntil time.Time
}

// grace is how long such a dialog takes no keys.
const grace = 400 * time.Millisecond

// overlay takes the keys while it is open and draws over the body.
type overlay interface {
	// Key handles a press; done closes the overlay before cmd runs.
	Key(msg tea.KeyMsg) (cmd tea.Cmd, done bool)
	// Lines draws it in at most width x height cells.
	Lines(t *theme, width, height int) []string
	// Hints are the keys for the footer.
	Hints() []keyGroup
}

// newShell puts the screens together.
func newShell(a *app) *shell {
	return &shell{app: a, screens: newScreens(a)}
}

// Init opens what the options name.
func (s *shell) Init() tea.Cmd {
	var mouse tea.Cmd
	if s.mouse {
		mouse = tea.EnableMouseCellMotion
	}
	var printed tea.Cmd
	if s.prints != nil {
		printed = s.prints.next
	}
	cmds := []tea.Cmd{mouse, printed, s.openWorkspace(), s.makePlan(), s.screens[s.active].Focus(), s.askNewcomer()}
	if s.runDir != "" {
		dir := s.runDir
		s.runDir = ""
		cmds = append(cmds, s.lookAt(dir))
	}
	return guard(tea.Batch(cmds...))
}

// Update routes a message: keys to the overlay, the typing screen or the key
// tables, everything else to the shared state and then to every screen.
func (s *shell) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer func() {
		if v := recover(); v != nil {
			s.broke(v, debug.Stack())
			model, cmd = s, tea.Quit
		}
	}()
	if provoke.Update != nil {
		provoke.Update(msg)
	}
	return s, guard(s.update(msg))
}

func (s *shell) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.resize(msg.Width, msg.Height)
		return nil
	case tea.KeyMsg:
		return s.key(msg)
	case tea.MouseMsg:
		return s.wheel(msg)
	case panicMsg:
		s.crash = &msg
		return s.saveFault(&msg)
	case faultSavedMsg:
		switch {
		case msg.err != nil:
			return problem(msg.err)
		case s.crash == msg.of:
			s.crash.saved = msg.path
		}
		return nil
	case tea.FocusMsg:
		s.unfocused = false
		return nil
	case tea.BlurMsg:
		s.unfocused = true
		return nil
	case noticeMsg:
		s.note = &msg
		return nil
	case gotoMsg:
		return s.show(msg.to)
	case newcomerMsg:
		s.guided = true
		return nil
	}
	cmds := []tea.Cmd{s.app.receive(msg)}
	if _, more := msg.(printedMsg); more {
		cmds = append(cmds, s.prints.next)
	}
	if m, ended := msg.(ownDoneMsg); ended {
		cmds = append(cmds, s.notifyEnd(m))
	}
	if m, stale := msg.(snapshotMsg); stale && m.gen != s.polls {
		return nil
	}
	for _, sc := range s.screens {
		cmds = append(cmds, sc.Update(msg))
	}
	if s.adopt() {
		s.quietUntil = s.now().Add(grace)
	}
	if s.leaving && !s.ownLive() {
		cmds = append(cmds, tea.Quit)
	}
	return tea.Batch(cmds...)
}

// resize lays the frame out anew.
func (s *shell) resize(width, height int) {
	s.width, s.height = max(width, 1), max(height, 1)
	w, h := s.bodySize()
	for _, sc := range s.screens {
		sc.SetSize(w, h)
	}
}

// bodySize is the part of the frame that a screen draws.
func (s *shell) bodySize() (width, height int) {
	height = s.height - 2
	if s.height >= roomyHeight {
		height = s.height - 4
	}
	return s.width, max(height, 1)
}

// show makes a screen the visible one.
func (s *shell) show(to screenID) tea.Cmd {
	if to < 0 || to >= screenCount || to == s.active {
		return nil
	}
	s.screens[s.active].Blur()
	s.active = to
	return s.screens[to].Focus()
}

// key handles a press.
func (s *shell) key(msg tea.KeyMsg) tea.Cmd {
	name := normalKey(msg)
	if name == "ctrl+c" {
		return s.interrupt()
	}
	s.note = nil
	s.lastInt = time.Time{}
	if s.crash != nil {
		switch name {
		case "esc", "enter":
			s.crash = nil
		case "q":
			return tea.Quit
		}
		return nil
	}
	if s.overlay != nil {
		if s.now().Before(s.quietUntil) {
			return nil
		}
		o := s.overlay
		cmd, done := o.Key(msg)
		if done && s.overlay == o {
			s.overlay = nil
		}
		s.adopt()
		return cmd
	}
	sc := s.screens[s.active]
	if sc.CapturesText() {
		cmd := sc.Update(msg)
		s.adopt()
		return cmd
	}
	if name == "esc" {
		if e, ok := sc.(escaper); ok {
			cmd, _ := e.Escape()
			return cmd
		}
		return nil
	}
	if b, ok := lookup(sc.Keys(), name); ok {
		cmd := b.Run()
		s.adopt()
		return cmd
	}
	if b, ok := lookup(append(s.replayKeys(), s.globalKeys()...), name); ok {
		return b.Run()
	}
	return nil
}

// adopt opens the dialog that a screen asked for, and reports whether it did.
func (s *shell) adopt() bool {
	if s.app.pending == nil {
		return false
	}
	s.overlay, s.app.pending = s.app.pending, nil
	return true
}

// globalKeys work on every screen.
func (s *shell) globalKeys() []keyGroup {
	var screens []binding
	for i, sc := range s.screens {
		to := screenID(i)
		screens = append(screens, binding{
			Keys: []string{fmt.Sprint(i + 1)}, Text: "go to " + sc.Title(), Quiet: true,
			Run: func() tea.Cmd { return s.show(to) },
		})
	}
	return []keyGroup{
		{Title: "everywhere", Bindings: []binding{
			{Keys: []string{"?"}, Text: "help", Run: do(func() { s.overlay = newHelp(s) })},
			{Keys: []string{"ctrl+p"}, Label: "^p", Text: "palette", Help: "find any action by its name and run it", Run: do(func() { s.overlay = newPalette(s) })},
			{Keys: []string{"q"}, Text: "quit", Help: "leave; asks while a run of this process is live", Run: s.quit},
			{Keys: []string{"esc"}, Text: "one step out", Quiet: true},
			{Keys: []string{"ctrl+c"}, Label: "^c ^c", Text: "quit at once", Help: "twice: leave; a live run saves a checkpoint first", Quiet: true},
			{Keys: []string{"ctrl+l"}, Label: "^l", Text: "draw again", Quiet: true, Run: func() tea.Cmd { return tea.ClearScreen }},
			{Keys: []string{"ctrl+g"}, Label: "^g", Text: "guide", Help: "show or hide the line that says what to look at and which key goes on; it begins by itself where nothing was trained yet", Quiet: true, Run: s.toggleGuide},
			{Keys: []string{"ctrl+t"}, Label: "^t", Text: "mouse wheel", Help: "turn the mouse wheel on or off; off leaves text selection to the terminal", Quiet: true, Run: s.toggleMouse},
			{Keys: []string{"ctrl+y"}, Label: "^y", Text: "theme", Help: "next theme: auto, dark, light, mono; it is kept", Quiet: true, Run: s.nextTheme, When: func() bool { return s.themed != nil }},
			{Keys: []string{"ctrl+z"}, Label: "^z", Text: "suspend", Help: "give the terminal back to the shell, fg returns; a run of this process rests meanwhile", Quiet: true, Run: func() tea.Cmd { return tea.Suspend }},
		}},
		{Title: "screens", Bindings: screens},
	}
}

// nextTheme changes to the theme after the one in use.
func (s *shell) nextTheme() tea.Cmd {
	next := Themes[(slices.Index(Themes, s.themeName)+1)%len(Themes)]
	s.themeName, s.kept.Theme = next, next
	*s.t = *s.themed(next)
	return tea.Batch(notice("theme "+next), func() tea.Msg { return themedMsg{} })
}

// toggleMouse gives the wheel to the workbench, or back to the terminal.
func (s *shell) toggleMouse() tea.Cmd {
	s.mouse = !s.mouse
	if s.mouse {
		return tea.Batch(tea.EnableMouseCellMotion, notice("mouse wheel scrolls; hold shift to select text"))
	}
	return tea.Batch(tea.DisableMouse, notice("mouse wheel off"))
}

// wheel scrolls the visible screen.
func (s *shell) wheel(msg tea.MouseMsg) tea.Cmd {
	w, ok := s.screens[s.active].(wheelScroller)
	if !ok || s.overlay != nil || s.crash != nil {
		return nil
	}
	top := 1
	if s.height >= roomyHeight {
		top = 2
	}
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		return w.Wheel(msg.X, msg.Y-top, -3)
	case tea.MouseButtonWheelDown:
		return w.Wheel(msg.X, msg.Y-top, 3)
	}
	return nil
}

// View draws the frame: always height lines of width cells.
func (s *shell) View() (frame string) {
	defer func() {
		if v := recover(); v != nil {
			s.broke(v, debug.Stack())
			frame = s.finish(s.crashLines())
		}
	}()
	if s.width < 1 || s.height < 1 {
		return ""
	}
	if s.crash != nil {
		return s.finish(s.crashLines())
	}
	if provoke.View != nil {
		provoke.View()
	}
	if s.width < minWidth || s.height < minHeight {
		return s.finish([]string{
			s.t.strong.Render("hone"),
			fmt.Sprintf("needs %dx%d", minWidth, minHeight),
			fmt.Sprintf("this is %dx%d", s.width, s.height),
		})
	}
	return s.finish(s.lines())
}

// lines are the frame at a usable size.
func (s *shell) lines() []string {
	roomy := s.height >= roomyHeight
	tabs, under := s.tabs(!roomy)
	lines := []string{tabs}
	if roomy {
		lines = append(lines, under)
	}
	w, h := s.bodySize()
	body := strings.Split(s.screens[s.active].View(), "\n")
	body = s.t.block(body, w, h)
	hints := s.hints()
	if s.overlay != nil {
		box := s.overlay.Lines(s.t, w, h)
		body = s.t.over(body, box, w, h)
	}
	lines = append(lines, body...)
	note := s.noticeLine(w)
	if note == "" && roomy {
		note = s.guideLine(w)
	}
	switch {
	case roomy && note != "":
		lines = append(lines, note, hints)
	case roomy:
		lines = append(lines, s.t.ruleLine(w), hints)
	case note != "":
		lines = append(lines, note)
	default:
		lines = append(lines, hints)
	}
	return lines
}

// noticeLine is the notice, or "".
func (s *shell) noticeLine(width int) string {
	if s.note == nil {
		return ""
	}
	style, glyph := s.t.accent, s.t.g.selected
	if s.note.bad {
		style, glyph = s.t.bad, s.t.g.no
	}
	return style.Render(s.t.cut(" "+glyph+" "+s.t.clean(s.note.text), width))
}

// hints is the footer: the keys of what has focus.
func (s *shell) hints() string {
	if s.overlay != nil {
		return footerLine(s.t, s.overlay.Hints(), s.width)
	}
	groups := s.screens[s.active].Keys()
	if s.screens[s.active].CapturesText() {
		return footerLine(s.t, groups, s.width)
	}
	global := footerLine(s.t, s.globalKeys()[:1], s.width)
	groups = append(s.replayKeys(), groups...)
	left := footerLine(s.t, groups, s.width-textWidth(global))
	return left + global
}

// finish cuts lines to the frame, whatever they are.
func (s *shell) finish(lines []string) string {
	frame := s.t.body(lines, s.width, s.height)
	if s.t.g.ascii {
		frame = onlyASCII(frame)
	}
	return frame
}

// crashLines tell of a panic.
func (s *shell) crashLines() []string {
	t := s.t
	lines := []string{
		t.bad.Render(t.g.no + " hone has a fault; the terminal and your files are safe"),
		"",
		t.clean(fmt.Sprint(s.crash.value)),
		"",
		t.dim.Render("esc goes on, q leaves. What follows helps to find the fault."),
		"",
	}
	if s.crash.saved != "" {
		lines[len(lines)-1] = t.dim.Render("It is kept in " + t.clean(s.crash.saved))
		lines = append(lines, "")
	}
	return append(lines, t.cleanLines(s.crash.stack)...)
}
