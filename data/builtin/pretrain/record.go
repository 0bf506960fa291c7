package pretrain

import (
	"encoding/json"
	"fmt"
	"strings"

	"hone/data/builtin/words"
)

// fact draws a sentence that is no event and what it says.
func (w *writer) fact() (text string, members []member) {
	who := w.name(given)
	number := func(low, high int) json.Number { return json.Number(fmt.Sprint(w.between(low, high))) }
	form := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	switch w.below(6) {
	case 0:
		age, city := number(1, 99), w.name(cities)
		return form(pick(w.source, []string{"%[1]s is %[2]s years old and lives in %[3]s.", "%[1]s, %[2]s, from %[3]s", "In %[3]s lives %[1]s, aged %[2]s."}), who, age, city),
			[]member{{"person", who}, {"age", age}, {"city", city}}
	case 1:
		item, n := w.plain(products), number(2, 60)
		price := json.Number(fmt.Sprintf("%d.%02d", w.between(1, 90), w.between(0, 99)))
		return form(pick(w.source, []string{"%[1]s ordered %[2]s %[3]s for $%[4]s.", "Order: %[2]s x %[3]s, $%[4]s, buyer %[1]s", "%[2]s %[3]s at $%[4]s for %[1]s"}), who, n, item, price),
			[]member{{"item", item}, {"quantity", n}, {"price", price}, {"buyer", who}}
	case 2:
		to, body := w.name(given), w.action()
		return form(pick(w.source, []string{"From %[1]s to %[2]s: %[3]s", "%[1]s wrote to %[2]s: %[3]s.", "Message for %[2]s from %[1]s: %[3]s"}), who, to, body),
			[]member{{"sender", who}, {"to", to}, {"body", body}}
	case 3:
		color, place := w.plain(adjectives), w.place()
		return form(pick(w.source, []string{"%[1]s parked the %[2]s car at %[3]s.", "The %[2]s car of %[1]s is at %[3]s."}), who, color, place),
			[]member{{"owner", who}, {"look", color}, {"parked_at", place}}
	case 4:
		pet, thing, open := w.plain(things), w.plain(things), w.chance(50)
		state := map[bool]string{true: "open", false: "closed"}[open]
		return form("%s keeps a %s and a %s; the door is %s.", who, pet, thing, state),
			[]member{{"keeper", who}, {"keeps", []any{pet, thing}}, {"open", open}}
	}
	family, phone := w.name(surnames), w.digits()
	return form(pick(w.source, []string{"Call %[1]s %[2]s, phone %[3]s.", "%[2]s, %[1]s: %[3]s", "%[1]s %[2]s has the number %[3]s."}), who, family, phone),
		[]member{{"first", who}, {"last", family}, {"phone", phone}, {"fax", nil}}
}

// record asks for a fact as an object, all of it or the keys it lists.
func (w *writer) record() (prompt, completion string) {
	text, members := w.fact()
	if w.chance(30) {
		return "Record: " + text + "\nJSON:", object(members)
	}
	shuffle(w.source, members)
	members = members[:w.between(1, len(members))]
	var names []string
	for _, m := range members {
		names = append(names, m.key)
	}
	return "Text: " + text + "\nFields: " + strings.Join(names, ", ") + "\nJSON:", object(members)
}

// prose asks for sentences about what the prompt names.
func (w *writer) prose() (prompt, completion string) {
	a, b := w.name(given), w.name(given)
	place, city, thing := w.place(), w.name(cities), w.plain(things)
	e := w.event(0, 0, 100, 0, 0)
	day := us.write(e.date)
	if w.chance(40) {
		return fmt.Sprintf("Sentence: %s; %s; %s; %s\n", words.Title(e.action), a, dmy.write(e.date), twelve.write(e.time)),
			fmt.Sprintf("%s with %s on %s at %s.", words.Title(e.action), a, day, short(e.time))
	}
	sentences := []string{
		fmt.Sprintf("%s went to %s at %s.", a, place, short(e.time)),
		fmt.Sprintf("%s and %s will meet on %s for %s.", a, b, day, e.duration),
		fmt.Sprintf("It was a quiet day in %s.", city),
		fmt.Sprintf("%s bought the %s in %s.", b, thing, city),
		fmt.Sprintf("The %s of %s is lost.", thing, a),
	}
	shuffle(w.source, sentences)
	return fmt.Sprintf("Story: %s, %s, %s, %s, %s, %s, %s, %s\n", a, b, place, city, thing, day, short(e.time), e.duration),
		strings.Join(sentences[:w.between(2, 4)], " ")
}
