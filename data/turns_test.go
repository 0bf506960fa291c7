package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hone/data/chat"
	"hone/engine/batch"
	"hone/engine/tokenizer"
)

// long are two conversations of several turns, whose first answer is thought about.
const long = `{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a?"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\n1"}, {"role": "user", "content": "b?"}, {"role": "assistant", "content": "2"}]}` + "\n" +
	`{"messages": [{"role": "user", "content": "c?"}, {"role": "assistant", "content": "3"}]}` + "\n"

// trained are the texts that an example supervises, a stretch of tokens each.
func trained(e *Encoder, ex batch.Example) []string {
	var out []string
	open := false
	for _, v := range e.View(ex) {
		switch {
		case !v.Target:
			open = false
		case open:
			out[len(out)-1] += v.Text
		default:
			out, open = append(out, v.Text), true
		}
	}
	return out
}

// A template that takes the thinking out of earlier turns lets only the last one be
// told: it is trained, that is said, and data.turns makes something else of it.
func TestTurnsOfAnUnstableTemplate(t *testing.T) {
	const first, second, third = "<think>\nhm\n</think>\n\n1<|im_end|>", "<think>\n\n</think>\n\n2<|im_end|>", "<think>\n\n</think>\n\n3<|im_end|>"
	for _, c := range []struct {
		template, turns string
		want            [][]string // by row
		finding         bool
	}{
		{"qwen3", TurnsAll, [][]string{{second}, {third}}, true},
		{"qwen3", TurnsLast, [][]string{{second}, {third}}, false},
		{"qwen3", TurnsEach, [][]string{{first}, {second}, {third}}, false},
		{"qwen25", TurnsAll, [][]string{{first, "2<|im_end|>"}, {"3<|im_end|>"}}, false},
		{"qwen25", TurnsLast, [][]string{{"2<|im_end|>"}, {"3<|im_end|>"}}, false},
		{"qwen25", TurnsEach, [][]string{{first}, {"2<|im_end|>"}, {"3<|im_end|>"}}, false},
		{"generation", TurnsLast, [][]string{{"2<|im_end|>"}, {"3<|im_end|>"}}, false},
		{"generation", TurnsEach, [][]string{{first}, {"2<|im_end|>"}, {"3<|im_end|>"}}, false},
	} {
		d := mustLoad(t, map[string]string{"train.jsonl": long}, func(o *Options) { o.Turns = c.turns })
		e := chatEncoder(t, c.template)
		e = e.WithChat(e.chat, c.turns != TurnsAll)
		enc := must(d.EncodeSplit(e, Train, Options{}))
		var got [][]string
		for _, ex := range enc.Examples {
			got = append(got, trained(e, ex))
			// What is asked for the last turn is what stands before it.
			prompt, err := e.PromptOf(d.Train[ex.Row])
			if err != nil || !slices.Equal(prompt, ex.IDs[:ex.Prompt]) {
				t.Errorf("%s, %s: row %d is asked otherwise than trained: %v", c.template, c.turns, ex.Row, err)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s, %s: trains %q, want %q", c.template, c.turns, got, c.want)
		}
		found := false
		for _, f := range PreflightEncoded(d, map[string][]batch.Example{Train: enc.Examples}, e, 0) {
			switch {
			case f.ID == TurnsUntold:
				found = true
				if len(f.Rows) != 1 || !strings.Contains(f.Evidence[0], "1 of 2 turns") || !strings.Contains(f.Advice, "each") {
					t.Errorf("%+v", f)
				}
			case f.Severity != SeverityNote:
				t.Errorf("%s, %s: %+v", c.template, c.turns, f)
			}
		}
		if found != c.finding {
			t.Errorf("%s, %s: said %v", c.template, c.turns, found)
		}
	}
	// One that writes what precedes the last turn otherwise leaves nothing to train on.
	tpl, err := chat.Parse(`{{ messages|length }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}`, map[string]string{"eos_token": "<|im_end|>"}, chatTokenizer(t).SpecialTexts())
	if err != nil {
		t.Fatal(err)
	}
	d := mustLoad(t, map[string]string{"train.jsonl": long}, nil)
	if _, err := d.EncodeAll(chatEncoder(t, "").WithChat(tpl, false), Options{}); !errors.Is(err, ErrNoRows) {
		t.Errorf("a template that counts: %v", err)
	}
}

// The turns of a conversation share its line, and are in one split.
func TestEachTurnIsARow(t *testing.T) {
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, `{"messages": [{"role": "assistant", "content": "hi"}, {"role": "user", "content": "a%d"}, {"role": "assistant", "content": "{\"n\":%d}"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "{\"n\": 2}"}, {"role": "user", "content": "c"}]}`+"\n", i, i)
	}
	d := mustLoad(t, map[string]string{"all.jsonl": b.String()}, func(o *Options) { o.Turns = TurnsEach })
	if len(d.Train) != 28 || len(d.Eval) != 6 || len(d.Test) != 6 {
		t.Fatalf("%d, %d, %d rows", len(d.Train), len(d.Eval), len(d.Test))
	}
	split := map[int]string{}
	for _, name := range Splits() {
		for i, r := range d.rows(name) {
			if was, ok := split[r.Line]; ok && was != name {
				t.Errorf("line %d is in %s and %s", r.Line, was, name)
			}
			split[r.Line] = name
			raw, err := d.Raw(name, i)
			if err != nil || !strings.Contains(string(raw), r.Messages[1].Content) {
				t.Errorf("raw %q, %v", raw, err)
			}
			// An earlier turn stays as its line has it where it is not the answer.
			if n := len(r.Messages); n == 5 && (r.Messages[2].Content == r.Messages[4].Content || !strings.Contains(r.Prompt, r.Messages[2].Content) || strings.Contains(r.Messages[2].Content, " ")) {
				t.Errorf("%+v", r.Messages)
			}
		}
	}
	if !slices.Equal(d.Schema, []string{"n"}) || !slices.Contains(d.Notes, "turns after the assistant's last one were left out: 20 rows") {
		t.Errorf("schema %v, notes %q", d.Schema, d.Notes)
	}
	if _, err := load(t, map[string]string{"train.jsonl": long}, func(o *Options) { o.Turns = "some" }); err == nil || !strings.Contains(err.Error(), "turns") {
		t.Errorf("%v", err)
	}
	// What precedes every turn is kept again and again: that has a bound.
	big := strings.Repeat("x", 1<<19)
	list := `{"role": "user", "content": "` + big + `"}` + strings.Repeat(`, {"role": "assistant", "content": "y"}, {"role": "user", "content": "z"}`, 255)
	if _, err := load(t, map[string]string{"train.jsonl": `{"messages": [` + list + "]}\n"}, func(o *Options) { o.Turns = TurnsEach }); err == nil || !strings.Contains(err.Error(), "too long to make a row of each") {
		t.Errorf("%.200v", err)
	}
}

