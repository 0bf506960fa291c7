package trace

// gradientModes are failures of gradients, graph, optimizer and schedule.
var gradientModes = []Mode{
	{
		ID: PenaltyConst, Number: 34, Class: InLogs, Title: "a term of the loss has no gradient",
		See:  "The loss is shifted by a constant and nothing else changes.",
		Why:  "A Python float, an argmax or .item(): the term is a number, no function of the weights.",
		Find: "Preflight asks every weighted term for its gradient. A log cannot tell.",
		Do:   "Replace the term by something differentiable, or report it as a metric and not as loss.",
	},
	{
		ID: LoRAB0, Number: 35, Class: InHone, Normal: true, Title: "LoRA's A has no gradient at the first step",
		See:  "At step 1 every A has a gradient of exactly zero.",
		Why:  "B starts at zero, and A's gradient passes through B. It is as it should be.",
		Find: "The recorder lists tensors without a gradient; a rule knows the first steps.",
		Do:   "Nothing. It would be wrong only if A still had none after step 3, or B had none either.",
	},
	{
		ID: LoRABoth0, Also: []string{"DETACHED", "FROZEN"}, Number: 36, Class: InHone, Title: "what should be trained gets no gradient",
		See:  "The loss is constant, the norm 0, or some tensors never change.",
		Why:  "A and B both zero, gradients switched off, or the adapter not part of the graph.",
		Find: "The recorder counts tensors without a gradient and tensors changed by the update. In a log: a constant loss that is no substitute beside a norm of 0.",
		Do:   "List the trainable parameters and check that they change in one step.",
	},
	{
		ID: OptPoison, Number: 37, Class: InHone, Title: "the optimizer's moments are not finite",
		See:  "Clean gradients, and an update that is NaN; restoring the weights does not help.",
		Why:  "One update with NaN gradients went into the moments and stays there.",
		Find: "Hone checks moments when they are read and every update before it is applied.",
		Do:   "Go back with weights and moments together, or start with fresh moments.",
	},
	{
		ID: ClipSpread, Number: 38, Class: InHone, Title: "clipping spreads one NaN to every tensor",
		See:  "All tensors are NaN at once.",
		Why:  "The clip factor is made of the global norm: one NaN in it, and every gradient is multiplied by NaN.",
		Find: "Hone looks at every tensor's norm before clipping and names the first bad one.",
		Do:   "Look at the tensor named; the others were sound.",
	},
	{
		ID: AccumNorm, Number: 39, Class: InLogs, Title: "accumulation changes the loss",
		See:  "Loss or norm grow with the number of accumulated batches; short rows weigh too much.",
		Why:  "A mean of means in place of the mean over all targets.",
		Find: "In a log: a training loss that is as many times the evaluation's as batches are accumulated. Hone uses the denominators of the whole batch; tests compare 8 = 4+4 = 8x1.",
		Do:   "Compare one step of batch 4 with four accumulated steps of batch 1.",
	},
	{
		ID: SchedSilent, Number: 40, Class: InHone, Title: "another schedule or no evaluation than was asked for",
		See:  "The learning rate follows another law than the configuration says; no evaluations in the log.",
		Why:  "An argument was renamed, the error was caught, and a fallback trained with the defaults.",
		Find: "The logged rates are fitted with constant, linear and cosine laws with every warm-up, exactly; the result is compared with the arguments.",
		Do:   "Do not catch errors of the configuration. Print the arguments as the trainer has them.",
	},
	{
		ID: ModeWrong, Number: 41, Class: InOthers, Title: "dropout at evaluation, or none in training",
		See:  "Two evaluations of the same model differ.",
		Why:  "The model's mode was not switched.",
		Find: "Hone's evaluation is another forward pass, which has no dropout in it.",
		Do:   "Evaluate twice and compare.",
	},
	{
		ID: ModelWiring, Number: 42, Class: InHone, Title: "the model is computed otherwise than it was trained",
		See:  "The first loss is 0.1 to 5 nats too high; it may grow with the position.",
		Why:  "Another rope_theta, an untied head, another epsilon or LoRA scale.",
		Find: "Configuration and tensors are checked against each other when a model is opened, a tied head by its bytes.",
		Do:   "Compare the loss of one row with the reference implementation.",
	},
}
