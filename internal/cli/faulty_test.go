package cli

import (
	"fmt"
	"sync/atomic"

	"hone/internal/provoke"
)

// faulty is the program with three mistakes in it: ctrl+x makes Update panic, ctrl+v
// View, and ctrl+o the next step of training.
func faulty() int {
	var draw, step atomic.Bool
	provoke.Update = func(msg any) {
		key, ok := msg.(fmt.Stringer)
		if !ok {
			return
		}
		switch key.String() {
		case "ctrl+x":
			panic("provoked in Update")
		case "ctrl+v":
			draw.Store(true)
		case "ctrl+o":
			step.Store(true)
		}
	}
	provoke.View = func() {
		if draw.Load() {
			panic("provoked in View")
		}
	}
	provoke.Step = func(int) {
		if step.Load() {
			panic("provoked in training")
		}
	}
	return Main("1.2.3")
}