// A token that takes the white space behind it takes it also where a turn ends and
// the text is cut: the tokens before the last turn are those that it is asked with.
func TestTurnsWithTokensThatTakeSpace(t *testing.T) {
	text, err := os.ReadFile("../engine/testdata/toy/tied/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, a := range file["added_tokens"].([]any) {
		a.(map[string]any)["rstrip"] = true
	}
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := chat.Parse(chat.ChatML, nil, tok.SpecialTexts())
	if err != nil {
		t.Fatal(err)
	}
	eos, _ := tok.ID("<|im_end|>")
	e := NewEncoder(tok, eos, nil).WithChat(tpl, false)
	row := Row{Messages: []chat.Message{{Role: chat.User, Content: "a"}, {Role: chat.Assistant, Content: "  b"}, {Role: chat.User, Content: "c"}, {Role: chat.Assistant, Content: "d"}}}
	ex, err := e.Encode(row, 0)
	if err != nil {
		t.Fatal(err)
	}
	prompt, err := e.PromptOf(row)
	if err != nil || !slices.Equal(prompt, ex.IDs[:ex.Prompt]) {
		t.Errorf("%v\n%v asked\n%v trained", err, prompt, ex.IDs[:ex.Prompt])
	}
	if got := trained(e, ex); !slices.Equal(got, []string{"  b<|im_end|>", "d<|im_end|>"}) {
		t.Errorf("trains %q", got)
	}
	if got := tok.Decode(ex.IDs); strings.Contains(got, "<|im_end|>\n") {
		t.Errorf("%q", got)
	}
}
