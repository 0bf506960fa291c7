package trace

import (
	"cmp"
	"slices"
)

// Severity is how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // the run did not do what was meant
	Warning Severity = "warning" // results are worse, or look better, than they are
	Note    Severity = "note"    // good to know
)

// rank orders severities, worst first.
func (s Severity) rank() int {
	switch s {
	case Error:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// Worse reports whether s is worse than t.
func (s Severity) Worse(t Severity) bool { return s.rank() < t.rank() }

// Finding says that a failure mode was recognized.
type Finding struct {
	ID         string   `json:"id"` // of the catalogue
	Severity   Severity `json:"severity"`
	Confidence float64  `json:"confidence"` // from 0 to 1
	Evidence   []string `json:"evidence"`   // what it rests on, with the place in the file
	Advice     string   `json:"advice"`     // what to do, in plain words
}

// Sort puts the likeliest cause first: by severity, then by confidence. Findings
// that are equal in both keep their order.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(b.Confidence, a.Confidence))
	})
}

// Worst is the worst severity among findings; false where there are none.
func Worst(findings []Finding) (Severity, bool) {
	worst, found := Note, false
	for _, f := range findings {
		if !found || f.Severity.Worse(worst) {
			worst, found = f.Severity, true
		}
	}
	return worst, found
}
