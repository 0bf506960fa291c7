package experiments

import (
	"math"
	"testing"
)

// The samples are the rates that training would use, ends included.
func TestLearningRates(t *testing.T) {
	c := Default()
	c.Train.LR, c.Train.Warmup = 1e-3, 0.1
	for _, steps := range []int{1, 7, 100, 1001} {
		points := LearningRates(c, steps, 50)
		if len(points) != min(50, steps) || points[0].Step != 1 || points[len(points)-1].Step != steps {
			t.Fatalf("%d steps: %d points from %v to %v", steps, len(points), points[0], points[len(points)-1])
		}
		warmup := math.Ceil(0.1 * float64(steps))
		for i, p := range points {
			if i > 0 && p.Step <= points[i-1].Step {
				t.Fatalf("%d steps: step %d after %d", steps, p.Step, points[i-1].Step)
			}
			want := 1e-3 * float64(p.Step) / warmup
			if s := float64(p.Step - 1); s >= warmup {
				want = 1e-3 / 2 * (1 + math.Cos(math.Pi*(s-warmup)/(float64(steps)-warmup)))
			}
			if math.Abs(p.LR-want) > 1e-12 {
				t.Errorf("%d steps: rate of step %d is %g, want %g", steps, p.Step, p.LR, want)
			}
		}
	}
	c.Train.Schedule = "sawtooth"
	if LearningRates(c, 10, 5) != nil || LearningRates(Default(), 0, 5) != nil {
		t.Error("rates of no schedule or no steps")
	}
}

// The schedule that is drawn follows train.decay and its shape.
func TestLearningRatesOfWSD(t *testing.T) {
	c := Default()
	for _, set := range []string{"train.schedule=wsd", "train.lr=1e-3", "train.warmup=0.1", "train.decay=0.3", "train.decay_shape=linear"} {
		if err := c.Set(set); err != nil {
			t.Fatal(err)
		}
	}
	points := LearningRates(c, 100, 100)
	for step, want := range map[int]float64{1: 1e-4, 10: 1e-3, 70: 1e-3, 71: 1e-3, 86: 5e-4, 100: 1e-3 / 30} {
		if got := points[step-1].LR; math.Abs(got-want) > 1e-12 {
			t.Errorf("rate of step %d is %g, want %g", step, got, want)
		}
	}
	for _, shape := range []string{"cosine", "1-sqrt"} {
		c.Train.DecayShape = shape
		if got := LearningRates(c, 100, 100)[80].LR; got == points[80].LR || got >= 1e-3 || got <= 0 {
			t.Errorf("%s: rate %g", shape, got)
		}
	}
	c.Train.Warmup = 0.8
	if err := c.Validate(); err == nil {
		t.Error("warm-up and decay take more than the run, and nothing is said")
	}
}
