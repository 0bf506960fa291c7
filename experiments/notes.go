package experiments

import (
	"time"

	"hone/runs"
)

// readNotes puts the notes of the tuned side's run beside their rows.
func (c *Comparison) readNotes() error {
	notes, err := runs.ReadNotes(c.RunDir)
	if err != nil {
		return err
	}
	for i := range c.Examples {
		c.Examples[i].Note = notes[c.Examples[i].ID].Text
	}
	return nil
}

// SetNote keeps a note on a row of a comparison, by the row's identity: it is
// there again however often the run is evaluated. An empty text takes it away.
func SetNote(runDir, id, event, text string) error {
	return runs.SetNote(runDir, id, runs.Note{Text: text, Event: event, Time: time.Now().UTC().Truncate(time.Second)})
}
