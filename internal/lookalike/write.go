package lookalike

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// TrainerState is the run's trainer_state.json at a step, 0 for its end, as Python
// writes it: indented, keys sorted, NaN bare.
func (r *Run) TrainerState(upTo int) []byte {
	entries, flos := r.Log(upTo)
	if upTo == 0 {
		upTo = r.Steps()
	}
	var b strings.Builder
	b.WriteString("{\n  \"best_global_step\": null,\n  \"best_metric\": null,\n  \"best_model_checkpoint\": null,\n")
	fmt.Fprintf(&b, "  \"epoch\": %s,\n  \"eval_steps\": %d,\n  \"global_step\": %d,\n", python(float64(upTo)/float64(r.PerEpoch())), r.StateEvalSteps, upTo)
	b.WriteString("  \"is_hyper_param_search\": false,\n  \"is_local_process_zero\": true,\n  \"is_world_process_zero\": true,\n  \"log_history\": [")
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    {\n")
		for j, k := range slices.Sorted(maps.Keys(e)) {
			if j > 0 {
				b.WriteString(",\n")
			}
			text := python(e[k])
			if k == "step" {
				text = strconv.Itoa(int(e[k]))
			}
			fmt.Fprintf(&b, "      %q: %s", k, text)
		}
		b.WriteString("\n    }")
	}
	fmt.Fprintf(&b, "\n  ],\n  \"logging_steps\": %d,\n  \"max_steps\": %d,\n  \"num_input_tokens_seen\": 0,\n  \"num_train_epochs\": %d,\n  \"save_steps\": 100,\n", r.LoggingSteps, r.Steps(), r.Epochs)
	b.WriteString("  \"stateful_callbacks\": {\n    \"TrainerControl\": {\n      \"args\": {\n        \"should_save\": true\n      },\n      \"attributes\": {}\n    }\n  },\n")
	fmt.Fprintf(&b, "  \"total_flos\": %s,\n  \"train_batch_size\": %d,\n  \"trial_name\": null,\n  \"trial_params\": null\n}\n", python(flos), r.Batch)
	return []byte(b.String())
}

// python writes a float as Python's repr does.
func python(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// Arguments are those of an event file's args/text_summary.
func (r *Run) Arguments() map[string]any {
	args := map[string]any{
		"learning_rate": r.LR, "lr_scheduler_type": r.Schedule, "warmup_ratio": r.Warmup, "warmup_steps": 0,
		"per_device_train_batch_size": r.Batch, "gradient_accumulation_steps": r.Accum, "num_train_epochs": r.Epochs, "max_steps": -1,
		"logging_steps": r.LoggingSteps, "logging_nan_inf_filter": !r.Unfiltered, "remove_unused_columns": true, "fp16": false, "bf16": false,
		"eval_strategy": "no", "eval_steps": nil, "optim": "adamw_torch", "use_cpu": false, "output_dir": "NaN", // a string that must survive
	}
	if r.EvalSteps > 0 {
		args["eval_strategy"], args["eval_steps"] = "steps", r.EvalSteps
	}
	maps.Copy(args, r.Args)
	return args
}

// Events is the run's event file.
func (r *Run) Events() []byte {
	wall := 1.75e9
	out := record(nil, event(wall, 0, field(3, []byte("brain.Event:2"))))
	args, err := json.MarshalIndent(r.Arguments(), "", "  ")
	if err != nil {
		panic("lookalike: " + err.Error()) // the map is ours
	}
	model := `{"_name_or_path": "HuggingFaceTB/SmolLM-360M", "model_type": "llama", "hidden_size": 960, "num_hidden_layers": 32, "num_attention_heads": 15, "num_key_value_heads": 5, "intermediate_size": 2560, "vocab_size": 49152, "tie_word_embeddings": true}`
	out = record(out, event(wall, 0, field(5, summaryText("args/text_summary", string(args)))))
	out = record(out, event(wall, 0, field(5, summaryText("model_config/text_summary", model))))
	entries, _ := r.Log(0)
	for _, e := range entries {
		step := int(e["step"])
		at := wall + r.SecondsPerSample*float64(step*r.Batch*r.Accum)
		for _, k := range slices.Sorted(maps.Keys(e)) {
			if k == "step" {
				continue
			}
			tag := "train/" + k
			if rest, ok := strings.CutPrefix(k, "eval_"); ok {
				tag = "eval/" + rest
			}
			value := field(1, []byte(tag))
			value = binary.LittleEndian.AppendUint32(append(value, 2<<3|5), math.Float32bits(float32(e[k])))
			out = record(out, event(at, step, field(5, field(1, value))))
		}
	}
	return out
}

// event is an Event message with one more field.
func event(wall float64, step int, rest []byte) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, math.Float64bits(wall))
	if step != 0 {
		b = binary.AppendUvarint(append(b, 2<<3), uint64(step))
	}
	return append(b, rest...)
}

// summaryText is a summary with one text.
func summaryText(tag, text string) []byte {
	tensor := append([]byte{1 << 3, 7}, field(8, []byte(text))...)
	metadata := field(1, field(1, []byte("text")))
	value := append(field(1, []byte(tag)), field(9, metadata)...)
	return field(1, append(value, field(8, tensor)...))
}

// field is a length-delimited field.
func field(number int, data []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

// record appends a TFRecord.
func record(b, data []byte) []byte {
	sum := func(p []byte) uint32 {
		c := crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli))
		return (c>>15 | c<<17) + 0xa282ead8
	}
	head := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = append(b, head...)
	b = binary.LittleEndian.AppendUint32(b, sum(head))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, sum(data))
}
