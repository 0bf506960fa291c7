package pretrain

// An event is what a text tells and a schema asks for. What the text does not say is empty.
type event struct {
	action     string
	date       date
	time       clock
	people     []string
	place      string
	duration   string
	recurrence string
	often      bool // the action says the recurrence
	note       string
}

// event draws one whose optional parts are there in so many of 100 cases.
func (w *writer) event(people, place, duration, recurrence, note int) event {
	e := event{action: w.action(), date: drawDate(w.source), time: drawClock(w.source)}
	if w.chance(people) {
		e.people = w.people(pick(w.source, []int{1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4}))
	}
	if w.chance(place) {
		e.place = w.place()
	}
	if w.chance(duration) {
		e.duration = w.duration()
	}
	if w.chance(recurrence) {
		e.recurrence = w.recurrence()
	}
	if w.chance(note) {
		e.note = w.note()
	}
	if w.turns {
		e = w.dressed(e)
	}
	return e
}

// anyEvent draws an event of the usual kind, with something left out as often as not.
func (w *writer) anyEvent() event {
	if w.turns {
		return w.event(72, 62, 68, 22, 22)
	}
	return w.event(72, 62, 68, 14, 14)
}
