// Package bench measures Hone: training steps, evaluation, generation, matrix
// products, and what the workbench costs a run. Every measurement is a plain
// struct that marshals to one JSON object; docs/performance.md says how each
// figure is defined and how to repeat it.
package bench
