package calendar

// family is a kind of sentence: how somebody writes all their events down.
//
// The slots of its forms:
//
//	{Action}   the event, capitalized        {action}  the same inside a sentence
//	{Event}    an event that takes an article, capitalized
//	{Book}     a verb of making and the event, capitalized: "Schedule tax review"
//	{BookA}    the same with an article: "Schedule a tax review"
//	{noun}     an event that takes an article
//	{date} {time} {dur}                      in the styles of the family
//	{who}      attendees                     {names}   those by a single name only
//	{one}      one attendee
//	{at}       preposition and place         {on}      preposition and platform
//	{Place}    a place of a closed set       {Site}    the same, not a platform
//	{Named}    any capitalized place
//	{bring}    a reminder                    {aim}     a purpose
type family struct {
	weight  int // of 1000, about
	leisure bool
	social  bool // nothing that one does alone
	date    []dateStyle
	clock   clockStyle
	span    spanStyle
	joint   joint
	crowd   [3]int // chances of one, two, three attendees; all 0 is 50, 35, 15
	forms   []string
}

// families are in the proportions of what people wrote.
var families = []family{
	{ // an outing, told in full
		weight: 58, leisure: true, date: []dateStyle{ordinalComma}, clock: spaced, span: inFull,
		forms: []string{
			"{Action} {at} on {date} at {time} for {dur}.", "{Action} {at} on {date} at {time} for {dur}.",
			"{Action} {at} on {date} around {time}, lasting {dur}.", "{Action} {at} on {date}, {time}, for about {dur}.",
			"{Action} {at} on {date}, starts {time}, {dur} or so.", "{Action} {at} on {date} starting at {time} for roughly {dur}.",
			"{Action} {at} on {date} from {time}, should take {dur}.",
		},
	},
	{ // remote, noted in haste
		weight: 86, date: []dateStyle{ordinalComma}, clock: spaced, span: short, crowd: [3]int{90, 10, 0},
		forms: []string{
			"{Action} {date} {time} w/ {names} {on} {dur}", "{Action} {date} {time} w/ {names} {Place} {dur}",
			"{date} {time} {action} w/ {names} {on} {dur}", "{time} {action} {date} w/ {names} {Place} {dur}", "{Action} w/ {names} {date} {time} {on} {dur}",
		},
	},
	{ // figures, two people
		weight: 54, date: []dateStyle{slashed}, clock: joined, span: full, crowd: [3]int{15, 75, 10},
		forms: []string{
			"{Action} on {date} at {time} with {who}, {dur}.", "{Event} set for {date} at {time} with {who}, lasting {dur}.",
			"{Event} planned {date} at {time} with {who}, {dur}.", "{Action} with {who} on {date} at {time}, {dur}.",
		},
	},
	{ // figures, booked, terse
		weight: 68, date: []dateStyle{slashed}, clock: joined, span: glued, crowd: [3]int{5, 10, 85},
		forms: []string{"{Book} {date} {time} {Named} with {who} {dur}.", "{Book} {date} {time} {Site} with {who} {dur}."},
	},
	{ // year first, three names
		weight: 84, date: []dateStyle{iso}, clock: spaced, span: short, joint: commas, crowd: [3]int{0, 15, 85},
		forms: []string{"{Action} {date} {time} {names} {dur}", "{Action} {date} {time} {names} {dur}", "{Action} {date} {time} {names} {dur}", "{Action} {date} {time} {names}", "{date} {time} {action} {names} {dur}"},
	},
	{ // year first, two names, platform
		weight: 64, date: []dateStyle{iso}, clock: spaced, span: tiny, joint: ampersand, crowd: [3]int{5, 90, 5},
		forms: []string{"{Action} {date} {time} w/ {names} {Place} {dur}", "{Action} {date} {time} w/ {who} {on} {dur}"},
	},
	{ // a diary
		weight: 60, leisure: true, date: []dateStyle{iso}, clock: upper, span: inFull, crowd: [3]int{85, 15, 0},
		forms: []string{
			"{date} {time} {Action} with {who} {at}, {dur}.", "{date} {time} {Action} with {who} {at} for {dur}.",
			"{date}, {time}: {Action} {at} with {who}, {dur}.",
		},
	},
	{ // year first, booked
		weight: 34, date: []dateStyle{iso}, clock: joined, span: full, crowd: [3]int{85, 15, 0},
		forms: []string{"{Book} {date} {time} with {who} for {dur}.", "{Book} with {who} {date} at {time} for {dur}."},
	},
	{ // an invitation
		weight: 72, leisure: true, date: []dateStyle{monthFirst}, clock: spaced, span: full, crowd: [3]int{80, 20, 0},
		forms: []string{
			"{Action} with {who} {at} on {date}, {time} for {dur}.", "{Action} with {who} {at} on {date}, {time}, {dur}.",
			"{Action} {at} with {who} on {date}, {time}, {dur}.", "{Action} with {who} on {date} at {time} {at}.",
		},
	},
	{ // month first, a list of names, platform
		weight: 48, date: []dateStyle{monthFirst}, clock: joined, span: glued, joint: commas, crowd: [3]int{0, 15, 85},
		forms: []string{"{date} {time} {action} {names} {on}", "{date} {time} {action} with {names} {on}", "{date} {time} {action} {names} {on}"},
	},
	{ // told to somebody who keeps the calendar
		weight: 66, date: []dateStyle{monthFirst}, clock: day24, span: inFull,
		forms: []string{
			"{BookA} for {date} at {time}, block {dur} for it.", "{BookA} on {date} at {time}, {dur} should do.",
			"Put down the {noun} for {date} at {time}, for {dur}.", "Pencil in the {noun} on {date} at {time}, let's keep it to {dur}.",
			"Block time for the {noun} on {date} at {time}, {dur} at most.", "Reminder: {noun} on {date} at {time}, takes {dur}.",
			"{BookA} with {who} for {date} at {time}, reserve {dur}.",
		},
	},
	{ // planned with place and people
		weight: 33, date: []dateStyle{monthFirst}, clock: spaced, span: full, crowd: [3]int{5, 85, 10},
		forms: []string{"{BookA} on {date} at {time} for {dur} with {who} {at}.", "{BookA} {at} on {date} at {time} with {who} for {dur}."},
	},
	{ // the same, longer
		weight: 33, date: []dateStyle{ordinalLong}, clock: upper, span: full, crowd: [3]int{0, 20, 80},
		forms: []string{"{BookA} with {who} on {date} at {time} {at} for {dur}.", "{BookA} on {date} at {time} with {who} {at} for {dur}."},
	},
	{ // jotted, with plus signs
		weight: 92, date: []dateStyle{monthFirstAbr}, clock: joined, span: glued, joint: plus, crowd: [3]int{35, 65, 0},
		forms: []string{"{Action} {date} {time} w/ {who} {dur}", "{Action} {date} {time} w/ {who} {dur}", "{Action} {date} {time} {dur} w/ {who}", "{Action} w/ {who} {date} {time} {dur}", "{Action} {date} {time} w/ {who}"},
	},
	{ // an agenda
		weight: 46, date: []dateStyle{dashed}, clock: joined, span: inFull, crowd: [3]int{5, 85, 10},
		forms: []string{
			"{Action} with {who} on {date} at {time} for {dur} {on}.", "{Action} on {date}, {time}, with {who}, {dur} long, hosted {on}.",
			"{Event} scheduled for {date} at {time}, lasting {dur} {on} with {who}.", "{Event} arranged on {date} at {time} for {dur} {on} with {who}.",
		},
	},
	{ // dashes, terse
		weight: 64, date: []dateStyle{dashedShort}, clock: spaced, span: short,
		forms: []string{"{Action} {date} {time} {Place}", "{Action} {date} {time} {Place}", "{Action} with {one} {date} {time} {Place}"},
	},
	{ // a timetable
		weight: 60, date: []dateStyle{ordinalShort}, clock: day24, span: short,
		forms: []string{"{Action} {date} {time} {Place}", "{Action} {date} {time} {Place}", "{date} {time} {action} {on}", "{date} {time} {action} {on} {dur}"},
	},
	{ // on site, noted in haste
		weight: 64, date: []dateStyle{ordinalComma}, clock: day24, span: glued, crowd: [3]int{95, 5, 0},
		forms: []string{"{Action} w/ {names} {date} {time} {Site} {dur}", "{Action} {date} {time} {Site} w/ {who} {dur}", "{Action} w/ {names} {date} {time} {Site} {dur}"},
	},
	{ // a short message
		weight: 72, date: []dateStyle{monthFirst, ordinalMonth, monthFirst}, clock: joined, span: short,
		forms: []string{"{Action} {date}, {time}, {dur} {on}.", "{Action} {date}, {time}, {dur}.", "{Action} {on} {date}, {time}, {dur}.", "{Action} {date} at {time}, {dur}.", "{Action} on {date}, {time} for {dur}."},
	},
	{ // a group
		weight: 50, leisure: true, social: true, date: []dateStyle{monthFirst}, clock: joined, span: full, crowd: [3]int{10, 10, 80},
		forms: []string{"{Action} {date} at {time} with {who}", "{Action} with {who} on {date}, {time} ({dur})", "{Action}: {who} on {date} at {time} for {dur}", "{Action} {date} at {time} w/ {names}"},
	},
}

// noted are the sentences with notes; how many there are is fixed.
var noted = []family{
	{
		date: []dateStyle{monthFirst, iso, ordinalComma, slashed}, clock: spaced, span: full, crowd: [3]int{80, 20, 0},
		forms: []string{"Meet {who} {at} on {date} at {time} to {aim}, {dur}.", "{date} {time} Meet {who} {at} to {aim}, {dur}."},
	},
	{
		leisure: true, social: true, date: []dateStyle{monthFirst, iso, ordinalComma, slashed}, clock: spaced, span: full, crowd: [3]int{80, 20, 0},
		forms: []string{"{Action} {at} on {date} at {time} for {dur}, bring {bring}.", "{Action} with {who} on {date} at {time}, bring {bring}."},
	},
}
