package calendar

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reader derives labels from a text by itself: it knows how dates, times and durations are
// written, and nothing of how the rows were made.
type reader struct {
	dates    []*regexp.Regexp // with named groups d, m, y
	times    []*regexp.Regexp // with named groups h, n, half
	spans    *regexp.Regexp
	spelled  *regexp.Regexp
	repeated *regexp.Regexp
}

func newReader() reader {
	var r reader
	const y, d, name = `(?P<y>20\d\d)`, `(?P<d>\d{1,2})`, `(?P<m>[A-Z][a-z]{2,8})`
	for _, p := range []string{
		`\b` + y + `-(?P<m>\d\d)-(?P<d>\d\d)\b`, `\b` + d + `/(?P<m>\d{1,2})/` + y + `\b`, `\b` + d + `(?:st|nd|rd|th),? ` + name + `,? ` + y + `\b`,
		`\b` + d + ` - ` + name + ` - ` + y + `\b`, `\b` + name + ` ` + d + `, ` + y + `\b`,
	} {
		r.dates = append(r.dates, regexp.MustCompile(p))
	}
	for _, p := range []string{`\b(?P<h>\d{1,2})(?::(?P<n>\d\d))?[ \x{202f}]?(?P<half>[AaPp][Mm])\b`, `\b(?P<h>\d\d):(?P<n>\d\d)\b`, `\bat (?P<half>noon|midnight)\b`} {
		r.times = append(r.times, regexp.MustCompile(p))
	}
	r.spans = regexp.MustCompile(`\b\d+(\.\d)?( hours?| minutes| hrs?| mins|hrs?|mins?|h|m)\b`)
	r.spelled = regexp.MustCompile(`\b(half an hour|an hour and a half|an hour|two hours|three hours)\b`)
	r.repeated = regexp.MustCompile(`(?i)\b(daily|weekly|biweekly|monthly|quarterly|annual)\b`)
	return r
}

// cut returns what the only match of one of the patterns holds, and the text without it.
func cut(t *testing.T, patterns []*regexp.Regexp, text string) (groups map[string]string, rest string) {
	t.Helper()
	for _, p := range patterns {
		all := p.FindAllStringSubmatchIndex(text, -1)
		if len(all) == 0 {
			continue
		}
		if len(all) > 1 {
			t.Fatalf("%q: %v matches %d times", text, p, len(all))
		}
		groups = map[string]string{}
		for i, name := range p.SubexpNames() {
			if at := all[0][2*i]; at >= 0 {
				groups[name] = text[at:all[0][2*i+1]]
			}
		}
		return groups, text[:all[0][0]] + "#" + text[all[0][1]:]
	}
	t.Fatalf("%q: no match", text)
	return nil, ""
}

func (r reader) date(t *testing.T, text string) (label, rest string) {
	g, rest := cut(t, r.dates, text)
	month, err := strconv.Atoi(g["m"])
	if err != nil {
		const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
		month = strings.Index(names, g["m"][:3])/3 + 1
	}
	day, _ := strconv.Atoi(g["d"])
	return fmt.Sprintf("%02d/%02d/%s", day, month, g["y"]), rest
}

func (r reader) time(t *testing.T, text string) (label, rest string) {
	g, rest := cut(t, r.times, text)
	hour, _ := strconv.Atoi(g["h"])
	minute := max(g["n"], "00")
	switch strings.ToLower(g["half"]) {
	case "noon":
		return "12:00 PM", rest
	case "midnight":
		return "12:00 AM", rest
	case "am", "pm":
		return fmt.Sprintf("%d:%s %s", hour, minute, strings.ToUpper(g["half"])), rest
	}
	half := "AM"
	if hour >= 12 {
		half, hour = "PM", hour-12
	}
	if hour == 0 {
		hour = 12
	}
	return fmt.Sprintf("%d:%s %s", hour, minute, half), rest
}

func (r reader) duration(text string) string {
	if s := r.spans.FindString(text); s != "" {
		return s
	}
	return map[string]string{
		"": "", "half an hour": "30 minutes", "an hour": "1 hour", "an hour and a half": "1.5 hours", "two hours": "2 hours", "three hours": "3 hours",
	}[r.spelled.FindString(text)]
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestLabelsFollowFromTheText(t *testing.T) {
	r := newReader()
	booking := regexp.MustCompile(`^(Put down|Pencil in|Block time for|Reminder)`)
	withWhom := regexp.MustCompile(`\b(with|w/) `)
	for seed := range uint64(25) {
		s := Generate(seed)
		for _, row := range slices.Concat(s.Train, s.Eval, s.Test) {
			o := row.Output
			date, rest := r.date(t, row.Text)
			clock, rest := r.time(t, rest)
			for name, pair := range map[string][2]string{
				"date": {o.Date, date}, "time": {o.Time, clock}, "duration": {text(o.Duration), r.duration(rest)},
				"recurrence": {text(o.Recurrence), strings.ToLower(r.repeated.FindString(row.Text))},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%q: %s is labelled %q, reads %q", row.Text, name, pair[0], pair[1])
				}
			}
			for _, part := range append([]string{o.Action, text(o.Location), text(o.Notes)}, o.Attendees...) {
				if !strings.Contains(row.Text, part) {
					t.Errorf("%q: %q is not in it", row.Text, part)
				}
				if strings.HasPrefix(part, "the ") || strings.TrimSpace(part) != part {
					t.Errorf("%q: %q", row.Text, part)
				}
			}
			if o.Action == "" || booking.MatchString(o.Action) {
				t.Errorf("%q: action %q", row.Text, o.Action)
			}
			if o.Attendees == nil && withWhom.MatchString(row.Text) || o.Attendees != nil && len(o.Attendees) == 0 {
				t.Errorf("%q: attendees %v", row.Text, o.Attendees)
			}
			// The fields part the text: no word stands for two of them.
			left := row.Text
			for _, part := range append([]string{text(o.Location), text(o.Notes), o.Action}, o.Attendees...) {
				if part != "" && strings.Count(left, part) == 0 {
					t.Errorf("%q: %q is in it only inside another field", row.Text, part)
				}
				left = strings.Replace(left, part, "#", 1)
			}
			if t.Failed() {
				return
			}
		}
	}
}

func TestClockTurnsAtNoonAndMidnight(t *testing.T) {
	for in, want := range map[[2]int]string{
		{0, 0}: "12:00 AM", {0, 30}: "12:30 AM", {1, 5}: "1:05 AM", {11, 59}: "11:59 AM", {12, 0}: "12:00 PM", {12, 30}: "12:30 PM", {13, 0}: "1:00 PM", {23, 45}: "11:45 PM",
	} {
		if got := clockLabel(in[0], in[1]); got != want {
			t.Errorf("%02d:%02d is %q, want %q", in[0], in[1], got, want)
		}
	}
}
