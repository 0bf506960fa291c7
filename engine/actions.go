package engine

// Actions of an Intervention.
const (
	ActionPause      = "pause"
	ActionResume     = "resume"
	ActionStep       = "step"
	ActionStop       = "stop"
	ActionCheckpoint = "checkpoint"
	ActionEvaluate   = "evaluate"
	ActionSetLR      = "set-lr"
)
