package tui

// newScreens makes the six screens in the order of their keys.
func newScreens(a *app) [screenCount]screen {
	return [screenCount]screen{
		newData(a),
		newExperiment(a),
		newTrain(a),
		newTrace(a),
		newCompare(a),
		newRuns(a),
	}
}
