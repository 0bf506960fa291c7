package experiments

import (
	"strings"

	"hone/data"
	"hone/engine/weights"
	"hone/runs"
)

// eventMark stands for the event's text in the prompt template.
const eventMark = "{event_text}"

// patternProblem says what is wrong with the names of a pattern.
func patternProblem(table map[string]float64) string {
	if _, err := (weights.AdapterConfig{Ranks: patterns(table)}).Modules(0); err != nil {
		return "has a name that is no regular expression known here: " + clipText(err.Error(), 200)
	}
	return ""
}

// expressionProblem says that an expression is none.
func expressionProblem(c weights.AdapterConfig) string {
	if _, err := c.Modules(0); err != nil {
		return "is no regular expression known here: " + clipText(err.Error(), 200)
	}
	return ""
}

// Validate checks every value against its key's range, and the rules between
// keys. The error is a *[Problems] with everything that is wrong.
func (c Config) Validate() error {
	p := &Problems{}
	for i := range keyTable {
		if msg := keyTable[i].check(&c); msg != "" {
			p.add(Problem{Key: keyTable[i].Name, Message: msg})
		}
	}
	for _, r := range crossRules {
		if msg := r.broken(&c); msg != "" && p.For(r.key) == "" {
			p.add(Problem{Key: r.key, Message: msg})
		}
	}
	return p.orNil()
}

// crossRules are the rules between keys; each is reported at one key.
var crossRules = []struct {
	key    string
	broken func(c *Config) string
}{
	{"data.prompt", func(c *Config) string {
		if (c.Data.Format == "auto" || c.Data.Format == "events") && !strings.Contains(c.Data.Prompt, eventMark) {
			return "must contain " + eventMark + ", or every event has the same prompt (data.format is " + quote(c.Data.Format) + ")"
		}
		return ""
	}},
	{"data.columns", func(c *Config) string {
		if err := data.CheckColumns(c.Data.Columns); err != nil {
			return strings.TrimPrefix(err.Error(), "columns: ")
		}
		return ""
	}},
	{"data.fields", func(c *Config) string {
		if c.Data.Format == string(data.Text) && len(c.Data.Fields) > 0 {
			return "are of answers that are JSON objects; rows of text have no answer"
		}
		return ""
	}},
	{"data.split", func(c *Config) string {
		if c.Data.Split[0] == 0 {
			return "leaves no rows to train on"
		}
		return ""
	}},
	{"model.init", func(c *Config) string {
		if c.Model.Init == InitRandom && c.Method != Full {
			return "is " + quote(InitRandom) + ", which method " + quote(Full) + " can start from; an adapter needs a trained model"
		}
		return ""
	}},
	{"model.dtype", func(c *Config) string {
		if (c.Model.DType == "bf16" || c.Model.DType == "int8") && c.Method == Full {
			return "must be " + quote("auto") + " or " + quote("f32") + " with method " + quote(Full) + ": weights that are trained are float32"
		}
		return ""
	}},
	{"lora.init_adapter", func(c *Config) string {
		if c.LoRA.InitAdapter != "" && c.Method == Full {
			return "is for method " + quote(LoRA) + "; method " + quote(Full) + " has no adapter"
		}
		return ""
	}},
	{"train.decay", func(c *Config) string {
		if c.Train.Schedule == "wsd" && c.Train.Decay+c.Train.Warmup > 1 {
			return "and train.warmup take more than the whole run: " + formatNumber(c.Train.Decay) + " and " + formatNumber(c.Train.Warmup)
		}
		return ""
	}},
	{"train.loraplus_ratio", func(c *Config) string {
		if c.Train.LoRAPlusRatio != 1 && c.Method == Full {
			return "is for method " + quote(LoRA) + "; method " + quote(Full) + " has no adapter"
		}
		return ""
	}},
	{"train.early_stopping", func(c *Config) string {
		switch {
		case c.Train.EarlyStopping == NoEarlyStopping:
		case c.Train.EvalEvery == 0:
			return "needs evaluations: train.eval_every is 0"
		case c.Train.EarlyStopping != runs.ScoreLoss && c.Train.EvalExamples == 0:
			return "needs rows that are generated: train.eval_examples is 0"
		}
		return ""
	}},
	{"lora.target_regex", func(c *Config) string {
		switch {
		case c.LoRA.TargetRegex == "":
		case len(c.LoRA.Layers) > 0:
			return "picks the layers too: lora.layers must be []"
		default:
			return expressionProblem(weights.AdapterConfig{Regex: c.LoRA.TargetRegex})
		}
		return ""
	}},
	{"lora.exclude_regex", func(c *Config) string {
		switch {
		case c.LoRA.ExcludeRegex == "":
		case len(c.LoRA.ExcludeModules) > 0:
			return "excludes in place of lora.exclude_modules, which must be []"
		default:
			return expressionProblem(weights.AdapterConfig{ExcludeRegex: c.LoRA.ExcludeRegex})
		}
		return ""
	}},
	{"lora.rank_pattern", func(c *Config) string { return patternProblem(c.LoRA.RankPattern) }},
	{"lora.alpha_pattern", func(c *Config) string { return patternProblem(c.LoRA.AlphaPattern) }},
	{"loss.ce", func(c *Config) string {
		if c.Loss.CE == 0 && c.Loss.JSON == 0 && c.Loss.Field == 0 {
			return "is 0 as loss.json and loss.field are: nothing would be learned from the targets"
		}
		return ""
	}},
}
