package calendar

import (
	"fmt"
	"strings"
)

// bringable is what people are told to bring.
var bringable = list("your laptop, the receipts, some snacks, the tickets, your passport, the contract, warm clothes, a towel, " +
	"the blueprints, an umbrella, the old keys, two folding chairs, your notebook, cash, the samples, a cake, your medication, the camera")

// composer writes one row.
type composer struct {
	*source
	family  *family
	often   string // "weekly" and its like, "" for none
	hour    int
	minute  int
	scene   *scene
	onSite  bool // the location is no platform
	text    strings.Builder
	output  Output
	repeats bool // often stands in the text
}

// compose returns a row of a family. A row that is to come often does if its form lets it.
func (s *source) compose(f *family, often string) (Row, bool) {
	c := composer{source: s, family: f, often: often, scene: &office}
	c.hour, c.minute = s.hour(f.leisure)
	if f.clock == joined && s.chance(38) {
		c.minute = 0 // "4pm" is what this style is for
	}
	if f.leisure {
		c.scene = &gathering // until the event says more
	}
	for form := s.one(f.forms...); form != ""; {
		before, rest, found := strings.Cut(form, "{")
		c.text.WriteString(before)
		if !found {
			break
		}
		slot, after, _ := strings.Cut(rest, "}")
		c.text.WriteString(c.slot(slot))
		form = after
	}
	text := c.text.String()
	if often != "" && !c.repeats || c.onSite && c.hour == 0 {
		return Row{}, false // at midnight people are at home
	}
	if c.output.Action == "" { // of the noted: the form itself has it
		c.output.Action = "Meet"
	}
	return Row{Text: text, Output: c.output}, true
}

// slot returns the text of a slot and sets its label.
func (c *composer) slot(name string) string {
	var text, label string
	o := &c.output
	switch name {
	case "Action", "action", "Book", "BookA", "noun":
		text, o.Action = c.action(name)
	case "date":
		text, o.Date = c.date(c.family.date[c.IntN(len(c.family.date))])
	case "time":
		inWords := strings.HasSuffix(c.text.String(), " at ")
		text, o.Time = c.clock(c.hour, c.minute, c.family.clock, inWords)
	case "dur":
		text, label = c.span(c.family.span)
		o.Duration = &label
	case "who", "names":
		text, o.Attendees = c.people(c.crowd(), c.family.joint, c.family.leisure, name == "names")
	case "one":
		text, o.Attendees = c.people(1, c.family.joint, c.family.leisure, true)
	case "at":
		text, label = c.at(c.scene)
		o.Location, c.onSite = &label, true
	case "on":
		label = c.platform()
		text = c.source.one("on", "on", "via", "over") + " " + label
		o.Location = &label
	case "Place", "Site", "Named":
		text, c.onSite = c.place(name)
		o.Location = &text
	case "aim":
		text = c.source.one("discuss", "talk about", "go over", "plan") + " " + c.topic()
		o.Notes = &text
	case "bring":
		label = "bring " + c.from(bringable)
		text = strings.TrimPrefix(label, "bring ")
		o.Notes = &label
	default:
		panic(fmt.Sprintf("slot {%s} of a form is not known", name))
	}
	return text
}

// place returns the place of a slot without a preposition, and whether it is a real one.
func (c *composer) place(slot string) (text string, real bool) {
	switch slot {
	case "Place":
		if c.chance(55) {
			return c.remote(), false
		}
		return c.site(), true
	case "Site":
		return c.site(), true
	}
	return c.named(c.scene), true
}

// crowd returns how many attendees there are.
func (c *composer) crowd() int {
	if w := c.family.crowd; w != [3]int{} {
		return 1 + c.weighted(w[:]...)
	}
	return 1 + c.weighted(50, 35, 15)
}

// action returns the event as a slot wants it, and its label.
func (c *composer) action(slot string) (text, label string) {
	leisure, many := c.family.leisure, c.family.crowd[2] > 50
	var p phrase
	switch {
	case slot == "noun" || slot == "Book" || slot == "BookA" || c.often != "":
		p = c.noun(leisure, c.hour, many)
	case leisure:
		p = c.leisure(c.hour, many)
	default:
		p = c.work()
	}
	if leisure {
		c.scene = p.scene
	}
	if c.often != "" {
		p.text = c.often + " " + p.text
		c.output.Recurrence, c.repeats = &c.often, true
	}
	switch slot {
	case "action", "noun":
		return p.text, p.text
	case "Book":
		p.text = c.source.one("Schedule", "Book", "Plan", "Arrange", "Organize", "Set") + " " + p.text
	case "BookA":
		p.text = c.source.one("Schedule", "Book", "Plan", "Arrange", "Organize", "Set up") + " " + withArticle(p.text)
	default:
		p.text = capital(p.text)
	}
	return p.text, p.text
}
