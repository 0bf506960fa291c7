package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hone/data"
	"hone/engine/decode"
	"hone/engine/llama"
)

// DecodeOptions say how generation is measured.
type DecodeOptions struct {
	Options
	Adapter string // directory; "" = the base model
	New     int    // tokens, one at a time; an end of text does not end them
}

// Decode is the speed of one greedy text.
type Decode struct {
	Setting
	Adapter bool `json:"adapter"`
	New     int  `json:"new"`
	Prompt  int  `json:"prompt"` // tokens
	Repeat  int  `json:"repeat"`

	TokensPerSecond       float64 `json:"tokens_per_second"` // after the prompt
	PromptTokensPerSecond float64 `json:"prompt_tokens_per_second"`
	PeakBytes             int64   `json:"peak_bytes"`
	IDs                   []int32 `json:"ids"` // the first generated tokens: whether two builds computed the same
}

// shownIDs is how many generated tokens a Decode shows.
const shownIDs = 16

// MeasureDecode continues the prompt of the first test row: the prompt in one
// pass, then so many passes of one token.
func MeasureDecode(ctx context.Context, o DecodeOptions) (*Decode, error) {
	s, err := open(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	defer s.close()
	rows, err := s.Dataset.Split(data.Test)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("the test split has no rows")
	}
	prompt, err := s.Encoder.PromptOf(rows[0])
	if err != nil {
		return nil, err
	}
	r := &Decode{Setting: s.setting("decode"), Adapter: o.Adapter != "", New: o.New, Prompt: len(prompt), Repeat: max(1, o.Repeat)}
	adapter, err := s.readAdapter(o.Adapter)
	if err != nil {
		return nil, err
	}
	o.progress("loading the model", 0, 0)
	packed, err := s.load(ctx, llama.Frozen)
	if err != nil {
		return nil, err
	}
	m := decode.New(s.pool, packed, adapter, len(prompt)+o.New+1)
	var steps, prompts []float64
	for i := range r.Repeat + 1 {
		o.progress("generating", i, r.Repeat+1)
		// The first token comes of the prompt's pass.
		var first time.Time
		start := time.Now()
		out, err := m.Generate(ctx, [][]int32{prompt}, decode.Options{MaxNew: o.New + 1, Batch: 1, Stop: func(int, int32) bool {
			if first.IsZero() {
				first = time.Now()
			}
			return false
		}})
		if err != nil {
			return nil, fmt.Errorf("generating: %w", err)
		}
		end := time.Now()
		if i == 0 {
			continue // warmed up
		}
		steps = append(steps, float64(o.New)/end.Sub(first).Seconds())
		prompts = append(prompts, float64(len(prompt))/first.Sub(start).Seconds())
		r.IDs = out[0].IDs[:min(shownIDs, len(out[0].IDs))]
	}
	r.TokensPerSecond, r.PromptTokensPerSecond, r.PeakBytes = median(steps), median(prompts), peakBytes()
	return r, nil
}
