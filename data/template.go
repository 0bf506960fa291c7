package data

import (
	"errors"
	"fmt"
	"strings"
)

// Placeholder is what a prompt template has in place of the event text.
const Placeholder = "{event_text}"

// DefaultTemplate is the prompt of the calendar task.
const DefaultTemplate = "Extract calendar information from: {event_text}\nCalendar JSON:"

// ErrNoPlaceholder is wrapped by the error for a template without [Placeholder].
var ErrNoPlaceholder = errors.New("no " + Placeholder)

// CheckTemplate returns an error if template does not say where the event text
// goes: every prompt would be the same.
func CheckTemplate(template string) error {
	if !strings.Contains(template, Placeholder) {
		return fmt.Errorf("prompt template %q: %w in it: every prompt would be the same", template, ErrNoPlaceholder)
	}
	return nil
}

// Render returns template with every [Placeholder] replaced by eventText. All
// else is literal: there are no escapes, and braces in eventText mean nothing.
func Render(template, eventText string) string {
	return strings.ReplaceAll(template, Placeholder, eventText)
}

// Extract undoes [Render]: it returns the event text that prompt was made of.
// It reports false if prompt was not made by template.
func Extract(template, prompt string) (eventText string, ok bool) {
	before, after, found := strings.Cut(template, Placeholder)
	if !found || len(prompt) < len(before) {
		return "", false
	}
	// Of several placeholders the first is taken at its shortest length that
	// renders back to the prompt; with one there is a single candidate.
	if !strings.Contains(after, Placeholder) {
		rest, ok := strings.CutPrefix(prompt, before)
		if !ok {
			return "", false
		}
		return strings.CutSuffix(rest, after)
	}
	n := strings.Count(template, Placeholder)
	literal := len(template) - n*len(Placeholder)
	size := len(prompt) - literal
	if size < 0 || size%n != 0 {
		return "", false
	}
	eventText = prompt[len(before) : len(before)+size/n]
	return eventText, Render(template, eventText) == prompt
}

// Part is a stretch of a prompt.
type Part struct {
	Text  string
	Event bool // of the event text; else of the template
}

// Parts is [Render] with what came from where; empty parts are left out.
func Parts(template, eventText string) []Part {
	var parts []Part
	for i, literal := range strings.Split(template, Placeholder) {
		if i > 0 && eventText != "" {
			parts = append(parts, Part{eventText, true})
		}
		if literal != "" {
			parts = append(parts, Part{literal, false})
		}
	}
	return parts
}
