package pretrain

import (
	"fmt"
	"strings"
)

// A clock is a time of the day.
type clock struct{ hour, minute int }

// drawClock makes noon and midnight, where 12 comes before 1, more common than they are.
func drawClock(r *source) clock {
	c := clock{hour: r.below(24)}
	switch x := r.below(100); {
	case x < 11:
		c.hour = 12
	case x < 17:
		c.hour = 0
	case x < 70:
		c.hour = r.between(7, 20)
	}
	if r.chance(65) {
		c.minute = pick(r, []int{0, 0, 0, 0, 30, 30, 15, 45})
	} else {
		c.minute = r.below(60)
	}
	return c
}

func (c clock) twelve() int { return (c.hour+11)%12 + 1 }

func (c clock) half() string {
	if c.hour < 12 {
		return "AM"
	}
	return "PM"
}

// A clockFormat is how an answer writes a time, and what a prompt calls that.
type clockFormat struct {
	name  string
	write func(clock) string
}

var (
	twelve  = clockFormat{"12-hour", func(c clock) string { return fmt.Sprintf("%d:%02d %s", c.twelve(), c.minute, c.half()) }}
	twenty4 = clockFormat{"24-hour", func(c clock) string { return fmt.Sprintf("%02d:%02d", c.hour, c.minute) }}
	lower   = clockFormat{"am/pm", func(c clock) string { return strings.ToLower(twelve.write(c)) }}

	clockFormats = []clockFormat{twelve, twelve, twelve, twelve, twenty4, twenty4, lower}
)

// clockSpellings are the ways in which a text writes a time. Full hours and 12 o'clock may be shorter
// or a word.
var clockSpellings = []func(clock) string{
	twelve.write, twelve.write, lower.write, lower.write, lower.write, twenty4.write, twenty4.write, twenty4.write,
	tight, tight, tight, short, short, short, short,
	func(c clock) string { return strings.ToUpper(tight(c)) },
	func(c clock) string { return strings.ToUpper(spacedShort(c)) },
	spacedShort,
	word, word,
	func(c clock) string {
		return strings.NewReplacer("am", "a.m.", "pm", "p.m.").Replace(spacedShort(c))
	},
	func(c clock) string { return fmt.Sprintf("%d:%02d", c.hour, c.minute) },
}

// tight is 4:00pm.
func tight(c clock) string { return strings.ReplaceAll(lower.write(c), " ", "") }

// short is 4pm, and 4:30pm.
func short(c clock) string { return strings.Replace(tight(c), ":00", "", 1) }

// spacedShort is 4 pm, and 4:30 pm.
func spacedShort(c clock) string { return strings.Replace(lower.write(c), ":00", "", 1) }

func word(c clock) string {
	switch c {
	case clock{12, 0}:
		return "noon"
	case clock{0, 0}:
		return "midnight"
	}
	return short(c)
}
