package tui

import (
	"testing"

	"hone/runs"
)

// What the guard did to a step reads as what it did, with the rows it left out.
func TestGuardInWords(t *testing.T) {
	for _, c := range []struct {
		r    runs.Intervention
		want string
	}{
		{runs.Intervention{Action: runs.ActionSkipRow, Step: 7, By: "rule", Rows: []int{12}}, "step 7 was taken again without row 12"},
		{runs.Intervention{Action: runs.ActionSkipRow, Step: 7, Rows: []int{3, 4}, Reason: "NaN in lm_head"}, "step 7 was taken again without rows 3, 4: NaN in lm_head"},
		{runs.Intervention{Action: runs.ActionSkipRow, Step: 7, Rows: []int{1, 2, 3, 4, 5, 6, 7}}, "step 7 was taken again without 7 rows"},
		{runs.Intervention{Action: runs.ActionSkipStep, Step: 7, By: "rule"}, "step 7 was skipped"},
		{runs.Intervention{Action: runs.ActionRewind, Step: 7, To: 4, By: "rule"}, "the rule for non-finite updates went back to step 4"},
	} {
		kind, got := interventionText(c.r)
		if kind != logWarn || got != c.want {
			t.Errorf("%+v reads %q, want %q", c.r, got, c.want)
		}
		if interventionMark(c.r) == nil {
			t.Errorf("%+v leaves no mark on the charts", c.r)
		}
	}
}
