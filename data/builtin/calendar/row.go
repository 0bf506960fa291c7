// Package calendar makes the rows of the built-in dataset: sentences about events, each with
// what a calendar would want of it. [Generate] is a function of its seed.
//
// # Labels
//
// Every label follows from the text by these rules, without exception:
//
//   - action: the words that name the event, as written. A verb of making one belongs to it
//     with what it makes ("Book a tax review"); a phrase that only puts it down does not
//     ("Pencil in", "Reminder:", "set for").
//   - date: dd/mm/yyyy. A date in figures has the day first, unless the year is first.
//   - time: of twelve hours without a leading zero, as "4:00 PM". Noon is 12:00 PM, midnight
//     12:00 AM; 00:30 is 12:30 AM.
//   - attendees: a list in the order of the text, as written but for a leading "the"; null
//     if there are none. Whoever is inside the name of the event or place is no attendee.
//   - location: as written but for a leading "the"; a platform ("Zoom") or "online" is one
//     as well. A capital "The" belongs to a name and stays.
//   - duration: as written if in figures ("1hr", "45 mins"); in words it becomes figures:
//     "an hour" is "1 hour", "half an hour" is "30 minutes". Words such as "about" are left out.
//   - recurrence: "weekly" and its like in lower case, wherever they stand; else null.
//   - notes: what comes after "to" or at the end as a purpose ("discuss the tax
//     plan") or a reminder ("bring a towel"), as written; else null.
package calendar

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Row is an example of the dataset in its events format.
type Row struct {
	Text   string `json:"event_text"`
	Output Output `json:"output"`
}

// Output is what is to be extracted from a row's text. The order of the fields is the schema's.
type Output struct {
	Action     string   `json:"action"`
	Date       string   `json:"date"`      // dd/mm/yyyy
	Time       string   `json:"time"`      // h:mm AM or PM
	Attendees  []string `json:"attendees"` // nil for none, never empty
	Location   *string  `json:"location"`
	Duration   *string  `json:"duration"`
	Recurrence *string  `json:"recurrence"` // lower case
	Notes      *string  `json:"notes"`
}

// Lines returns rows as a JSONL file.
func Lines(rows []Row) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // "&" is read by people too
	for _, row := range rows {
		if err := e.Encode(row); err != nil {
			return nil, fmt.Errorf("encoding %q: %w", row.Text, err)
		}
	}
	return b.Bytes(), nil
}
