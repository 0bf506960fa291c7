package trace

// numericModes are failures of arithmetic.
var numericModes = []Mode{
	{
		ID: FP16Overflow, Number: 23, Class: InLogs, Title: "half precision overflows",
		See:  "A sane run that is NaN from some step on, or half of whose steps are skipped by the loss scaler.",
		Why:  "float16 ends at 65504; activations grow layer by layer until one is infinite.",
		Find: "In a log: losses and norms that are not finite from a step on, with fp16 on. Hone computes in float32 and bfloat16.",
		Do:   "Train in bf16 or float32; look at the largest activations of the layers.",
	},
	{
		ID: FP16Underflow, Also: []string{"BF16-UNDERFLOW"}, Number: 24, Class: InHone, Title: "updates too small to change a weight",
		See:  "A loss that stays where it is with a gradient that is not zero.",
		Why:  "Weights in half precision move only by 1/256 (bf16) of themselves or not at all; or the learning rate is nearly 0.",
		Find: "The recorder counts the values that each update changed, and its ratio to the weights.",
		Do:   "Keep float32 copies of what is trained, or raise the learning rate.",
	},
	{
		ID: LRDiverge, Number: 25, Class: InHone, Title: "the learning rate is too high",
		See:  "Loss and gradient norm rise over several windows, then there is no number left.",
		Why:  "Updates of more than a tenth of the weights.",
		Find: "The loss leaves its range for several windows while norm or update ratio grow. Finite values only.",
		Do:   "Go back to a checkpoint before the rise, halve the learning rate, lengthen the warm-up.",
	},
	{
		ID: Spike, Number: 26, Class: InHone, Title: "a single bad batch",
		See:  "One loss far above its neighbours, and back again.",
		Why:  "Unusual or damaged rows in one batch.",
		Find: "Distance from the median of the neighbours in units of their spread. Finite values only.",
		Do:   "Look at the rows of that batch first; then leave them out or go on.",
	},
	{
		ID: WeightNaNFile, Number: 27, Class: InHone, Title: "the weights in the file are not finite",
		See:  "NaN at the first step, whatever the batch.",
		Why:  "A damaged file, or a checkpoint saved after a run had gone NaN.",
		Find: "Every value is looked at when weights are read: tensor, index, value.",
		Do:   "Fetch the file again, or go back to an older checkpoint.",
	},
	{
		ID: ActInf, Number: 28, Class: InHone, Title: "an operation makes a value that is not finite from finite ones",
		See:  "NaN or infinity from a step on.",
		Why:  "Overflow, a division by zero, a mistake in an operation.",
		Find: "Hone runs a failed step again with every operation checked and names the first one. A log shows only the step.",
		Do:   "Look at the operation, layer and token named.",
	},
	{
		ID: Log0, Number: 29, Class: InLogs, Title: "log(0) in a term of the loss",
		See:  "An infinite loss, or a finite one whose gradient is NaN.",
		Why:  "where(p > 0, log(p), 0) hides the value but not its derivative.",
		Find: "In a log: a plausible loss beside a norm that is always NaN. Hone's terms take no logarithm of a probability.",
		Do:   "Clamp inside the logarithm, or use log-softmax.",
	},
	{
		ID: Sqrt0, Also: []string{"DIV0"}, Number: 30, Class: InOthers, Title: "the derivative of a root at zero",
		See:  "A finite loss, an infinite gradient.",
		Why:  "A norm of zeros without an epsilon.",
		Find: "Hone refuses an epsilon of 0 in a model's configuration.",
		Do:   "Add the epsilon inside the root.",
	},
	{
		ID: SoftmaxNoSub, Number: 31, Class: InOthers, Title: "a softmax that overflows",
		See:  "NaN as soon as logits pass 88.",
		Why:  "exp without subtracting the largest logit first.",
		Find: "Hone subtracts it.",
		Do:   "Use a library's softmax.",
	},
	{
		ID: Cancel, Number: 32, Class: InOthers, Title: "a sum that loses its small terms",
		See:  "The loss of a batch is not the weighted mean of its rows.",
		Why:  "A long sum in float32.",
		Find: "Hone sums losses in float64; preflight compares a batch with its rows.",
		Do:   "Sum in float64, or pairwise.",
	},
	{
		ID: SDC, Also: []string{"NONDET"}, Number: 33, Class: InHone, Title: "the same step gives another result",
		See:  "A failure that does not come back when the step is run again.",
		Why:  "A bit that flipped in memory, or a race.",
		Find: "Replay of the step is compared with its record, bit by bit.",
		Do:   "It is not your data. Test the machine's memory; report it if it comes back.",
	},
}
