// Package engine trains LoRA adapters on a CPU.
//
// A [Trainer] holds the loop: batch, forward, loss, backward, gradient norms,
// clipping, AdamW. A [Session] runs a trainer on a goroutine of its own and
// takes commands at step boundaries: pause, resume, single step, stop,
// checkpoint, evaluate, change of learning rate. What happens is reported as
// events, which are facts with a step number.
//
// The engine knows no screen and no file: whoever starts a session supplies
// hooks that record, evaluate and save.
package engine
