// Package foreign reads what other trainers leave behind: trainer_state.json of
// transformers, event files of TensorBoard, and the directories they lie in. Each
// format is in one place, and all become a [trace.Log].
//
// Files are read in one pass and never held whole. Everything in them is hostile:
// lengths, depths and counts are bounded before memory is taken, a file that is cut
// short gives what came before the cut with a note, and nothing is ever unpickled.
package foreign
