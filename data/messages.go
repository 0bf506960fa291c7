package data

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hone/data/chat"
)

// keyConversations is what ShareGPT calls messages.
const keyConversations = "conversations"

func hasMessages(o *Object) bool { return o.find(keyMessages) >= 0 || o.find(keyConversations) >= 0 }

// roleNames are the names that roles go by.
var roleNames = map[string]string{
	"system": chat.System, "user": chat.User, "human": chat.User, "assistant": chat.Assistant, "gpt": chat.Assistant,
}

// parseChat reads a row of the chat format.
func parseChat(o *Object) (parsedRow, Format, error) {
	var row parsedRow
	key := keyMessages
	if o.find(key) < 0 && o.find(keyConversations) >= 0 {
		key, row.conversations = keyConversations, true
	}
	value, ok := o.Get(key)
	if !ok {
		return row, "", wrongFormat(o, Chat, noKey(o, key))
	}
	if text, ok := value.(string); ok { // a cell of a table
		wrapped, err := ParseObject([]byte(`{"` + key + `":` + text + `}`))
		if err != nil {
			return row, "", fmt.Errorf("%q is a string that is no JSON list: %w", key, err)
		}
		value, _ = wrapped.Get(key)
	}
	messages, err := parseMessages(key, value)
	if err != nil {
		return row, "", err
	}
	row.Messages = messages
	if err := chat.Check(row.Messages); err != nil {
		return row, "", err
	}
	last := chat.Last(row.Messages)
	row.cut = len(row.Messages) - last - 1
	if err := row.endAt(last); err != nil {
		return row, "", err
	}
	for _, k := range o.keys {
		if k != key {
			row.ignored = append(row.ignored, k)
		}
	}
	return row, Chat, nil
}

// endAt makes a row's messages end with a turn of the assistant, which becomes its
// completion.
func (r *parsedRow) endAt(turn int) error {
	r.Messages = slices.Clone(r.Messages[:turn+1])
	r.Prompt = chat.Transcript(r.Messages[:turn])
	return r.setAnswer("content", r.Messages[turn].Content)
}

// maxTurnsText bounds what the prompts of the rows of one conversation take, in
// bytes: each has those before it again.
const maxTurnsText = 64 << 20

// turns are the rows that a row makes: with TurnsEach one of every turn of the
// assistant, with what precedes it.
func (l *loader) turns(row parsedRow) ([]parsedRow, error) {
	if l.o.Turns != TurnsEach || len(row.Messages) == 0 {
		return []parsedRow{row}, nil
	}
	var rows []parsedRow
	size := 0
	for i, m := range row.Messages {
		if m.Role != chat.Assistant || i == 0 { // nothing asks for the first
			continue
		}
		turn := row
		turn.Completion, turn.Object, turn.notObject, turn.quoted = "", nil, nil, false
		if err := turn.endAt(i); err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		if size += len(turn.Prompt); size > maxTurnsText {
			return nil, fmt.Errorf("is too long to make a row of each of its turns: with what precedes them they have over %d MB", maxTurnsText>>20)
		}
		rows = append(rows, turn)
	}
	if len(rows) == 0 {
		return nil, errors.New("begins with the assistant's turn: nothing asks for it")
	}
	return rows, nil
}

// conversations are rows with those of one line together.
func conversations(rows []parsedRow) [][]parsedRow {
	var out [][]parsedRow
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].Index == rows[from].Index {
			to++
		}
		out = append(out, rows[from:to])
		from = to
	}
	return out
}

// ParseMessages reads a conversation that the assistant is to go on with: a JSON
// list of messages, or an object that has it under messages or conversations, of
// at most [MaxMessagesText] bytes.
func ParseMessages(text []byte) ([]chat.Message, error) {
	text = bytes.TrimSpace(text)
	if len(text) > MaxMessagesText {
		return nil, fmt.Errorf("is over %d MB long", MaxMessagesText>>20)
	}
	key := keyMessages
	if bytes.HasPrefix(text, []byte("[")) {
		text = slices.Concat([]byte(`{"messages":`), text, []byte("}"))
	}
	o, err := ParseObject(text)
	if err != nil {
		return nil, fmt.Errorf("is no JSON list of messages: %w", err)
	}
	if o.find(key) < 0 && o.find(keyConversations) >= 0 {
		key = keyConversations
	}
	value, ok := o.Get(key)
	if !ok {
		return nil, noKey(o, key)
	}
	messages, err := parseMessages(key, value)
	if err == nil {
		err = chat.CheckPrompt(messages)
	}
	return messages, err
}

// MaxMessagesText is the longest text that [ParseMessages] reads, in bytes.
const MaxMessagesText = 8 << 20

// parseMessages reads the list of messages under a key.
func parseMessages(key string, value any) ([]chat.Message, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%q is %s, not a list of messages", key, kind(value))
	}
	if len(list) > chat.MaxMessages {
		return nil, fmt.Errorf("%q has %d messages, at most %d are taken", key, len(list), chat.MaxMessages)
	}
	var messages []chat.Message
	for i, v := range list {
		m, err := parseMessage(v)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// parseMessage reads {role, content} or {from, value}.
func parseMessage(value any) (chat.Message, error) {
	var m chat.Message
	o, ok := value.(*Object)
	if !ok {
		return m, fmt.Errorf("is %s, not an object", kind(value))
	}
	role, content := "role", "content"
	if o.find(role) < 0 && o.find("from") >= 0 {
		role, content = "from", "value"
	}
	name, err := stringValue(o, role)
	if err != nil {
		return m, err
	}
	if m.Role, ok = roleNames[name]; !ok {
		return m, fmt.Errorf("role %s is not one of system, user, assistant: turns of tools are not trained on", quote(name))
	}
	for _, key := range []string{"tool_calls", "function_call", "reasoning_content", "tool_call_id"} {
		if v, ok := o.Get(key); ok && v != nil && v != "" {
			return m, fmt.Errorf("has %s, which is not trained on; write it into the content, or remove the row", key)
		}
	}
	v, ok := o.Get(content)
	if !ok {
		return m, noKey(o, content)
	}
	switch v := v.(type) {
	case string:
		m.Content = v
	case []any:
		var b strings.Builder
		for _, part := range v {
			p, _ := part.(*Object)
			if t, _ := p.Get("type"); t != "text" {
				return m, fmt.Errorf("%q has a part that is not text", content)
			}
			text, err := stringValue(p, "text")
			if err != nil {
				return m, err
			}
			b.WriteString(text)
		}
		m.Content = b.String()
	default:
		return m, fmt.Errorf("%q is %s, not a string", content, kind(v))
	}
	return m, nil
}
