package experiments

import (
	"hone/data"
	"hone/engine"
	"hone/engine/optim"
	"hone/engine/weights"
	"hone/runs"
)

// maxSeed is the largest seed: the largest integer that JSON readers with
// float64 numbers keep exactly.
const maxSeed = 1<<53 - 1

// maxFields is the largest number of fields of a schema.
const maxFields = 64

// projections are the linear modules of a Llama layer, in the order in which a
// layer runs them.
var projections = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// keyTable is the one source of the names, defaults, ranges, options and meanings
// of all keys, in file order: the file, the form, --set, --help and the
// documentation are made from it.
var keyTable = []Key{
	{
		Name: "name", Kind: KindString, Default: `"calendar"`, Max: 100, minLen: 1,
		Doc: "names the run directory",
		at:  func(c *Config) any { return &c.Name },
	},
	{
		Name: "seed", Kind: KindInt, Default: "42", Max: maxSeed,
		Doc: "split, order of rows, LoRA's A, dropout and random weights come from it",
		at:  func(c *Config) any { return &c.Seed },
	},
	{
		Name: "method", Kind: KindChoice, Default: `"lora"`, Options: []string{LoRA, Full},
		Doc: "what is trained: a LoRA adapter, or every weight",
		at:  func(c *Config) any { return &c.Method },
	},
	{
		Name: "threads", Kind: KindInt, Default: "0", Max: 1024,
		Doc: "0 = all cores",
		at:  func(c *Config) any { return &c.Threads },
	},

	{
		Name: "model.path", Kind: KindPath, Default: `"builtin"`, Max: 4096, minLen: 1,
		Doc:     "builtin, a directory, a .gguf file or a hub id",
		aliases: []string{"base_model", "model_name_or_path", "model"},
		at:      func(c *Config) any { return &c.Model.Path },
	},
	{
		Name: "model.init", Kind: KindChoice, Default: `"weights"`, Options: []string{InitWeights, InitRandom},
		Doc: "what method full starts from: the model's weights, or random ones, for which config.json and tokenizer.json are enough",
		at:  func(c *Config) any { return &c.Model.Init },
	},
	{
		Name: "model.dtype", Kind: KindChoice, Default: `"auto"`, Options: []string{"auto", "f32", "bf16", "int8"},
		Doc:     "what frozen weights are stored in; auto = bf16 where the CPU multiplies it, else f32; int8 is the smallest, rounds weights alone, and writes one text fastest",
		aliases: []string{"torch_dtype", "precision"},
		at:      func(c *Config) any { return &c.Model.DType },
	},

	{
		Name: "data.path", Kind: KindPath, Default: `"builtin"`, Max: 4096, minLen: 1,
		Doc:     "builtin, a .jsonl, .csv or .tsv file or a directory with train/eval/test.jsonl",
		aliases: []string{"dataset", "data"},
		at:      func(c *Config) any { return &c.Data.Path },
	},
	{
		Name: "data.format", Kind: KindChoice, Default: `"auto"`, Options: []string{"auto", "events", "prompt-completion", "chat", "text"},
		Doc: "rows {event_text, output}, {prompt, completion}, {messages} or {text}",
		at:  func(c *Config) any { return &c.Data.Format },
	},
	{
		Name: "data.columns", Kind: KindStrings, Default: `[]`, Max: 6,
		Doc:     "columns or keys of other names: prompt=question, completion=answer; also event_text, output, messages, text",
		aliases: []string{"column_mapping"},
		at:      func(c *Config) any { return &c.Data.Columns },
	},
	{
		Name: "data.prompt", Kind: KindString, Default: `"Extract calendar information from: {event_text}\nCalendar JSON:"`, Max: 65536, minLen: 1,
		Doc:     "the model's input; {event_text} stands for the event",
		aliases: []string{"template", "prompt_template"},
		at:      func(c *Config) any { return &c.Data.Prompt },
	},
	{
		Name: "data.chat_template", Kind: KindString, Default: `""`, Max: 4096,
		Doc: `of rows of messages: a Jinja file, or chatml; "" = the model's own`,
		at:  func(c *Config) any { return &c.Data.ChatTemplate },
	},
	{
		Name: "data.turns", Kind: KindChoice, Default: `"all"`, Options: []string{data.TurnsAll, data.TurnsLast, data.TurnsEach},
		Doc: "the assistant's turns of a conversation that are trained: all, the last, or each in a row of its own",
		at:  func(c *Config) any { return &c.Data.Turns },
	},
	{
		Name: "data.fields", Kind: KindStrings, Default: `[]`, Max: maxFields,
		Doc:     "the schema; [] = ordered union of the keys of the train completions",
		aliases: []string{"schema"},
		at:      func(c *Config) any { return &c.Data.Fields },
	},
	{
		Name: "data.split", Kind: KindFloats, Default: `[0.7, 0.15, 0.15]`, Max: 1,
		Doc: "train, eval, test: floor, floor, the rest; ignored where files name the splits",
		at:  func(c *Config) any { return &c.Data.Split },
	},
	{
		Name: "data.max_length", Kind: KindInt, Default: "384", Min: 8, Max: 131072,
		Doc:     "tokens of an example, EOS included; a completion is never cut silently",
		aliases: []string{"max_seq_length", "cutoff_len"},
		at:      func(c *Config) any { return &c.Data.MaxLength },
	},
	{
		Name: "data.overlong", Kind: KindChoice, Default: `"drop"`, Options: []string{"drop", "fail"},
		Doc: "what to do with a longer example",
		at:  func(c *Config) any { return &c.Data.Overlong },
	},
	{
		Name: "data.bad_rows", Kind: KindChoice, Default: `"skip"`, Options: []string{"skip", "fail"},
		Doc: "rows that cannot be read; always reported with file and line",
		at:  func(c *Config) any { return &c.Data.BadRows },
	},
	{
		Name: "data.eos", Kind: KindString, Default: `""`, Max: 256,
		Doc:     `token that ends a completion; "" = the model's own`,
		aliases: []string{"eos_token"},
		at:      func(c *Config) any { return &c.Data.EOS },
	},

	{
		Name: "lora.r", Kind: KindInt, Default: "16", Min: 1, Max: 1024,
		Doc:     "rank of the adapter",
		aliases: []string{"rank", "lora_r", "lora_rank"},
		at:      func(c *Config) any { return &c.LoRA.R },
	},
	{
		Name: "lora.alpha", Kind: KindFloat, Default: "32", Max: 65536, minOpen: true,
		Doc:     "the update is scaled by alpha/r",
		aliases: []string{"lora_alpha"},
		at:      func(c *Config) any { return &c.LoRA.Alpha },
	},
	{
		Name: "lora.dropout", Kind: KindFloat, Default: "0.0", Max: 1, maxOpen: true,
		Doc:     "share of the adapter's inputs dropped in training",
		aliases: []string{"lora_dropout"},
		at:      func(c *Config) any { return &c.LoRA.Dropout },
	},
	{
		Name: "lora.targets", Kind: KindStrings, Options: projections, Min: 1, Max: 256, longer: weights.NamesLinear,
		Default: `["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]`,
		Doc:     "modules that get an adapter, by their names or the ends of these, as layers.3.mlp.up_proj",
		aliases: []string{"target_modules", "lora_target_modules"},
		at:      func(c *Config) any { return &c.LoRA.Targets },
	},
	{
		Name: "lora.target_regex", Kind: KindString, Default: `""`, Max: 16384,
		Doc: `picks the modules instead of lora.targets: a regular expression of their whole names, as model.layers.3.mlp.up_proj; "" = lora.targets`,
		at:  func(c *Config) any { return &c.LoRA.TargetRegex },
	},
	{
		Name: "lora.exclude_modules", Kind: KindStrings, Options: projections, Default: `[]`, Max: 256, longer: weights.NamesLinear,
		Doc:     "modules that get none whatever lora.targets or lora.target_regex pick, by their names or the ends of these",
		aliases: []string{"exclude_modules"},
		at:      func(c *Config) any { return &c.LoRA.ExcludeModules },
	},
	{
		Name: "lora.exclude_regex", Kind: KindString, Default: `""`, Max: 16384,
		Doc: `excludes by a regular expression of whole names instead of lora.exclude_modules; "" = lora.exclude_modules`,
		at:  func(c *Config) any { return &c.LoRA.ExcludeRegex },
	},
	{
		Name: "lora.layers", Kind: KindInts, Default: "[]", Max: 4095,
		Doc:     "layers, from 0, in which lora.targets get one; [] = all",
		aliases: []string{"layers_to_transform", "lora_layers"},
		at:      func(c *Config) any { return &c.LoRA.Layers },
	},
	{
		Name: "lora.rank_pattern", Kind: KindTable, Default: "{}", Min: 1, Max: 1024, whole: true,
		Doc: "ranks of some modules instead of lora.r, as { down_proj = 32 }: ends of names or regular expressions, the first in the alphabet that matches",
		at:  func(c *Config) any { return &c.LoRA.RankPattern },
	},
	{
		Name: "lora.alpha_pattern", Kind: KindTable, Default: "{}", Max: 65536, minOpen: true,
		Doc: "alphas of some modules instead of lora.alpha, matched as lora.rank_pattern",
		at:  func(c *Config) any { return &c.LoRA.AlphaPattern },
	},
	{
		Name: "lora.rslora", Kind: KindBool, Default: "false",
		Doc:     "scale by alpha/sqrt(r) instead",
		aliases: []string{"use_rslora"},
		at:      func(c *Config) any { return &c.LoRA.RSLoRA },
	},
	{
		Name: "lora.init_adapter", Kind: KindPath, Default: `""`, Max: 4096,
		Doc: "start from an existing PEFT adapter, or from that of a run: its modules and ranks must be these, its scale is kept",
		at:  func(c *Config) any { return &c.LoRA.InitAdapter },
	},

	{
		Name: "loss.ce", Kind: KindFloat, Default: "1.0", Max: 1000,
		Doc: "weight of the cross entropy (alpha)",
		at:  func(c *Config) any { return &c.Loss.CE },
	},
	{
		Name: "loss.json", Kind: KindFloat, Default: "0.2", Max: 1000,
		Doc: "weight of the expected structural error (beta)",
		at:  func(c *Config) any { return &c.Loss.JSON },
	},
	{
		Name: "loss.field", Kind: KindFloat, Default: "0.1", Max: 1000,
		Doc: "weight of the expected field error (gamma)",
		at:  func(c *Config) any { return &c.Loss.Field },
	},
	{
		Name: "loss.confidence", Kind: KindFloat, Default: "0.05", Max: 1000,
		Doc: "weight of the missing confidence (delta)",
		at:  func(c *Config) any { return &c.Loss.Confidence },
	},

	{
		Name: "train.epochs", Kind: KindInt, Default: "5", Min: 1, Max: 10000,
		Doc:     "passes over the train split",
		aliases: []string{"num_train_epochs", "num_epochs"},
		at:      func(c *Config) any { return &c.Train.Epochs },
	},
	{
		Name: "train.batch_size", Kind: KindInt, Default: "8", Min: 1, Max: 4096,
		Doc:     "examples per optimizer step; the last batch of an epoch may be smaller",
		aliases: []string{"per_device_train_batch_size", "train_batch_size"},
		at:      func(c *Config) any { return &c.Train.BatchSize },
	},
	{
		Name: "train.micro_batch", Kind: KindInt, Default: "0", Max: 1 << 20,
		Doc: "tokens per forward; 0 = chosen to fit memory",
		at:  func(c *Config) any { return &c.Train.MicroBatch },
	},
	{
		Name: "train.memory", Kind: KindSize, Default: `"auto"`, Min: 64e6, Max: 64e12,
		Doc: `"auto" or a size: "4GB", "512MiB"`,
		at:  func(c *Config) any { return &c.Train.Memory },
	},
	{
		Name: "train.lr", Kind: KindFloat, Default: "5e-4", Max: 10, minOpen: true,
		Doc:     "learning rate after the warm-up",
		aliases: []string{"learning_rate"},
		at:      func(c *Config) any { return &c.Train.LR },
	},
	{
		Name: "train.schedule", Kind: KindChoice, Default: `"cosine"`, Options: []string{"constant", "linear", "cosine", "wsd"},
		Doc:     "learning rate after the warm-up; wsd stays at it and falls at the end, over train.decay",
		aliases: []string{"lr_scheduler_type", "lr_scheduler", "scheduler"},
		at:      func(c *Config) any { return &c.Train.Schedule },
	},
	{
		Name: "train.warmup", Kind: KindFloat, Default: "0.1", Max: 1,
		Doc:     "fraction of all steps",
		aliases: []string{"warmup_ratio", "warmup_steps"},
		at:      func(c *Config) any { return &c.Train.Warmup },
	},
	{
		Name: "train.decay", Kind: KindFloat, Default: "0.2", Max: 1,
		Doc:     "fraction of all steps at the end over which wsd falls to 0; other schedules do not use it",
		aliases: []string{"num_decay_steps", "decay_ratio", "cooldown"},
		at:      func(c *Config) any { return &c.Train.Decay },
	},
	{
		Name: "train.decay_shape", Kind: KindChoice, Default: `"1-sqrt"`, Options: []string{"linear", "cosine", "1-sqrt"},
		Doc:     "how wsd falls; 1-sqrt = 1 less the root of the share that is done",
		aliases: []string{"decay_type"},
		at:      func(c *Config) any { return &c.Train.DecayShape },
	},
	{
		Name: "train.loraplus_ratio", Kind: KindFloat, Default: "1.0", Max: 1000, minOpen: true,
		Doc:     "LoRA+: learning rate of B as a multiple of train.lr, which A has; 1 = plain LoRA, the paper takes up to 16",
		aliases: []string{"loraplus_lr_ratio", "lora_plus_ratio"},
		at:      func(c *Config) any { return &c.Train.LoRAPlusRatio },
	},
	{
		Name: "train.weight_decay", Kind: KindFloat, Default: "0.01", Max: 10,
		Doc: "decoupled; the weights of norms do not decay",
		at:  func(c *Config) any { return &c.Train.WeightDecay },
	},
	{
		Name: "train.optimizer", Kind: KindChoice, Default: `"adamw"`, Options: []string{optim.NameAdamW, optim.NameMuon},
		Doc:     "muon: matrices move by their momentum made orthogonal, the rest by AdamW; for training from random weights",
		aliases: []string{"optim"},
		at:      func(c *Config) any { return &c.Train.Optimizer },
	},
	{
		Name: "train.beta2", Kind: KindFloat, Default: "0.999", Max: 1, minOpen: true, maxOpen: true,
		Doc:     "AdamW's decay of the squared gradients; 0.95 is usual when training from random weights",
		aliases: []string{"adam_beta2"},
		at:      func(c *Config) any { return &c.Train.Beta2 },
	},
	{
		Name: "train.clip", Kind: KindFloat, Default: "1.0", Max: 1e6,
		Doc:     "largest global gradient norm; 0 = no clipping",
		aliases: []string{"max_grad_norm", "grad_clip", "gradient_clipping"},
		at:      func(c *Config) any { return &c.Train.Clip },
	},
	{
		Name: "train.neftune_alpha", Kind: KindFloat, Default: "0.0", Max: 1000,
		Doc:     "noise on the embeddings while training, uniform in +-alpha/sqrt(tokens*hidden); 0 = none, the paper takes 5 to 15",
		aliases: []string{"neftune_noise_alpha", "neftune"},
		at:      func(c *Config) any { return &c.Train.NEFTuneAlpha },
	},
	{
		Name: "train.shuffle", Kind: KindBool, Default: "true",
		Doc: "a new order of rows every epoch",
		at:  func(c *Config) any { return &c.Train.Shuffle },
	},
	{
		Name: "train.eval_every", Kind: KindInt, Default: "25", Max: 1e6,
		Doc:     "optimizer steps; 0 = never",
		aliases: []string{"eval_steps"},
		at:      func(c *Config) any { return &c.Train.EvalEvery },
	},
	{
		Name: "train.eval_examples", Kind: KindInt, Default: "32", Max: 1e6,
		Doc: "rows generated at an evaluation; its loss is over the whole split",
		at:  func(c *Config) any { return &c.Train.EvalExamples },
	},
	{
		Name: "train.best_by", Kind: KindChoice, Default: `"exact_match"`, Options: runs.Scores(),
		Doc:     "score of an evaluation that decides which adapter is kept; among equals the lower loss",
		aliases: []string{"metric_for_best_model", "load_best_model_at_end"},
		at:      func(c *Config) any { return &c.Train.BestBy },
	},
	{
		Name: "train.early_stopping", Kind: KindChoice, Default: `"off"`, Options: append([]string{NoEarlyStopping}, runs.Scores()...),
		Doc:     "finish the run when this score of the evaluations has stopped rising (the loss: falling)",
		aliases: []string{"early_stop", "early_stopping_metric"},
		at:      func(c *Config) any { return &c.Train.EarlyStopping },
	},
	{
		Name: "train.patience", Kind: KindInt, Default: "3", Min: 1, Max: 10000,
		Doc:     "evaluations in a row without a rise that finish the run",
		aliases: []string{"early_stopping_patience", "early_stopping_steps"},
		at:      func(c *Config) any { return &c.Train.Patience },
	},
	{
		Name: "train.min_delta", Kind: KindFloat, Default: "0.0", Max: 1000,
		Doc:     "a rise has to be larger than this; measured from the last that was",
		aliases: []string{"early_stopping_threshold"},
		at:      func(c *Config) any { return &c.Train.MinDelta },
	},
	{
		Name: "train.checkpoint_every", Kind: KindInt, Default: "25", Max: 1e6,
		Doc:     "optimizer steps; 0 = only at the end",
		aliases: []string{"save_steps", "save_every"},
		at:      func(c *Config) any { return &c.Train.CheckpointEvery },
	},
	{
		Name: "train.keep_checkpoints", Kind: KindInt, Default: "3", Min: 1, Max: 10000,
		Doc:     "the newest; the best is kept besides",
		aliases: []string{"save_total_limit"},
		at:      func(c *Config) any { return &c.Train.KeepCheckpoints },
	},
	{
		Name: "train.save", Kind: KindChoice, Default: `"f32"`, Options: []string{"f32", "bf16"},
		Doc: "what method full stores its model in; checkpoints are f32",
		at:  func(c *Config) any { return &c.Train.Save },
	},
	{
		Name: "train.on_nonfinite", Kind: KindChoice, Default: `"halt"`, Options: []string{engine.Halt, engine.SkipRow, engine.SkipStep, engine.Rewind},
		Doc: "a non-finite update is never applied: end, take the step without the rows, drop it, or go back to a checkpoint",
		at:  func(c *Config) any { return &c.Train.OnNonfinite },
	},
	{
		Name: "train.preflight", Kind: KindBool, Default: "true",
		Doc: "before the first step: data, mask, weights, one loss by three ways, a gradient of every loss term; refuses what cannot work",
		at:  func(c *Config) any { return &c.Train.Preflight },
	},

	{
		Name: "eval.max_new", Kind: KindInt, Default: "128", Min: 1, Max: 32768,
		Doc:     "new tokens per output",
		aliases: []string{"max_new_tokens"},
		at:      func(c *Config) any { return &c.Eval.MaxNew },
	},
	{
		Name: "eval.batch", Kind: KindInt, Default: "16", Min: 1, Max: 4096,
		Doc:     "outputs generated side by side",
		aliases: []string{"eval_batch_size", "per_device_eval_batch_size"},
		at:      func(c *Config) any { return &c.Eval.Batch },
	},
}

func init() {
	for i := range keyTable {
		k := &keyTable[i]
		k.Section = sectionOf(k.Name)
		k.Range = k.rangeText()
	}
}
