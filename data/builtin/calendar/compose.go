package calendar

import (
	"fmt"
	"strings"
)

// longest is how long a text may be, in bytes: an example is to stay under 200 tokens of the
// small vocabulary of the built-in model.
const longest = 125

// bringable is what people are told to bring.
var bringable = list("some snacks, the tickets, warm clothes, a towel, an umbrella, the keys, two folding chairs, your notebook, cash, a cake, " +
	"the camera, a blanket, some water, sunscreen, a friend, your own mug, the sheet music, good shoes")

// composer writes one row.
type composer struct {
	*source
	family *family
	often  string // "weekly" and its like, "" for none
	hour   int
	minute int
	scene  *scene
	onSite bool // the location is no platform
	text   strings.Builder
	output Output
}

// compose returns a row of a form of a family. It is false for one that people would not write.
func (s *source) compose(f *family, form, often string) (Row, bool) {
	c := composer{source: s, family: f, often: often, scene: &office}
	c.hour, c.minute = s.hour(f.leisure)
	if f.clock == joined && s.chance(38) {
		c.minute = 0 // "4pm" is what this style is for
	}
	if f.leisure {
		c.scene = &gathering // until the event says more
	}
	for form != "" {
		before, rest, found := strings.Cut(form, "{")
		c.text.WriteString(before)
		if !found {
			break
		}
		slot, after, _ := strings.Cut(rest, "}")
		c.text.WriteString(c.slot(slot))
		form = after
	}
	if c.output.Action == "" { // of the noted: the form itself has it
		c.output.Action = "Meet"
	}
	if c.text.Len() > longest || c.odd() || c.ambiguous() {
		return Row{}, false
	}
	return Row{Text: c.text.String(), Output: c.output}, true
}

// odd reports whether something is at midnight and not remote, or one-on-one with several.
func (c *composer) odd() bool {
	return c.onSite && c.hour == 0 || strings.Contains(c.output.Action, "-on-") && len(c.output.Attendees) > 1
}

// ambiguous reports whether two fields share a word, so that a label could be read off either.
func (c *composer) ambiguous() bool {
	fields := append([]string{c.output.Action}, c.output.Attendees...)
	if c.output.Location != nil {
		fields = append(fields, *c.output.Location)
	}
	seen := map[string]bool{}
	for _, f := range fields {
		for _, w := range Words(f) {
			if seen[w] && len(w) > 1 {
				return true
			}
			seen[w] = true
		}
	}
	return false
}

// slot returns the text of a slot and sets its label.
func (c *composer) slot(name string) string {
	var text, label string
	o := &c.output
	switch name {
	case "Action", "action", "Event", "Book", "BookA", "noun":
		text, o.Action = c.action(name)
	case "date":
		text, o.Date = c.date(c.family.date[c.IntN(len(c.family.date))])
	case "time":
		inWords := strings.HasSuffix(c.text.String(), " at ")
		text, o.Time = c.clock(c.hour, c.minute, c.family.clock, inWords)
	case "dur":
		text, label = c.span(c.family.span, strings.Contains(strings.ToLower(o.Action), "quick") || strings.HasSuffix(o.Action, "chat"))
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
		text = c.one("on", "on", "via", "over") + " " + label
		o.Location = &label
	case "Place", "Site", "Named":
		text, c.onSite = c.place(name)
		o.Location = &text
	case "aim":
		text = c.one("discuss", "talk about", "go over", "plan for") + " the " + c.topic() + " " + c.one(paperwork...)
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
	leisure, many := c.family.leisure, c.family.social
	var p phrase
	switch {
	case slot == "noun" || slot == "Event" || slot == "Book" || slot == "BookA" || c.often != "":
		for p = c.noun(leisure, c.hour, many); c.often != "" && !regular(p.text); {
			p = c.noun(leisure, c.hour, many)
		}
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
		c.output.Recurrence = &c.often
	}
	switch slot {
	case "action", "noun":
		return p.text, p.text
	case "Book":
		p.text = c.one("Schedule", "Book", "Plan", "Arrange", "Organize", "Set") + " " + p.text
	case "BookA":
		p.text = c.one("Schedule", "Book", "Plan", "Arrange", "Organize", "Set up") + " " + withArticle(p.text)
	default:
		p.text = capital(p.text)
	}
	return p.text, p.text
}
