package inject

import (
	"fmt"
	"math"
	"strings"

	"hone/engine"
	"hone/engine/batch"
	"hone/engine/ops"
)

// Plant plants a fault of a step into a trainer. vocabulary is the number of
// tokens that the model has.
func Plant(t *engine.Trainer, f Fault, vocabulary int) error {
	if f.Step < 1 || f.Step > t.Steps() {
		return fmt.Errorf("%s: the run has steps 1 to %d", f, t.Steps())
	}
	names := t.Names()
	if len(names) == 0 {
		return fmt.Errorf("%s: nothing is trained", f)
	}
	p := planter{t, f}
	at := func(step int) bool { return step == f.Step }
	from := func(step int) bool { return step >= f.Step }
	tensor := names[len(names)-1]
	switch f.ID {
	case "SHIFT-NONE", "SHIFT-TWICE":
		by := map[string]int32{"SHIFT-NONE": 1, "SHIFT-TWICE": -1}[f.ID]
		return p.plant(engine.Faults{Packed: func(step int, b *batch.Packed) {
			if from(step) {
				shift(b, by)
			}
		}})
	case "MASKED-NAN-LEAK":
		return p.value("layers.0.self_attn.qkv_proj", ops.Forward, last, math.NaN())
	case "ACT-INF":
		return p.value("layers.0.mlp.act_fn", ops.Forward, first, math.Inf(1))
	case "LOG0":
		return p.value("lm_head", ops.Backward, last, math.NaN())
	case "SQRT0":
		return p.value("layers.0.post_attention_layernorm", ops.Backward, first, math.Inf(1))
	case "SDC":
		return p.flip()
	case "SPIKE":
		return p.scale(at, "lm_head", ops.Backward, 1e4)
	case "MODEL-WIRING":
		return p.scale(from, "norm", ops.Forward, 30)
	case "CLIP-SPREAD":
		return p.gradients(func(name string, g []float32) {
			if strings.HasSuffix(name, tensor) {
				g[len(g)/2] = float32(math.NaN())
			}
		})
	case "DETACHED":
		return p.gradients(func(name string, g []float32) {
			if strings.HasSuffix(name, tensor) {
				clear(g)
			}
		})
	case "LORA-BOTH0":
		return p.gradients(func(_ string, g []float32) { clear(g) })
	case "FROZEN":
		return p.plant(engine.Faults{UpdateLR: func(step int, lr float64) float64 {
			if at(step) {
				return 0
			}
			return lr
		}})
	case "LR-DIVERGE":
		return p.before(func() { t.LRFactor *= 1e4 })
	case "WEIGHT-NAN-FILE":
		return p.weight()
	case "OPT-POISON":
		return p.moment()
	case "PENALTY-CONST":
		return p.term()
	case "ACCUM-NORM":
		return p.denominators()
	case "SCHED-SILENT":
		return p.schedule()
	case "MODE":
		return p.plant(engine.Faults{Pass: func(step int, rt *ops.Runtime) {
			if from(step) {
				rt.Evaluate = true
			}
		}})
	}
	return p.batches(vocabulary)
}
