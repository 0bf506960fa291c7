package data

import (
	"bytes"
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
	row.Messages = row.Messages[:last+1]
	row.Prompt = chat.Transcript(row.Messages[:last])
	if err := row.setAnswer("content", row.Messages[last].Content); err != nil {
		return row, "", err
	}
	for _, k := range o.keys {
		if k != key {
			row.ignored = append(row.ignored, k)
		}
	}
	return row, Chat, nil
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
