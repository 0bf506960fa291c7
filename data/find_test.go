package data

import (
	"fmt"
	"testing"
)

func TestFind(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1 + event2 + event3 + `{"event_text": "Weekly sync: 12:30 \"ÜBER\" Zoom", "output": {"action": "Sync", "location": "Zoom \"B\""}}`}, nil)
	for query, want := range map[string]string{
		"":                               "[0 1 2 3]",
		"  ":                             "[0 1 2 3]",
		"gym":                            "[1]",
		"GYM":                            "[1]",
		"lunch zoe":                      "[0]",
		"zoe lunch":                      "[0]",
		"lunch hq":                       "[]",
		"wkly":                           "[3]",
		"wsync":                          "[]", // letters of two words
		`"weekly sync"`:                  "[3]",
		`"sync weekly"`:                  "[]",
		`"wkly"`:                         "[]",
		`"wee`:                           "[3]",
		`"`:                              "[0 1 2 3]",
		"12:30":                          "[3]",
		"über":                           "[3]",
		"with:attendees":                 "[0]",
		"with:att":                       "[0]",
		"with:":                          "[0 1 2 3]",
		"with:nothing":                   "[]",
		"without:nothing":                "[0 1 2 3]",
		"without:attendees":              "[1 2 3]", // null or missing
		"WITH:location without:action":   "[]",
		"with:location zoom":             "[3]",
		"with:a":                         "[0 1 2 3]", // action or attendees
		"location:zoom":                  "[3]",
		"location:hq":                    "[2]",
		"attendees:null":                 "[1]",
		"action:":                        "[0 1 2 3]",
		"at":                             "[2]",
		"with:location without:duration": "[2 3]",
	} {
		if got := fmt.Sprint(d.Find(Train, query)); got != want {
			t.Errorf("%q finds %s, want %s", query, got, want)
		}
	}
	if got := d.Find(Eval, ""); got == nil || len(got) != 0 {
		t.Errorf("an empty split has %v", got)
	}
	if got := d.Find("dev", ""); got != nil {
		t.Errorf("split dev has %v", got)
	}
	text := mustLoad(t, map[string]string{"train.jsonl": text1 + text2}, nil)
	if got := fmt.Sprint(text.Find(Train, "say no"), text.Find(Train, "with:x"), text.Find(Train, "without:x")); got != "[1] [] [0 1]" {
		t.Errorf("text rows: %s", got)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("Weekly ÜBER \xff", `wkl "we with:a a:1`)
	f.Add("İstanbul", "İst")
	f.Fuzz(func(t *testing.T, text, query string) {
		d := &Dataset{Schema: []string{"a"}, Train: []Row{{Event: text}, {Prompt: text}}}
		for _, i := range d.Find(Train, query) {
			if i < 0 || i > 1 {
				t.Fatalf("row %d", i)
			}
		}
	})
}
