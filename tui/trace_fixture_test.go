package tui

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hone/experiments"
	"hone/runs"
)

// gradients is a record of a model with so many layers; the norm of a tensor falls
// with its layer and differs by module.
func gradients(step, layers int) runs.Gradients {
	g := runs.Gradients{Step: step, Norms: map[string]float64{}, Clip: 1}
	total := 0.0
	for l := range layers {
		for m, module := range []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"} {
			b := 0.05 / float64(1+l/3) * (1 + 0.3*math.Sin(float64(l*7+m*3+step)))
			g.Norms[fmt.Sprintf("layers.%d.%s.lora_B", l, module)] = b
			g.Norms[fmt.Sprintf("layers.%d.%s.lora_A", l, module)] = b / 40
			total += b * b * (1 + 1.0/1600)
		}
	}
	g.Norm = math.Sqrt(total)
	return g
}

// sampleStepRow is a row of a step, of which so many tokens are supervised; loss
// gives each of these its nats, nil for none.
func sampleStepRow(row, targets int, loss func(i int) float64) experiments.StepRow {
	_, words := sampleRow(row)
	r := experiments.StepRow{Row: row, Source: fmt.Sprintf("train.jsonl:%d", row+1), Tokens: len(words), From: experiments.FromDataset}
	for i, w := range words {
		x := experiments.StepToken{ID: int32(100 + i), Text: w.Text, Field: w.Field}
		if w.Target && r.Targets < targets {
			x.Target = true
			r.Targets++
			if loss != nil {
				nll := runs.Number(loss(r.Targets))
				x.NLL, r.From = &nll, experiments.FromRecord
				r.NLL += float64(nll)
			}
		}
		r.Text = append(r.Text, x)
	}
	return r
}

// soundStep is a step in which nothing is wrong.
func soundStep(_ context.Context, dir string, step int) (*experiments.StepRecord, error) {
	if step == 0 {
		step = 143
	}
	r := &experiments.StepRecord{Step: step, Loss: 0.0713, GradNorm: 0.31, Targets: 620, Tokens: 950, Applied: true}
	for _, row := range []int{17, 3, 412, 8} {
		x := sampleStepRow(row, 99, nil)
		x.NLL = 1.5 + float64(row)/100
		r.Rows = append(r.Rows, x)
	}
	r.Stages = []experiments.Stage{
		{Name: experiments.StageData, Verdict: experiments.WentWell, Text: "4 rows, 4 distinct, tokens as in the dataset"},
		{Name: experiments.StageMask, Verdict: experiments.WentWell, Text: "620 of 950 tokens supervised"},
		{Name: experiments.StageForward, Verdict: experiments.WentWell, Text: "950 tokens in 1 pass"},
		{Name: experiments.StageLoss, Verdict: experiments.WentWell, Text: "0.0713  ce 0.0481  json 0.061  field 0.094  conf 0.041"},
		{Name: experiments.StageGradient, Verdict: experiments.WentWell, Text: "norm 0.31 of 420 tensors"},
		{Name: experiments.StageUpdate, Verdict: experiments.WentWell, Text: "lr 0.000413, 4884480 values changed in 420 tensors"},
	}
	for i := max(step-15, 1); i <= step; i++ {
		r.Gradients.Steps = append(r.Gradients.Steps, gradients(i, 30))
	}
	return r, nil
}

// oddStep is a step that was halted: a row of it has no targets, another a token
// whose loss is not a number.
func oddStep(ctx context.Context, dir string, step int) (*experiments.StepRecord, error) {
	if step != 0 && step != 41 {
		return soundStep(ctx, dir, step)
	}
	r, err := soundStep(ctx, dir, 41)
	r.Applied, r.Loss, r.GradNorm, r.Targets = false, math.NaN(), math.NaN(), 527
	wave := func(i int) float64 { return 2.2 + 2*math.Sin(float64(i)) }
	r.Rows = []experiments.StepRow{sampleStepRow(17, 99, wave), sampleStepRow(3, 99, wave), sampleStepRow(412, 0, wave), sampleStepRow(8, 99, func(i int) float64 {
		if i > 9 {
			return math.NaN()
		}
		return wave(i)
	})}
	r.Rows[2].Odd, r.Rows[2].NLL = "0 supervised tokens of 93", math.NaN()
	r.Suspects = []int{412, 8}
	r.Stages = []experiments.Stage{
		{Name: experiments.StageData, Verdict: experiments.WentWell, Text: "4 rows, 4 distinct, tokens as in the dataset"},
		{Name: experiments.StageMask, Verdict: experiments.WentWrong, ID: "MASK-ALL", First: true, Text: "1 of 4 rows have no supervised token"},
		{Name: experiments.StageForward, Text: "not looked at: a replay traces every operation"},
		{Name: experiments.StageLoss, Verdict: experiments.WentWrong, Text: "NaN over 527 targets; not finite in 2 of 4 rows"},
		{Name: experiments.StageGradient, Verdict: experiments.WentWrong, Text: "15 of 420 tensors not finite, layers.0.self_attn.q_proj.lora_A first: 9216 values from element 0 on"},
		{Name: experiments.StageUpdate, Text: "not applied: the weights are as they were"},
	}
	r.Gradients = oddTail()
	return r, err
}

