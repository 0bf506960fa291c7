package experiments

import (
	"regexp"
	"strconv"
	"strings"
)

// date is a calendar date as it was written.
type date struct {
	day, month, year int
	iso              bool
}

var (
	isoDate   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:T.*)?$`)
	yearFirst = regexp.MustCompile(`^(\d{4})[/.](\d{1,2})[/.](\d{1,2})$`)
	numDate   = regexp.MustCompile(`^(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4})$`)
	dayWord   = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th)?[\s,-]*([a-z]{3,9})\.?[\s,-]*(\d{4})$`)
	wordDay   = regexp.MustCompile(`^([a-z]{3,9})\.?[\s,-]*(\d{1,2})(?:st|nd|rd|th)?[\s,-]*(\d{4})$`)
	clockTime = regexp.MustCompile(`^(\d{1,2})(?:[:.](\d{2}))?(?:[:.](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?$`)
	timeSpan  = regexp.MustCompile(`^(\d{1,4}(?:\.\d{1,3})?|an?|one|half an|two|three)[\s-]*(h|hr|hrs|hour|hours|m|min|mins|minute|minutes)$`)
)

var monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// dateTextLimit is the longest text that is looked at as a date, a time or a
// length of time, in bytes.
const dateTextLimit = 40

// short is a value's text, trimmed and in lower case; false for what is no short
// text.
func short(v any) (string, bool) {
	s, ok := v.(string)
	if !ok || len(s) > dateTextLimit {
		return "", false
	}
	return strings.ToLower(strings.TrimSpace(s)), true
}

// parseDate reads a date. Where day and month are numbers, dayFirst says which
// comes first, unless only one reading is a date.
func parseDate(v any, dayFirst bool) (date, bool) {
	s, ok := short(v)
	if !ok {
		return date{}, false
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // at most four digits
	var d date
	switch {
	case isoDate.MatchString(s):
		p := isoDate.FindStringSubmatch(s)
		d = date{day: number(p[3]), month: number(p[2]), year: number(p[1]), iso: true}
	case yearFirst.MatchString(s):
		p := yearFirst.FindStringSubmatch(s)
		d = date{day: number(p[3]), month: number(p[2]), year: number(p[1])}
	case numDate.MatchString(s):
		p := numDate.FindStringSubmatch(s)
		a, b := number(p[1]), number(p[2])
		if dayFirst && b <= 12 || a > 12 {
			d = date{day: a, month: b, year: number(p[3])}
		} else {
			d = date{day: b, month: a, year: number(p[3])}
		}
	case dayWord.MatchString(s):
		p := dayWord.FindStringSubmatch(s)
		d = date{day: number(p[1]), month: monthOf(p[2]), year: number(p[3])}
	case wordDay.MatchString(s):
		p := wordDay.FindStringSubmatch(s)
		d = date{day: number(p[2]), month: monthOf(p[1]), year: number(p[3])}
	}
	return d, d.day >= 1 && d.day <= 31 && d.month >= 1 && d.month <= 12
}

// monthOf is the number of a month's name or its beginning, 0 of another word.
func monthOf(word string) int {
	for i, name := range monthNames {
		if len(word) >= 3 && strings.HasPrefix(name, word) || word == "sept" && i == 8 {
			return i + 1
		}
	}
	return 0
}

// writesDayFirst says how dates in numbers are written, from those that have one
// reading only; day first where none tells.
func writesDayFirst(texts []string) bool {
	day, month := 0, 0
	for _, s := range texts {
		if len(s) > dateTextLimit {
			continue
		}
		p := numDate.FindStringSubmatch(strings.TrimSpace(s))
		if p == nil {
			continue
		}
		a, _ := strconv.Atoi(p[1])
		b, _ := strconv.Atoi(p[2])
		if a > 12 && b <= 12 {
			day++
		} else if b > 12 && a <= 12 {
			month++
		}
	}
	return day >= month
}

func (m *mistake) dates() (want, got date, ok bool) {
	want, ok = parseDate(m.want, m.dayFirst)
	if !ok {
		return want, got, false
	}
	got, ok = parseDate(m.got, m.dayFirst)
	return want, got, ok
}

func isISO(v any) bool {
	s, ok := short(v)
	return ok && isoDate.MatchString(s)
}

func (m *mistake) sameDate() bool { return m.dateDiffers(false, false, false) }

func (m *mistake) dateDiffers(day, month, year bool) bool {
	want, got, ok := m.dates()
	return ok && (want.day != got.day) == day && (want.month != got.month) == month && (want.year != got.year) == year
}

func (m *mistake) swappedDate() bool {
	want, got, ok := m.dates()
	return ok && want.day == got.month && want.month == got.day && want.year == got.year
}

// clock is a time of day as it was written.
type clock struct {
	minutes int  // since midnight
	half    bool // with AM or PM
}

func parseClock(v any) (clock, bool) {
	s, ok := short(v)
	p := clockTime.FindStringSubmatch(s)
	if !ok || p == nil || p[2] == "" && p[4] == "" { // a number alone is no time
		return clock{}, false
	}
	hour, _ := strconv.Atoi(p[1])
	minute, _ := strconv.Atoi(p[2])
	c := clock{half: p[4] != ""}
	if hour > 23 || minute > 59 || c.half && hour > 12 {
		// "13:00 PM" is written in both ways at once: it is read as what it says.
		if hour > 23 || minute > 59 {
			return clock{}, false
		}
		return clock{minutes: 60*hour + minute}, true
	}
	if c.half {
		hour %= 12
		if strings.HasPrefix(p[4], "p") {
			hour += 12
		}
	}
	c.minutes = 60*hour + minute
	return c, true
}

func (m *mistake) clocks() (want, got clock, ok bool) {
	want, ok = parseClock(m.want)
	if !ok {
		return want, got, false
	}
	got, ok = parseClock(m.got)
	return want, got, ok
}

func (m *mistake) otherClock() bool {
	want, got, ok := m.clocks()
	return ok && want.minutes == got.minutes && want.half != got.half
}

func (m *mistake) sameTime() bool {
	want, got, ok := m.clocks()
	return ok && want.minutes == got.minutes
}

func (m *mistake) swappedHalf() bool {
	want, got, ok := m.clocks()
	return ok && (want.minutes-got.minutes == 720 || got.minutes-want.minutes == 720)
}

func (m *mistake) wrongHour() bool {
	want, got, ok := m.clocks()
	return ok && want.minutes%60 == got.minutes%60
}

// sameLength: "2hrs" and "2 hours", "90 min" and "1.5 hours".
func (m *mistake) sameLength() bool {
	want, ok := parseSpan(m.want)
	if !ok {
		return false
	}
	got, ok := parseSpan(m.got)
	return ok && want == got
}

// parseSpan reads a length of time in minutes.
func parseSpan(v any) (float64, bool) {
	s, ok := short(v)
	p := timeSpan.FindStringSubmatch(s)
	if !ok || p == nil {
		return 0, false
	}
	words := map[string]float64{"a": 1, "an": 1, "one": 1, "half an": 0.5, "two": 2, "three": 3}
	n, ok := words[p[1]]
	if !ok {
		n, _ = strconv.ParseFloat(p[1], 64) // the pattern lets nothing else through
	}
	if strings.HasPrefix(p[2], "h") {
		n *= 60
	}
	return n, true
}
