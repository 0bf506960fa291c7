package experiments

import (
	"math"
	"strings"
	"testing"

	"hone/runs"
)

func queried() RunFacts {
	c := Default()
	c.Train.LR, c.Data.Path = 1e-4, "/data/Calendar.jsonl"
	return RunFacts{
		ID: "2026-11-23-1530-calendar", Name: "The Best", State: runs.Failed, Tags: []string{"good", "lr-sweep"}, Note: "too hot\nsince noon",
		Step: 41, Steps: 350, Loss: math.NaN(), Exact: 0.62, Valid: 1, Fields: 0.95, Seconds: 600, Config: &c,
	}
}

func TestQuery(t *testing.T) {
	bare := RunFacts{ID: "x", Name: "x", State: runs.Unreadable, Loss: math.NaN(), Exact: math.NaN(), Valid: math.NaN(), Fields: math.NaN()}
	for text, want := range map[string][2]bool{
		"":   {true, true},
		"  ": {true, true},
		"lr>=1e-4 tag:good state:failed exact>0.6": {true, false},
		"lr>1e-4":                      {false, false},
		"train.lr<=1e-4":               {true, false},
		"lr!=1e-4":                     {false, false},
		"r=16":                         {true, false},
		"lora.r:16":                    {true, false},
		"exact<0.6":                    {false, false},
		"-exact>0.6":                   {false, true},
		"loss<99":                      {false, false},
		"loss!=1":                      {false, false},
		"fields>=0.95 valid=1":         {true, false},
		"step<steps":                   {}, // refused below
		"step=41 steps=350 minutes=10": {true, false},
		"tag:goo":                      {false, false},
		"tag!=good":                    {false, true},
		"-tag:good":                    {false, true},
		"TAG:LR-SWEEP":                 {true, false},
		"best calendar":                {true, false},
		"best -calendar":               {false, false},
		`"The Best"`:                   {true, false},
		`note:"hot since"`:             {false, false},
		"note:noon":                    {true, false},
		"id:1530 name:best":            {true, false},
		"name=best":                    {false, false},
		"state:fail":                   {true, false},
		"state=unreadable":             {false, true},
		"method=lora schedule:cos":     {true, false},
		"method!=lora":                 {false, true},
		"data.path:calendar":           {true, false},
		"shuffle=true":                 {true, false},
		"targets:k_proj":               {true, false},
		"targets=k":                    {false, false},
		"max_length>=384":              {true, false},
	} {
		q, err := ParseQuery(text)
		if text == "step<steps" {
			if err == nil {
				t.Errorf("%q is taken", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := [2]bool{q.Match(queried()), q.Match(bare)}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for text, config := range map[string]bool{"lr>1": true, "method=full": true, "loss<1 tag:a": false} {
		if q, err := ParseQuery(text); err != nil || q.NeedsConfig() != config {
			t.Errorf("%q: needs the config %v, %v", text, q.NeedsConfig(), err)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"lr>=":                           "a value is missing after >=",
		">=3":                            "a name is missing before >=",
		"lr>=fast":                       `train.lr is compared with a number, not "fast"`,
		"lr=nan":                         "compared with a number",
		"exct>0.6":                       "the nearest is exact",
		"warmpu>0":                       "the nearest is train.warmup",
		"tags:good":                      "the nearest is tag",
		"path:x":                         "model.path, data.path",
		"state:broken":                   "they are running, paused, finished",
		"state>failed":                   "state is text",
		"method=lorafull":                `method is one of "lora" and "full"`,
		"method>full":                    "method is text",
		`note:"open`:                     "a double quote is not closed",
		"-":                              "a term follows the minus",
		"lr!3":                           "the signs are",
		strings.Repeat("a ", maxTerms+1): "65 terms",
		strings.Repeat("a", maxQuery+1):  "4097 bytes",
	} {
		if _, err := ParseQuery(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"lr>=1e-4 tag:good", `-note:"a b"`, "a!=b", "\xff:\xff", "=", "-\"\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuery(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		q.Match(queried())
		q.Match(RunFacts{})
	})
}
