package tui

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"hone/runs"
	"hone/tui/chart"
)

// stepPoint is a step as it is drawn.
type stepPoint struct {
	step     int
	epoch    float64
	loss     float64
	terms    [4]float64 // as trainTerms
	norm, lr float64
	seconds  float64
}

func stepPointOf(r runs.Step) stepPoint {
	return stepPoint{
		step: r.Step, epoch: float64(r.Epoch), loss: float64(r.Loss),
		terms: [4]float64{float64(r.CE), float64(r.JSON), float64(r.Field), float64(r.Confidence)},
		norm:  float64(r.GradNorm), lr: float64(r.LR), seconds: float64(r.Seconds),
	}
}

// evalPoint is an evaluation as it is drawn.
type evalPoint struct {
	step                      int
	loss, exact, valid, field float64
	n                         int
	fields                    []fieldScore // worst first
}

// fieldScore is how often a field came out right.
type fieldScore struct {
	name   string
	share  float64
	change float64 // since the evaluation before; NaN = not known
}

func evalPointOf(r runs.Eval) evalPoint {
	p := evalPoint{
		step: r.Step, loss: float64(r.Loss), n: r.N,
		exact: float64(r.ExactMatch), valid: float64(r.JSONValidity), field: float64(r.FieldAccuracy),
	}
	for name, share := range r.Fields {
		p.fields = append(p.fields, fieldScore{name, float64(share), math.NaN()})
	}
	slices.SortFunc(p.fields, func(a, b fieldScore) int {
		switch {
		case a.share < b.share:
			return -1
		case a.share > b.share:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return p
}

// logLine is one event in words.
type logLine struct {
	at     string // clock time; "" = not known
	kind   logKind
	text   string // from outside in part: to be cleaned when drawn
	undone bool   // a later resume or rewind went back before it
	alert  bool   // a finding, with advice on Trace
	order  bool   // a change of a setting by a person
}

// logKind is how an event is marked.
type logKind int

const (
	logNote logKind = iota // information
	logGood                // something is safe: a checkpoint
	logAct                 // something a person did
	logWarn
	logBad
)

// undoes reports whether an event takes back steps that were drawn.
func undoes(e runs.Event) bool {
	switch r := e.Record.(type) {
	case runs.Resume:
		return true
	case runs.Intervention:
		return r.Action == runs.ActionRewind
	}
	return false
}

// event takes one event: a line of the log, a mark on the charts, or the output
// of a watched row.
func (f *trainFeed) event(e runs.Event) {
	l := logLine{undone: e.Undone}
	if !e.Time.IsZero() {
		l.at = e.Time.In(f.zone).Format("15:04:05")
	}
	var mark *chart.Event
	switch r := e.Record.(type) {
	case runs.Checkpoint:
		l.kind, l.text = logGood, checkpointText(r)
		mark = &chart.Event{Short: true, Mark: '◆', Ink: chart.InkGood}
	case runs.Resume:
		l.kind, l.text = logAct, fmt.Sprintf("resumed after step %d", r.From)
		mark = &chart.Event{Label: "resumed", Ink: chart.InkAxis}
	case runs.Intervention:
		if r.Action == runs.ActionWatch && !e.Undone {
			f.watchOnly(r.Rows)
		}
		if !e.Undone {
			f.setting(r)
		}
		l.order = !e.Undone && isSetting(r.Action)
		l.kind, l.text = interventionText(r)
		mark = interventionMark(r)
	case runs.Alert:
		l.alert = true
		l.kind, l.text = alertKind(r.Severity), fmt.Sprintf("step %d  %s  %s", r.Step, r.ID, r.Message)
		if l.kind != logNote {
			if !e.Undone {
				f.alerts++
				f.fault = max(f.fault, r.Step)
			}
			mark = &chart.Event{Label: r.ID, Ink: map[logKind]chart.Ink{logWarn: chart.InkWarn, logBad: chart.InkBad}[l.kind]}
		}
	case runs.Log:
		l.kind, l.text = alertKind(r.Level), r.Message
	case runs.Sample:
		if !e.Undone {
			f.watch(r)
		}
		return
	default:
		return
	}
	if mark != nil && !e.Undone {
		f.marks = append(f.marks, feedMark{e.Step, *mark})
		f.note(e.Step, l.text)
	}
	if l.text != "" {
		f.write(l)
	}
}

// checkpointText says which checkpoint was saved and why.
func checkpointText(r runs.Checkpoint) string {
	text := fmt.Sprintf("checkpoint of step %d", r.Step)
	var why []string
	if r.Best {
		why = append(why, "best")
	}
	switch r.Reason {
	case "asked":
		why = append(why, "you asked")
	case "end":
		why = append(why, "the last step")
	case "stopped":
		why = append(why, "the run was stopped")
	}
	if len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	if r.Path != "" {
		text += "  " + path.Base(r.Path)
	}
	return text
}

// interventionText says what was changed, and by whom.
func interventionText(r runs.Intervention) (logKind, string) {
	who, kind := "you ", logAct
	if r.By == "rule" {
		who, kind = "the rule for non-finite updates ", logWarn
	}
	reason := ""
	if r.Reason != "" {
		reason = ": " + r.Reason
	}
	switch r.Action {
	case runs.ActionPause:
		return kind, fmt.Sprintf("%spaused after step %d", who, r.Step)
	case runs.ActionResume:
		return kind, fmt.Sprintf("%swent on after step %d", who, r.Step)
	case runs.ActionStep:
		return kind, fmt.Sprintf("%smade one step after step %d", who, r.Step)
	case runs.ActionStop:
		return kind, fmt.Sprintf("%sstopped the run after step %d", who, r.Step)
	case runs.ActionSetLR:
		return kind, fmt.Sprintf("%s%s at step %d", who, rateChange(float64(r.Previous), float64(r.Value)), r.Step) + reason
	case runs.ActionSetLoss:
		return kind, fmt.Sprintf("%s%s at step %d%s", who, lossChangeText(r), r.Step, reason)
	case runs.ActionSetBatchSize:
		return kind, fmt.Sprintf("%schanged the batch size from %.0f to %.0f at step %d%s", who, float64(r.Previous), float64(r.Value), r.Step, reason)
	case runs.ActionSkipStep:
		return logWarn, fmt.Sprintf("step %d was skipped%s", r.Step, reason)
	case runs.ActionSkipRow:
		return logWarn, fmt.Sprintf("step %d was taken again without %s%s", r.Step, rowsText(r.Rows), reason)
	case runs.ActionRewind:
		return logWarn, fmt.Sprintf("%swent back to step %d%s", who, r.To, reason)
	case runs.ActionEarlyStop:
		return logNote, fmt.Sprintf("the run is finished early, after step %d%s", r.Step, reason)
	case runs.ActionCheckpoint, runs.ActionEvaluate, runs.ActionWatch:
		return kind, "" // what they lead to has its own line
	}
	return kind, fmt.Sprintf("%s%s after step %d%s", who, r.Action, r.Step, reason)
}

// rowsText names dataset rows, a few of them by number.
func rowsText(rows []int) string {
	const most = 6
	if len(rows) == 0 || len(rows) > most {
		return plural(len(rows), "row")
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = fmt.Sprint(r)
	}
	if len(rows) == 1 {
		return "row " + names[0]
	}
	return "rows " + strings.Join(names, ", ")
}

// rateChange says how the learning rate was changed.
func rateChange(from, to float64) string {
	switch {
	case from > 0 && finite(to) && nearly(to, from/2):
		return "halved the learning rate to " + rateText(to)
	case from > 0 && finite(to) && nearly(to, from*2):
		return "doubled the learning rate to " + rateText(to)
	case from > 0:
		return "changed the learning rate from " + rateText(from) + " to " + rateText(to)
	}
	return "set the learning rate to " + rateText(to)
}

// nearly is equal but for rounding.
func nearly(a, b float64) bool { return a-b <= b*1e-9 && b-a <= b*1e-9 }

// interventionMark is the mark of a change on the charts; nil for those that do
// not change how training goes.
func interventionMark(r runs.Intervention) *chart.Event {
	switch r.Action {
	case runs.ActionSetLR:
		label := "lr " + rateText(float64(r.Value))
		if from := float64(r.Previous); from > 0 {
			switch to := float64(r.Value); {
			case nearly(to, from/2):
				label = "lr/2"
			case nearly(to, from*2):
				label = "lr x2"
			}
		}
		return &chart.Event{Label: label, Ink: chart.InkWarn}
	case runs.ActionSetLoss:
		return &chart.Event{Label: "loss weights", Ink: chart.InkWarn}
	case runs.ActionSetBatchSize:
		return &chart.Event{Label: fmt.Sprintf("batch %.0f", float64(r.Value)), Ink: chart.InkWarn}
	case runs.ActionSkipStep:
		return &chart.Event{Label: "skip", Ink: chart.InkWarn}
	case runs.ActionSkipRow:
		return &chart.Event{Label: "skip row", Ink: chart.InkWarn}
	case runs.ActionRewind:
		return &chart.Event{Label: "rewound", Ink: chart.InkWarn}
	case runs.ActionEarlyStop:
		return &chart.Event{Label: "early stop", Ink: chart.InkGood}
	}
	return nil
}

// isSetting is true of actions that change how the run trains.
func isSetting(action string) bool {
	return action == runs.ActionSetLR || action == runs.ActionSetLoss || action == runs.ActionSetBatchSize
}

// alertKind is the mark of a severity or level.
func alertKind(severity string) logKind {
	switch severity {
	case "error":
		return logBad
	case "warning":
		return logWarn
	}
	return logNote
}
