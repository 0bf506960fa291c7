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
	// These change the weights of the loss and the size of the batches.
	ActionSetLoss      = "set-loss-weights"
	ActionSetBatchSize = "set-batch-size"
)
