package experiments

import (
	"errors"
	"fmt"

	"hone/engine"
)

// MaxBatchSize is the largest batch size that can be set while training.
const MaxBatchSize = engine.MaxBatchSize

// maxLossWeight is the largest weight of a term of the loss.
const maxLossWeight = 1000

// Check refuses weights that would not train, as the experiment file does.
func (c LossConfig) Check() error {
	for _, w := range []struct {
		name  string
		value float64
	}{{"ce", c.CE}, {"json", c.JSON}, {"field", c.Field}, {"confidence", c.Confidence}} {
		if !(w.value >= 0 && w.value <= maxLossWeight) {
			return fmt.Errorf("%s is %g: want a number from 0 to %d", w.name, w.value, maxLossWeight)
		}
	}
	if c.CE == 0 && c.JSON == 0 && c.Field == 0 {
		return errors.New("ce, json and field are 0: nothing would be learned from the targets")
	}
	return nil
}
