package trace

// logModes are what logs show in place of the truth.
var logModes = []Mode{
	{
		ID: LogFilter, Class: InLogs, Artefact: true, Title: "0.0 is printed where the loss was NaN",
		See:  "Losses of exactly 0.0; in a window that is NaN only in part, a plausible number.",
		Why:  "transformers' logging_nan_inf_filter, on by default, replaces a NaN loss by the mean of the window so far; a window starts at 0.",
		Find: "Zeros beside a norm that is NaN, or with one token per sequence. Hone prints what was computed.",
		Do:   "Set logging_nan_inf_filter=False to see the truth, and look for the cause.",
	},
	{
		ID: LogSticky, Class: InLogs, Artefact: true, Title: "NaN once, NaN in every later log",
		See:  "The loss is NaN from some window to the end, while the norms are finite again.",
		Why:  "Without the filter the trainer resets its sum by subtracting it from itself, and NaN - NaN is NaN.",
		Find: "Losses that stay NaN beside finite norms.",
		Do:   "Look for the one bad step at the first NaN; what came after it may be sound.",
	},
	{
		ID: LogRound, Class: InLogs, Artefact: true, Title: "a loss that was rounded to 0.0",
		See:  "0.0 beside a norm that is small but not zero.",
		Why:  "transformers rounds the loss to four decimals.",
		Find: "Zeros after losses that were already below 0.001, with finite norms.",
		Do:   "Read the norm, not the loss.",
	},
	{
		ID: FP16ScalerWarmup, Class: InLogs, Artefact: true, Normal: true, Title: "the loss scaler looks for its scale",
		See:  "A NaN or infinite norm in the first steps of a run in fp16, with finite losses.",
		Why:  "The scaler starts high and skips steps until nothing overflows. It is as it should be.",
		Find: "Isolated norms that are not finite, early, between finite ones, with fp16 on or not known to be off.",
		Do:   "Nothing, unless it goes on.",
	},
	{
		ID: LogLimits, Class: InLogs, Artefact: true, Normal: true, Title: "what this log cannot tell",
		See:  "Nothing.",
		Why:  "A log holds a few numbers a window: not the batch, not the mask, not the weights.",
		Find: "Said of every foreign log, so that silence is not taken for health.",
		Do:   "Run hone doctor on the dataset, the model and the adapter too.",
	},
}
