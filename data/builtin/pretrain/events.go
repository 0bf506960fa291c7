package pretrain

import (
	"strings"

	"hone/data"
)

// The kinds whose prompt holds an event.

// listed asks for keys that the prompt lists, as an object.
func (w *writer) listed() (prompt, completion string) {
	e := w.anyEvent()
	schema := w.schema()
	fields, text := asked(schema), w.text(e)
	return pick(w.source, []string{
		"Fields: " + fields + "\nText: " + text + "\nJSON:",
		"Text: " + text + "\nFields: " + fields + "\nJSON:",
		text + "\nGive " + fields + " as JSON:",
		"Read: " + text + "\nKeys: " + fields + "\nObject:",
		"Extract " + fields + " from: " + text + "\nJSON:",
	}), object(filled(schema, e))
}

// values asks for the same as a list without keys.
func (w *writer) values() (prompt, completion string) {
	e := w.anyEvent()
	schema := w.schema()
	list := make([]any, len(schema))
	for i, c := range schema {
		list[i] = c.value(e)
	}
	fields, text := asked(schema), w.text(e)
	return pick(w.source, []string{
		"Text: " + text + "\nValues: " + fields + "\nJSON list:",
		"List " + fields + " of: " + text + "\nList:",
	}), data.ValueText(list)
}

// lines asks for the same as "key: value" lines.
func (w *writer) lines() (prompt, completion string) {
	e := w.anyEvent()
	schema := w.schema()
	var all []string
	for _, c := range schema {
		all = append(all, c.key+": "+inWords(c.value(e)))
	}
	return "Text: " + w.text(e) + "\nFields: " + asked(schema) + "\nLines:", strings.Join(all, "\n")
}

// inWords returns a value without JSON's marks.
func inWords(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, inWords(x))
		}
		return strings.Join(all, ", ")
	}
	return "none"
}

// field asks one or two questions.
func (w *writer) field() (prompt, completion string) {
	e := w.event(80, 75, 75, 35, 35)
	var questions, answers []string
	for _, c := range w.schema()[:pick(w.source, []int{1, 1, 2})] {
		questions = append(questions, c.asked()+"?")
		answers = append(answers, inWords(c.value(e)))
	}
	return w.text(e) + "\n" + strings.Join(questions, " "), strings.Join(answers, "; ")
}

// A named schema stands for the same keys every time: the prompt names it and lists none.
type named struct {
	name    string
	columns []column
	omit    bool // keys without a value are left out
}

// The named schemas. calendar is what the base model answers to the prompt of the built-in dataset: an
// event with real content, in a schema of its own.
var (
	calendar = named{name: "Calendar JSON", columns: chosen("title", "when", "who", "where")}

	schemas = []named{
		{name: "Agenda entry", columns: chosen("topic", "day", "start", "people")},
		{name: "Event record", columns: chosen("event", "iso", "clock", "venue", "members")},
		{name: "Planner row", columns: chosen("on", "at", "what", "lasts")},
		{name: "Diary JSON", columns: chosen("start_date", "summary", "with", "memo")},
		{name: "Schedule item", columns: chosen("subject", "moment", "place", "runs_for", "repeats")},
		{name: "Booking", columns: chosen("room", "calendar_day", "from", "length", "names"), omit: true},
		{name: "Meeting card", columns: chosen("participants", "headline", "written", "begins", "site")},
		{name: "Organizer JSON", columns: chosen("activity", "dmy", "hour", "how_long", "guests", "where", "every", "remark")},
		{name: "Log line", columns: chosen("ymd", "start_24", "name")},
		{name: "Invite", columns: chosen("invitees", "title", "starts_at", "address", "comment"), omit: true},
		{name: "Slot", columns: chosen("slot", "span", "what")},
		{name: "Timeline node", columns: chosen("us_day", "am_pm", "activity", "spot", "persons", "frequency")},
		{name: "Reminder", columns: chosen("due", "at", "subject", "extra")},
		{name: "Day sheet", columns: chosen("long_day", "begins", "topic", "who", "room", "lasts", "cycle", "hint")},
	}
)

// chosen returns the columns of keys.
func chosen(names ...string) []column {
	all := make([]column, len(names))
	for i, name := range names {
		for _, list := range columns {
			for _, c := range list {
				if c.key == name {
					all[i] = c
				}
			}
		}
		if all[i].key == "" {
			panic("pretrain: no column " + name)
		}
	}
	return all
}

// fill returns an event as an object of a named schema.
func (n named) fill(e event) string {
	members := filled(n.columns, e)
	if n.omit {
		kept := members[:0]
		for _, m := range members {
			if m.value != nil {
				kept = append(kept, m)
			}
		}
		members = kept
	}
	return object(members)
}

// fixed asks for a schema by its name.
func (w *writer) fixed() (prompt, completion string) {
	e := w.anyEvent()
	n := pick(w.source, schemas)
	return n.name + " from: " + w.text(e) + "\n" + n.name + ":", n.fill(e)
}

// calendar answers the built-in dataset's prompt.
func (w *writer) calendar() (prompt, completion string) {
	often := 4
	if w.turns {
		often = 16
	}
	e := w.event(75, 65, 72, often, often)
	return data.Render(data.DefaultTemplate, w.text(e)), calendar.fill(e)
}