// sampleReplay is a replay of a step that is not finite.
func sampleReplay() *experiments.Replay {
	row := 8
	op := func(seq int, name, phase string, bad bool) experiments.ReplayedOp {
		o := experiments.ReplayedOp{Seq: seq, Name: name, Phase: phase, Shape: [2]int{402, 576}, AbsMax: runs.Number(3.1 + float64(seq)), RMS: 0.4}
		if bad {
			o.PosInf = 1
			o.Bad = &experiments.BadPlace{Part: name, Index: 76041, Row: 132, Col: 9, Value: runs.Number(math.Inf(1)), Data: &row, Token: 120, At: 12, Tokens: 61}
		}
		return o
	}
	r := &experiments.Replay{RunDir: storyDir, Step: 41, From: 25, Reproduced: true}
	again := sampleStepRow(8, 99, func(i int) float64 { return float64(i % 5) })
	r.Base = experiments.ReplayedStep{Rows: []int{17, 3, 412, 8}, Loss: runs.Number(math.NaN()), GradNorm: runs.Number(math.NaN()), Update: runs.Number(math.NaN()), PerRow: []experiments.ReplayedRow{
		{Row: 8, Tokens: again.Tokens, Targets: again.Targets, PerToken: again.Text},
	}}
	for i, name := range []string{"embed_tokens", "layers.0.input_layernorm", "layers.0.self_attn.qkv_proj", "layers.0.self_attn", "layers.0.self_attn.o_proj", "layers.0.mlp.act_fn", "layers.0.mlp.down_proj", "norm", "lm_head"} {
		r.Base.Ops = append(r.Base.Ops, op(i, name, "forward", i >= 5))
	}
	r.Base.FirstBad = &r.Base.Ops[5]
	r.Bisection = &experiments.Bisection{Rows: []int{8}, Op: &r.Base.Ops[5], Probes: []experiments.Probe{{Rows: []int{17, 3}, Finite: true}, {Rows: []int{412, 8}}, {Rows: []int{412}, Finite: true}, {Rows: []int{8}}}}
	return r
}

// oddTail is the end of a trace whose last step is not finite.
func oddTail() runs.GradientTail {
	g := gradients(41, 30)
	g.Norm = math.NaN()
	for name := range g.Norms {
		if strings.Contains(name, "layers.0.") || strings.HasSuffix(name, "layers.7.mlp.down_proj.lora_B") {
			g.Norms[name] = math.NaN()
			g.NonFinite = append(g.NonFinite, runs.NonFinite{Tensor: name, Count: 9216})
		}
	}
	g.Norms["layers.3.self_attn.k_proj.lora_A"] = 0
	g.Norms["layers.3.self_attn.k_proj.lora_B"] = 0
	return runs.GradientTail{Steps: []runs.Gradients{gradients(39, 30), gradients(40, 30), g}}
}

// foreignSnapshot is the log of another trainer.
func foreignSnapshot() *snapshot {
	h := &runs.History{}
	nan := runs.Number(math.NaN())
	for i := 10; i <= 210; i += 10 {
		h.Steps = append(h.Steps, runs.Step{Step: i, Epoch: runs.Number(float64(i) / 70), JSON: nan, Field: nan, Confidence: nan, GradNorm: nan, LR: runs.Number(5e-4 * float64(210-i) / 210), Seconds: nan})
	}
	h.Events = append(h.Events, event(210, time.Time{}, runs.Alert{
		Step: 210, ID: "COLLATE-EMPTY", Severity: "error", Confidence: 0.97, Message: "columns are dropped before the collator",
		Advice: "Set remove_unused_columns=False, or tokenize before the trainer.", Evidence: []string{"1,662 tokens for 1,662 sequences: 1.000 each (trainer_state.json:12)"},
	}))
	return &snapshot{
		Dir: storyDir, Version: 1, State: foreignState, History: h, Info: runs.RunInfo{Name: "trainer_state.json", State: foreignState, Step: 210, Steps: 210},
		Foreign: &foreignView{
			Tool: "transformers", Norms: true, Rates: true,
			Facts:  []string{"21 logged losses, steps 10 to 210 of 210; 21 of them exactly 0.0, 0 NaN or infinite; 21 of 21 gradient norms NaN or infinite", "no evaluation"},
			Limits: []string{"whether the end of the sequence (EOS) is trained, and which tokens are; look at one batch", "whether the saved weights are finite; look at the adapter or the model"},
			Others: []string{"checkpoint-100/trainer_state.json"},
		},
	}
}

func (f *fakeBackend) ReadStep(_ context.Context, _ string, step int) (*experiments.StepRecord, error) {
	return &experiments.StepRecord{Loss: math.NaN(), GradNorm: math.NaN()}, nil
}

func (f *fakeBackend) ReplayStep(ctx context.Context, dir string, o experiments.ReplayOptions) (*experiments.Replay, error) {
	f.called("replay %d without %v set %v", o.Step, o.Without, o.Set)
	o.Progress("re-executing step 40", 15, 16)
	if f.replay == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r := *f.replay
	if len(o.Without)+len(o.Set) > 0 {
		v := experiments.ReplayedStep{Without: o.Without, Set: o.Set, Loss: 0.31, GradNorm: 0.44, Update: 0.002, Applied: true}
		r.Variant = &v
	}
	return &r, nil
}

func (f *fakeBackend) Diagnose(_ context.Context, path string) (diagnosis, error) {
	f.called("diagnose %s", path)
	return diagnosis{Verdict: "Likeliest cause: MASK-ALL.", Checked: 31, Findings: []finding{
		{id: "DUP-ROW", kind: logWarn, text: "data: 2 rows of train say the same", advice: "Remove one of them.", confidence: 0.9, by: "doctor"},
	}}, nil
}
