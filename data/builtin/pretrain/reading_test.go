package pretrain

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hone/data"
)

// Dates and times are read back here with package time, not with what wrote them.

// layouts of the texts' dates, once ordinals, weekdays and commas are out.
var layouts = []string{
	"2/1/2006", "2006-01-02", "January 2 2006", "2 January 2006", "2.1.2006", "2006/01/02",
	"02-01-2006", "02 - Jan - 2006", "02 - January - 2006", "02-Jan-2006", "2 Jan 2006", "Jan 2 2006",
}

var (
	ordinals = regexp.MustCompile(`\b(\d{1,2})(st|nd|rd|th)\b`)
	noise    = regexp.MustCompile(`\b(the|of|(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b|,`)
)

// plainDate takes out of a date what layouts do not have.
func plainDate(text string) string {
	return strings.Join(strings.Fields(noise.ReplaceAllString(ordinals.ReplaceAllString(text, "$1"), " ")), " ")
}

func readDate(t *testing.T, text string) time.Time {
	t.Helper()
	for _, layout := range layouts {
		if d, err := time.Parse(layout, plainDate(text)); err == nil {
			return d
		}
	}
	t.Fatalf("%q is no date", text)
	return time.Time{}
}

func readTime(t *testing.T, text string) time.Time {
	t.Helper()
	switch text {
	case "noon":
		text = "12:00 PM"
	case "midnight":
		text = "12:00 AM"
	}
	text = strings.ToUpper(strings.NewReplacer(".", "", " ", "").Replace(text))
	for _, layout := range []string{"3:04PM", "3PM", "15:04"} {
		if d, err := time.Parse(layout, text); err == nil {
			return d
		}
	}
	t.Fatalf("%q is no time", text)
	return time.Time{}
}

// goLayouts says the formats of answers in package time's words.
var goLayouts = map[string]string{
	"DD/MM/YYYY": "02/01/2006", "YYYY-MM-DD": "2006-01-02", "MM/DD/YYYY": "01/02/2006", "DD.MM.YYYY": "02.01.2006",
	"YYYY/MM/DD": "2006/01/02", "YYYYMMDD": "20060102", "Month D, YYYY": "January 2, 2006", "D Month YYYY": "2 January 2006",
	"12-hour": "3:04 PM", "24-hour": "15:04", "am/pm": "3:04 pm",
}

func TestDatesAndTimesAreRight(t *testing.T) {
	checked := map[string]int{}
	for _, d := range testDocuments(t) {
		if d.Kind != "date" && d.Kind != "time" {
			continue
		}
		head, list, _ := strings.Cut(strings.TrimSuffix(d.Prompt, "\n"), ": ")
		layout, ok := goLayouts[head[len("Date as "):]]
		if !ok {
			t.Fatalf("%q names no format", d.Prompt)
		}
		var want []string
		for text := range strings.SplitSeq(list, "; ") {
			if d.Kind == "date" {
				want = append(want, readDate(t, text).Format(layout))
			} else {
				want = append(want, readTime(t, text).Format(layout))
			}
			checked[d.Kind]++
		}
		if got := strings.Join(want, "; "); got != d.Completion {
			t.Fatalf("%q: answer %q, read back %q", d.Prompt, d.Completion, got)
		}
	}
	if checked["date"] < 1000 || checked["time"] < 1000 {
		t.Fatalf("only %v checked", checked)
	}
}

func TestWeekdaysAreRight(t *testing.T) {
	weekday := regexp.MustCompile(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)`)
	n := 0
	for i := range uint64(2000) {
		d := drawDate(newSource(testSeed, i))
		for _, spell := range dateSpellings {
			text := spell(d)
			named := weekday.FindString(text)
			if named == "" {
				continue
			}
			n++
			if day := readDate(t, text); day.Format("Mon") != named {
				t.Fatalf("%q: that is a %s", text, day.Weekday())
			}
		}
	}
	if n < 2000 {
		t.Fatalf("only %d weekdays", n)
	}
}

// An answer to the built-in dataset's prompt says what the event says, in its own words.
func TestCalendarAnswersTheEvent(t *testing.T) {
	n := 0
	for _, d := range allDocuments(t) {
		if d.Kind != "calendar" {
			continue
		}
		n++
		text, ok := data.Extract(data.DefaultTemplate, d.Prompt)
		if !ok {
			t.Fatalf("%q is not the prompt of the built-in dataset", d.Prompt)
		}
		o, err := data.ParseObject([]byte(d.Completion))
		if err != nil {
			t.Fatal(err)
		}
		fields := o.Map()
		values := []any{fields["title"], fields["where"]}
		if who, ok := fields["who"].([]any); ok {
			values = append(values, who...)
		}
		for _, v := range values {
			if s, ok := v.(string); ok && !strings.Contains(text, s) {
				t.Fatalf("%q is not in %q", s, text)
			}
		}
		when, err := time.Parse("2006-01-02 15:04", fields["when"].(string))
		if err != nil {
			t.Fatal(err)
		}
		plain := plainDate(text)
		if !slices.ContainsFunc(append(layouts, "02/01/2006", "02.01.2006"), func(layout string) bool { return strings.Contains(plain, when.Format(layout)) }) {
			t.Fatalf("%q does not say %s", text, when.Format(time.DateOnly))
		}
		low := strings.ToLower(strings.ReplaceAll(text, ".m.", "m"))
		spelled := slices.ContainsFunc([]string{"3:04 pm", "3:04pm", "3pm", "3 pm", "15:04"}, func(layout string) bool {
			return (when.Minute() == 0 || strings.Contains(layout, "04")) && strings.Contains(low, when.Format(layout))
		})
		unpadded := strings.TrimPrefix(when.Format("15:04"), "0")
		if !spelled && !strings.Contains(low, unpadded) && !strings.Contains(low, "noon") && !strings.Contains(low, "midnight") {
			t.Fatalf("%q does not say %s", text, when.Format("15:04"))
		}
	}
	if n < 800 {
		t.Fatalf("only %d", n)
	}
}

// Every part of an event stands in its text, and the answer to any schema is a part or null.
func TestTextHoldsTheEvent(t *testing.T) {
	v := newVocabulary(testTokenizer(t))
	for i := range uint64(10000) {
		w := &writer{source: newSource(testSeed, i), vocabulary: v, terse: i >= 5000, turns: i >= 5000}
		e := w.event(80, 80, 80, 50, 50)
		text := w.text(e)
		for _, part := range append([]string{e.action, e.place, e.note}, e.people...) {
			if !strings.Contains(text, part) {
				t.Fatalf("%q is not in %q", part, text)
			}
		}
		if !strings.Contains(strings.ToLower(text), strings.ToLower(e.recurrence)) {
			t.Fatalf("%q is not in %q", e.recurrence, text)
		}
		if !slices.ContainsFunc(append(spellings[e.duration], e.duration), func(said string) bool { return strings.Contains(text, said) }) {
			t.Fatalf("%q is not in %q", e.duration, text)
		}
	}
}

func TestNoonAndMidnightAreCommon(t *testing.T) {
	noon, midnight := 0, 0
	for i := range uint64(10000) {
		switch drawClock(newSource(testSeed, i)).hour {
		case 12:
			noon++
		case 0:
			midnight++
		}
	}
	if noon < 1000 || noon > 2500 || midnight < 500 || midnight > 1500 {
		t.Errorf("%d and %d of 10000 times", noon, midnight)
	}
}
