// Package chat renders conversations by the Jinja templates that models bring,
// and finds in the text what users wrote, what the template wrote, and which
// part the model is to learn.
//
// A template and a conversation are hostile: a template reaches no file, its
// steps, values and output are bounded, and text of a conversation that looks
// like a special token is told apart from one that the template wrote.
package chat

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Roles that a message may have.
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
)

// What a conversation may hold at most.
const (
	MaxMessages = 512
	MaxBytes    = 1 << 20 // of all contents
)

// Message is one turn of a conversation.
type Message struct {
	Role    string
	Content string
}

// Span is a half-open range of bytes of a rendered text.
type Span struct{ Start, End int }

// Check refuses conversations that nothing can be learned from, or that no
// template of [Parse] renders.
func Check(messages []Message) error {
	if err := checkTurns(messages); err != nil {
		return err
	}
	if Last(messages) < 0 {
		return errors.New("has no assistant's turn: there is nothing to learn")
	}
	return nil
}

// CheckPrompt refuses conversations that the assistant cannot be asked to go on
// with.
func CheckPrompt(messages []Message) error {
	if err := checkTurns(messages); err != nil {
		return err
	}
	if last := messages[len(messages)-1].Role; last != User {
		return fmt.Errorf("ends with the turn of the %s: the last has to be a user's, which the assistant answers", last)
	}
	return nil
}

func checkTurns(messages []Message) error {
	if len(messages) == 0 {
		return errors.New("has no messages")
	}
	if len(messages) > MaxMessages {
		return fmt.Errorf("has %d messages, at most %d are taken", len(messages), MaxMessages)
	}
	size := 0
	for i, m := range messages {
		switch m.Role {
		case User, Assistant:
		case System:
			if i > 0 {
				return fmt.Errorf("message %d: a system turn that is not the first", i+1)
			}
		default:
			return fmt.Errorf("message %d: role %q is not one of system, user, assistant", i+1, m.Role)
		}
		if !utf8.ValidString(m.Content) {
			return fmt.Errorf("message %d: invalid UTF-8", i+1)
		}
		if r := reserved(m.Content); r != 0 {
			return fmt.Errorf("message %d: holds the private character %U, which Hone marks text with", i+1, r)
		}
		size += len(m.Content)
	}
	if size > MaxBytes {
		return fmt.Errorf("has %d bytes of text, at most %d are taken", size, MaxBytes)
	}
	return nil
}

// Last is the index of the last assistant's turn, or -1.
func Last(messages []Message) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == Assistant {
			return i
		}
	}
	return -1
}

// Transcript shows a conversation to a person: a line a turn, without a template.
func Transcript(messages []Message) string {
	var b strings.Builder
	for i, m := range messages {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(m.Role)
		b.WriteString(": ")
		b.WriteString(m.Content)
	}
	return b.String()
}
