package experiments

import "hone/engine/optim"

// RatePoint is the learning rate of one step, counted from 1.
type RatePoint struct {
	Step int
	LR   float64
}

// LearningRates samples the schedule of a run of so many optimizer steps at n of
// them at most, the first and the last included.
func LearningRates(c Config, steps, n int) []RatePoint {
	s := optim.Schedule{LR: c.Train.LR, Kind: c.Train.Schedule, Warmup: c.Train.Warmup, Decay: c.Train.Decay, Shape: c.Train.DecayShape, Steps: steps}
	if s.Validate() != nil || steps < 1 || n < 1 {
		return nil
	}
	n = min(n, steps)
	points := make([]RatePoint, n)
	for i := range points {
		step := 0
		if n > 1 {
			step = i * (steps - 1) / (n - 1)
		}
		points[i] = RatePoint{step + 1, s.At(step)}
	}
	return points
}
