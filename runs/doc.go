// Package runs keeps training runs as plain directories: what a run was asked to
// do, its state, its metrics, its checkpoints and its results.
//
// A run has one writer and any number of readers, in the same process or in
// others. [Store.Create] makes a new run and [OpenWriter] goes on with one:
//
//	w, err := runs.Store{Root: "runs"}.Create("calendar", time.Now())
//	defer w.Close()
//	w.Append(runs.Step{Step: 1, Loss: 1.5})
//	w.SaveCheckpoint(1, save, 3, "")
//	w.Update(func(i *runs.RunInfo) { i.State = runs.Finished })
//
// [ReadHistory] reads a run's metrics once; a [Follower] keeps up with a run that
// is being written, in bounded pieces.
//
// The directory survives a writer that is killed at any point. run.json,
// config.toml, checkpoints and the adapter are written beside and renamed; the
// .jsonl files are appended a line at a time, and a torn last line is ignored.
package runs
