// Package trace knows how training goes wrong: the catalogue of failure modes,
// and rules that recognize them.
//
// [Catalogue] is data, from which docs/failures.md is generated. A rule is a pure
// function of what a run left behind, whichever tool left it: [Diagnose] takes a
// [Log] and returns findings, the likeliest cause first. The file formats are in
// engine/trace/foreign.
//
// Every rule tests finiteness first: NaN compares false with everything, so a
// threshold alone never sees it, and no average or extreme takes it in.
package trace
