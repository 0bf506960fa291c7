package pretrain

import (
	"fmt"
	"time"
)

// A date is a day of the Gregorian calendar.
type date struct{ year, month, day int }

func drawDate(r *source) date {
	d := date{year: r.between(2016, 2034), month: r.between(1, 12)}
	// The day before the first of the next month.
	d.day = r.between(1, time.Date(d.year, time.Month(d.month)+1, 0, 0, 0, 0, 0, time.UTC).Day())
	return d
}

func (d date) monthName() string { return time.Month(d.month).String() }
func (d date) monthShort() string {
	return d.monthName()[:3]
}

func (d date) weekday() string {
	return time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Weekday().String()
}

// ordinal returns 1st, 2nd, 11th, 23rd.
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

// A dateFormat is how an answer writes a date, and what a prompt calls that.
type dateFormat struct {
	name  string
	write func(date) string
}

// The formats of answers. dmy is what the calendar wants in the end and iso the next most common.
var (
	dmy     = dateFormat{"DD/MM/YYYY", func(d date) string { return fmt.Sprintf("%02d/%02d/%d", d.day, d.month, d.year) }}
	iso     = dateFormat{"YYYY-MM-DD", func(d date) string { return fmt.Sprintf("%d-%02d-%02d", d.year, d.month, d.day) }}
	mdy     = dateFormat{"MM/DD/YYYY", func(d date) string { return fmt.Sprintf("%02d/%02d/%d", d.month, d.day, d.year) }}
	dotted  = dateFormat{"DD.MM.YYYY", func(d date) string { return fmt.Sprintf("%02d.%02d.%d", d.day, d.month, d.year) }}
	slashed = dateFormat{"YYYY/MM/DD", func(d date) string { return fmt.Sprintf("%d/%02d/%02d", d.year, d.month, d.day) }}
	digits  = dateFormat{"YYYYMMDD", func(d date) string { return fmt.Sprintf("%d%02d%02d", d.year, d.month, d.day) }}
	us      = dateFormat{"Month D, YYYY", func(d date) string { return fmt.Sprintf("%s %d, %d", d.monthName(), d.day, d.year) }}
	long    = dateFormat{"D Month YYYY", func(d date) string { return fmt.Sprintf("%d %s %d", d.day, d.monthName(), d.year) }}

	dateFormats = []dateFormat{dmy, dmy, dmy, dmy, iso, iso, iso, mdy, dotted, slashed, digits, us, long}
)

// dateSpellings are the ways in which a text writes a date. Numbers alone are day first or year first:
// a text never means 05/04 as May 4.
var dateSpellings = []func(date) string{
	dmy.write, dmy.write, iso.write, iso.write, us.write, us.write, us.write, long.write, long.write, dotted.write, slashed.write,
	func(d date) string { return fmt.Sprintf("%d/%d/%d", d.day, d.month, d.year) },
	func(d date) string { return fmt.Sprintf("%d.%d.%d", d.day, d.month, d.year) },
	func(d date) string { return fmt.Sprintf("%02d-%02d-%d", d.day, d.month, d.year) },
	func(d date) string { return fmt.Sprintf("%02d - %s - %d", d.day, d.monthShort(), d.year) },
	func(d date) string { return fmt.Sprintf("%02d - %s - %d", d.day, d.monthName(), d.year) },
	func(d date) string { return fmt.Sprintf("%02d-%s-%d", d.day, d.monthShort(), d.year) },
	func(d date) string { return fmt.Sprintf("%s, %s %d", ordinal(d.day), d.monthName(), d.year) },
	func(d date) string { return fmt.Sprintf("%s, %s %d", ordinal(d.day), d.monthShort(), d.year) },
	func(d date) string { return fmt.Sprintf("%s %s, %d", ordinal(d.day), d.monthName(), d.year) },
	func(d date) string { return fmt.Sprintf("%s %s, %d", ordinal(d.day), d.monthShort(), d.year) },
	func(d date) string { return fmt.Sprintf("%s %s %d", ordinal(d.day), d.monthName(), d.year) },
	func(d date) string { return fmt.Sprintf("%s %s %d", ordinal(d.day), d.monthShort(), d.year) },
	func(d date) string { return fmt.Sprintf("%d %s %d", d.day, d.monthShort(), d.year) },
	func(d date) string { return fmt.Sprintf("%s %d, %d", d.monthShort(), d.day, d.year) },
	func(d date) string { return fmt.Sprintf("%s %d, %d", d.monthShort(), d.day, d.year) },
	func(d date) string { return fmt.Sprintf("%s %s, %d", d.monthName(), ordinal(d.day), d.year) },
	func(d date) string { return fmt.Sprintf("%s %s %d", d.monthShort(), ordinal(d.day), d.year) },
	func(d date) string { return fmt.Sprintf("%s %d %d", d.monthName(), d.day, d.year) },
	func(d date) string { return fmt.Sprintf("the %s of %s %d", ordinal(d.day), d.monthName(), d.year) },
	func(d date) string {
		return fmt.Sprintf("%s, %s %d, %d", d.weekday(), d.monthName(), d.day, d.year)
	},
	func(d date) string {
		return fmt.Sprintf("%s %d %s %d", d.weekday()[:3], d.day, d.monthShort(), d.year)
	},
	func(d date) string {
		return fmt.Sprintf("%s, %s %s %d", d.weekday(), ordinal(d.day), d.monthName(), d.year)
	},
}
