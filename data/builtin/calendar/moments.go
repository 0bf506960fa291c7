package calendar

import (
	"fmt"
	"strings"
	"time"
)

// dateStyle is a way to write a date.
type dateStyle int

const (
	slashed       dateStyle = iota // 05/04/2024, now and then 5/4/2024
	iso                            // 2024-04-05
	ordinalComma                   // 5th, Apr 2024
	ordinalLong                    // 5th, April 2024
	ordinalMonth                   // 5th April, 2024
	ordinalShort                   // 5th Apr, 2024
	dashed                         // 05 - April - 2024
	dashedShort                    // 05 - Apr - 2024
	monthFirst                     // April 5, 2024
	monthFirstAbr                  // Apr 5, 2024
)

// date returns a day as written in a style, and its label.
func (s *source) date(style dateStyle) (text, label string) {
	year := 2023 + s.weighted(18, 36, 18, 14, 8, 6)
	d := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
	d = d.AddDate(0, 0, s.IntN(365))
	return writeDate(d, style, s.chance(20)), d.Format("02/01/2006")
}

// writeDate writes a day; bare is without leading zeros where a style can do without.
func writeDate(d time.Time, style dateStyle, bare bool) string {
	nth := ordinal(d.Day())
	switch style {
	case slashed:
		if bare {
			return d.Format("2/1/2006")
		}
		return d.Format("02/01/2006")
	case iso:
		return d.Format("2006-01-02")
	case ordinalComma:
		return nth + d.Format(", Jan 2006")
	case ordinalLong:
		return nth + d.Format(", January 2006")
	case ordinalMonth:
		return nth + d.Format(" January, 2006")
	case ordinalShort:
		return nth + d.Format(" Jan, 2006")
	case dashed:
		return d.Format("02 - January - 2006")
	case dashedShort:
		return d.Format("02 - Jan - 2006")
	case monthFirstAbr:
		return d.Format("Jan 2, 2006")
	default:
		return d.Format("January 2, 2006")
	}
}

func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}

// clockStyle is a way to write a time of day.
type clockStyle int

const (
	spaced clockStyle = iota // 4:00 pm, at times with a narrow no-break space as phones type it
	joined                   // 4pm, 4:15pm
	upper                    // 4 PM, 4:15 PM
	day24                    // 16:00
)

// hour returns when an event begins.
func (s *source) hour(leisure bool) (hour, minute int) {
	hour = 8 + s.weighted(4, 10, 14, 10, 5, 8, 10, 10, 8, 5)
	if leisure {
		hour = 7 + s.weighted(4, 6, 8, 9, 6, 6, 6, 6, 5, 5, 6, 8, 9, 6, 2)
	}
	// The hours that a rule of thumb gets wrong are more frequent than people have them.
	switch {
	case s.chance(6):
		hour = 12
	case !leisure && s.chance(4):
		hour = 0
	}
	minute = 15 * s.weighted(56, 12, 22, 10)
	if s.chance(6) {
		minute = 5 * s.IntN(12)
	}
	return hour, minute
}

// clock returns a time as written in a style, and its label. inWords allows "noon".
func (s *source) clock(hour, minute int, style clockStyle, inWords bool) (text, label string) {
	label = clockLabel(hour, minute)
	if inWords && label == "12:00 PM" && s.chance(50) {
		return "noon", label
	}
	if inWords && label == "12:00 AM" && s.chance(50) {
		return "midnight", label
	}
	return s.writeClock(style, hour, minute), label
}

func clockLabel(hour, minute int) string {
	half := "AM"
	if hour >= 12 {
		half = "PM"
	}
	return fmt.Sprintf("%d:%02d %s", (hour+11)%12+1, minute, half)
}

func (s *source) writeClock(style clockStyle, hour, minute int) string {
	if style == day24 {
		return fmt.Sprintf("%02d:%02d", hour, minute)
	}
	text, half, _ := strings.Cut(clockLabel(hour, minute), " ")
	if style != spaced {
		text = strings.TrimSuffix(text, ":00")
	}
	switch style {
	case upper:
		return text + " " + half
	case joined:
		return text + strings.ToLower(half)
	}
	gap := " "
	if s.chance(12) {
		gap = "\u202f"
	}
	return text + gap + strings.ToLower(half)
}

// spanStyle is a way to write a duration.
type spanStyle int

const (
	full   spanStyle = iota // 45 minutes, 1 hour
	inFull                  // the same, at times in words: an hour and a half
	short                   // 45 mins, 1 hr
	glued                   // 45min, 1hr
	tiny                    // 45m, 1h
)

// inWords are durations spelled out and their labels.
var inWords = map[int][2]string{
	30:  {"half an hour", "30 minutes"},
	60:  {"an hour", "1 hour"},
	90:  {"an hour and a half", "1.5 hours"},
	120: {"two hours", "2 hours"},
	180: {"three hours", "3 hours"},
}

// span returns a duration as written in a style, and its label. That of something brief is
// under an hour.
func (s *source) span(style spanStyle, brief bool) (text, label string) {
	minutes := []int{60, 30, 45, 120, 90, 20, 15, 180, 40, 75, 50, 25, 240, 150}[s.weighted(32, 18, 15, 11, 9, 4, 4, 3, 2, 2, 2, 1, 2, 1)]
	if brief && minutes >= 60 {
		minutes = 10 + 5*s.IntN(4)
	}
	if w, ok := inWords[minutes]; ok && style == inFull && s.chance(45) {
		return w[0], w[1]
	}
	hours := minutes >= 120 || minutes == 60 || minutes == 90 && s.chance(50)
	number := fmt.Sprint(minutes)
	if hours {
		number = strings.TrimSuffix(fmt.Sprintf("%.1f", float64(minutes)/60), ".0")
	}
	units := map[spanStyle][2]string{
		full: {" minutes", " hour"}, inFull: {" minutes", " hour"}, short: {" mins", " hr"},
		glued: {s.one("min", "mins"), "hr"}, tiny: {"m", "h"},
	}[style]
	unit := units[0]
	if hours {
		unit = units[1]
		if number != "1" && style != tiny {
			unit += "s"
		}
	}
	return number + unit, number + unit
}
