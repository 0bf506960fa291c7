// Package provoke is where tests make the program panic, to see what it leaves
// behind. The program calls what is set here and never sets it: nothing that a
// user can reach, neither flag nor variable of the environment, does.
package provoke

// These are called by the workbench when a message arrives and when it draws, and
// by training before every step. They are set before any of that begins.
var (
	Update func(msg any)
	View   func()
	Step   func(step int)
)
