package tui

import (
	"testing"

	"hone/runs"
)

// newcomer is a store without runs.
func newcomer() *fakeBackend {
	f := full()
	f.rows = nil
	return f
}

// TestGuideLeadsThroughTheStory follows the guide's keys.
func TestGuideLeadsThroughTheStory(t *testing.T) {
	b := start(t, newcomer(), 110, 30)
	b.sees("what is learned: a text, and the answer wanted of it.  2 goes on")
	b.press("3")
	b.sees("nothing is trained yet.  2, then s starts")
	b.press("2")
	b.sees("training takes about")
	b.sees("s starts")
	b.press("s", "s") // the sample data has problems, which is asked about
	b.sees("the loss falls, the scores of the eval split rise.")
	b.press("1")
	b.sees("training goes on meanwhile.  3 shows it")
	b.press("3")
	finished := *b.fake.snap
	finished.State, finished.Dir, finished.Version = runs.Finished, b.runDir, b.snap.Version+1
	b.fake.snap = &finished
	b.fake.run.end()
	b.send(ownDoneMsg{dir: b.runDir})
	b.send(snapshotMsg{b.polls, &finished, true})
	b.sees("trained.  5 compares the model before and after")
	b.press("5")
	b.sees("t tries your own text")
}

// TestGuideIsOutOfTheWay holds that who has trained before does not see it, that it
// can be switched, and that a notice has its place.
func TestGuideIsOutOfTheWay(t *testing.T) {
	b := start(t, full(), 110, 30)
	b.lacks("2 goes on")
	b.press("ctrl+g")
	b.sees("2 goes on")
	b.press("ctrl+g")
	b.lacks("2 goes on")
	b.sees("^g shows it again")
	b = start(t, newcomer(), 110, 30)
	b.press("?")
	b.lacks("2 goes on")
	b.press("esc")
	b.send(noticeMsg{text: "something else"})
	b.sees("something else")
	b.lacks("2 goes on")
	b = start(t, newcomer(), 110, 14)
	b.lacks("2 goes on") // no room
}
