package data

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestRealStats holds the statistics of the 792 rows against figures counted
// from the file by other means.
func TestRealStats(t *testing.T) {
	d, err := Load(shared(t, "data", "event_text_mapping.jsonl"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	s := d.Stats()
	want := map[string]int{"action": 792, "date": 792, "time": 792, "attendees": 596, "location": 519, "duration": 643, "recurrence": 26, "notes": 14}
	for _, f := range s.Fields {
		if f.Filled != want[f.Name] || f.Present != 792 || math.Abs(f.Share-float64(want[f.Name])/792) > 1e-12 {
			t.Errorf("%s: filled %d, share %g, want %d", f.Name, f.Filled, f.Share, want[f.Name])
		}
		total := 0.0
		for i, split := range s.Splits {
			total += f.SplitShare[i] * float64(split.Rows)
		}
		if math.Abs(total-float64(f.Filled)) > 1e-6 {
			t.Errorf("%s: the splits have %g, all %d", f.Name, total, f.Filled)
		}
	}
	percent := func(i int) string { return fmt.Sprintf("%.0f %%", 100*s.Fields[i].Share) }
	if percent(5) != "81 %" || percent(3) != "75 %" || percent(4) != "66 %" {
		t.Errorf("duration %s, attendees %s, location %s; want 81, 75, 66 %%", percent(5), percent(3), percent(4))
	}
	if s.Splits[0].Rows != 554 || s.Splits[1].Rows != 118 || s.Splits[2].Rows != 120 {
		t.Errorf("splits %+v", s.Splits)
	}
}

// TestRealLengths: the mean of 109.7 tokens and nothing over the limit of the
// fine-tuning report.
func TestRealLengths(t *testing.T) {
	d, err := Load(shared(t, "data"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	e := NewEncoder(smolTokenizer(t), 2, d.Schema)
	train, err := d.EncodeSplit(e, Train, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	// The report's 109.7 tokens a row are without EOS.
	if mean := train.Lengths.Mean - 1; math.Abs(mean-109.7) > 0.05 {
		t.Errorf("mean of %g tokens without EOS, want 109.7", mean)
	}
	if len(train.Examples) != 554 || len(train.Dropped) != 0 || train.Lengths.Over(384) != 0 {
		t.Errorf("%d examples, %d dropped, longest %d", len(train.Examples), len(train.Dropped), train.Lengths.Max)
	}
	sum := 0
	for _, b := range train.Lengths.Histogram(10) {
		sum += b.Count
	}
	if sum != 554 {
		t.Errorf("the histogram has %d rows", sum)
	}
}

func TestStats(t *testing.T) {
	d := mustLoad(t, map[string]string{"train.jsonl": event1 + event2 + event3 + event2, "test.jsonl": event3}, nil)
	s := d.Stats()
	if len(s.Fields) != 3 || len(s.Splits) != 3 {
		t.Fatalf("%+v", s)
	}
	action, attendees, location := s.Fields[0], s.Fields[1], s.Fields[2]
	if want := []ValueCount{{`"Gym"`, 2}, {`"Talk"`, 2}, {`"Lunch"`, 1}}; !slices.Equal(action.Common, want) || action.Distinct != 3 {
		t.Errorf("values of action %v, want %v", action.Common, want)
	}
	if attendees.Present != 3 || attendees.Filled != 1 || attendees.Share != 0.2 || attendees.Common[0].Value != `["Zoe"]` {
		t.Errorf("attendees %+v", attendees)
	}
	if location.SplitShare != [3]float64{0.25, 0, 1} {
		t.Errorf("location %+v", location)
	}
	if p := s.Splits[0].Completion; p.N != 4 || p.Max != len(`{"action": "Lunch", "attendees": ["Zoe"]}`) {
		t.Errorf("completions %+v", p)
	}
	if s.Splits[1].Rows != 0 || s.Splits[1].Prompt.Max != 0 {
		t.Errorf("eval %+v", s.Splits[1])
	}
	if s := mustLoad(t, map[string]string{"train.jsonl": text1}, nil).Stats(); len(s.Fields) != 0 || s.Splits[0].Completion.Mean != 2 {
		t.Errorf("text: %+v", s)
	}
}

func TestDistribution(t *testing.T) {
	values := []int{5, 1, 2, 3, 4, 9, 6, 8, 7, 10}
	d := NewDistribution(values)
	if values[0] != 5 {
		t.Error("the values were sorted in place")
	}
	if d.N != 10 || d.Min != 1 || d.Max != 10 || d.Mean != 5.5 || d.Median != 5 || d.P95 != 10 {
		t.Errorf("%+v", d)
	}
	if got, want := d.Histogram(3), []Bin{{1, 3, 3}, {4, 6, 3}, {7, 10, 4}}; !slices.Equal(got, want) {
		t.Errorf("histogram %v, want %v", got, want)
	}
	if got := NewDistribution([]int{7, 7, 8}).Histogram(10); !slices.Equal(got, []Bin{{7, 7, 2}, {8, 8, 1}}) {
		t.Errorf("histogram of two values %v", got)
	}
	if d.Histogram(0) != nil || d.Over(9) != 1 || d.Over(10) != 0 || d.Over(0) != 10 {
		t.Errorf("over 9 %d, over 10 %d, over 0 %d", d.Over(9), d.Over(10), d.Over(0))
	}
	if zero := NewDistribution(nil); zero.N != 0 || zero.P95 != 0 || zero.Over(1) != 0 {
		t.Errorf("of nothing: %+v", zero)
	}
}
