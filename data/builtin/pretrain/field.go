package pretrain

import (
	"strings"

	"hone/data"
)

// The fields that an event can be asked for.
const (
	fieldAction = iota
	fieldDate
	fieldTime
	fieldMoment // date and time
	fieldPeople
	fieldPlace
	fieldDuration
	fieldRecurrence
	fieldNote
	fieldCount
)

// A column is one key of a schema and what it holds.
type column struct {
	key   string
	field int
	date  dateFormat
	time  clockFormat
	names bool // people as one string
	hint  string
}

// columns are the keys there are. A key always means the same, dates in one format each. None is a key
// of the built-in dataset.
var columns = withFields([fieldCount][]column{
	fieldAction: keys("title", "what", "event", "subject", "summary", "name", "activity", "topic", "headline"),
	fieldDate: {
		{key: "day", date: dmy},
		{key: "on", date: dmy},
		{key: "dmy", date: dmy},
		{key: "calendar_day", date: dmy},
		{key: "iso", date: iso},
		{key: "start_date", date: iso},
		{key: "due", date: iso},
		{key: "us_day", date: mdy},
		{key: "dotted", date: dotted},
		{key: "ymd", date: slashed},
		{key: "stamp", date: digits},
		{key: "written", date: us},
		{key: "long_day", date: long},
	},
	fieldTime: {
		{key: "start", time: twelve},
		{key: "begins", time: twelve},
		{key: "at", time: twelve},
		{key: "from", time: twelve},
		{key: "clock", time: twenty4},
		{key: "hour", time: twenty4},
		{key: "start_24", time: twenty4},
		{key: "am_pm", time: lower},
	},
	fieldMoment: {
		{key: "when", date: iso, time: twenty4},
		{key: "starts_at", date: iso, time: twenty4},
		{key: "moment", date: dmy, time: twelve},
		{key: "slot", date: dmy, time: twenty4},
	},
	fieldPeople: append(keys("who", "people", "guests", "participants", "invitees", "members", "persons"),
		column{key: "with", names: true}, column{key: "names", names: true}),
	fieldPlace:      keys("where", "place", "venue", "room", "site", "spot", "address"),
	fieldDuration:   keys("length", "lasts", "how_long", "span", "runs_for"),
	fieldRecurrence: keys("repeats", "every", "frequency", "cycle", "how_often"),
	fieldNote:       keys("memo", "remark", "comment", "extra", "hint"),
})

// withFields tells every column which field it is of.
func withFields(columns [fieldCount][]column) [fieldCount][]column {
	for field, list := range columns {
		for i := range list {
			list[i].field = field
		}
	}
	return columns
}

func keys(names ...string) []column {
	all := make([]column, len(names))
	for i, name := range names {
		all[i].key = name
	}
	return all
}

// value returns what a column says of an event: a string, a list or nil.
func (c column) value(e event) any {
	text := ""
	switch c.field {
	case fieldAction:
		text = e.action
	case fieldDate:
		text = c.date.write(e.date)
	case fieldTime:
		text = c.time.write(e.time)
	case fieldMoment:
		text = c.date.write(e.date) + " " + c.time.write(e.time)
	case fieldPeople:
		if len(e.people) > 0 && !c.names {
			list := make([]any, len(e.people))
			for i, p := range e.people {
				list[i] = p
			}
			return list
		}
		text = strings.Join(e.people, ", ")
	case fieldPlace:
		text = e.place
	case fieldDuration:
		text = e.duration
	case fieldRecurrence:
		text = e.recurrence
	case fieldNote:
		text = e.note
	}
	if text == "" {
		return nil
	}
	return text
}

// asked returns the column as a prompt lists it.
func (c column) asked() string {
	if c.hint != "" {
		return c.key + " (" + c.hint + ")"
	}
	return c.key
}

// schema draws columns of different fields, in any order.
func (w *writer) schema() []column {
	// Date and time, which take most learning, are asked for most.
	weights := []int{fieldAction: 16, fieldDate: 18, fieldTime: 18, fieldMoment: 5, fieldPeople: 16, fieldPlace: 14, fieldDuration: 12, fieldRecurrence: 7, fieldNote: 7}
	n := pick(w.source, []int{2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8})
	var schema []column
	used := map[string]bool{}
	for len(schema) < n {
		field := w.weighted(weights)
		weights[field] = 0
		c := pick(w.source, columns[field])
		if c = w.renamed(c); !used[c.key] {
			used[c.key] = true
			schema = append(schema, c)
		}
	}
	return schema
}

// renamed gives a column another format, named in the prompt, or another key, explained there.
func (w *writer) renamed(c column) column {
	switch {
	case c.field == fieldDate && w.chance(30):
		c.date = pick(w.source, dateFormats)
		c.hint = c.date.name
	case c.field == fieldTime && w.chance(30):
		c.time = pick(w.source, clockFormats)
		c.hint = c.time.name
	case w.chance(10):
		c.hint = c.key
		c.key = strings.ToLower(w.invented())
	}
	return c
}

// asked lists the columns of a schema for a prompt.
func asked(schema []column) string {
	all := make([]string, len(schema))
	for i, c := range schema {
		all[i] = c.asked()
	}
	return strings.Join(all, ", ")
}

// A member is a key of an object with its value.
type member struct {
	key   string
	value any // as data.ValueText takes it
}

// object returns JSON as data.CompletionText writes it.
func object(members []member) string {
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(data.ValueText(m.key) + ": " + data.ValueText(m.value))
	}
	return "{" + b.String() + "}"
}

// filled returns an event as the members of a schema.
func filled(schema []column, e event) []member {
	all := make([]member, len(schema))
	for i, c := range schema {
		all[i] = member{c.key, c.value(e)}
	}
	return all
}
