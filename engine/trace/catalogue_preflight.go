package trace

// preflightModes are findings that the list of 42 does not have.
var preflightModes = []Mode{
	{
		ID: PromptDrift, Class: InHone, Title: "the prompt at inference is not that of training",
		See:  "Good losses, bad generations.",
		Why:  "Another template, a space or a line break more or less.",
		Find: "The prompt that an adapter was trained with is in its run's config.toml, and the hash of its chat template in run.json; they are compared with what is asked, with the template that a model brings along and with those of the run that another began from.",
		Do:   "Use the same template, and the same join of prompt and completion.",
	},
	{
		ID: NonFinite, Class: InHone, Title: "a loss, gradient or update is not finite",
		See:  "The run halts, or goes on without the step or the rows.",
		Why:  "See the cause that is named with it.",
		Find: "Looked at before every update; none that is not finite is applied.",
		Do:   "Follow the cause that is named with it.",
	},
	{
		ID: Unreadable, Class: InHone, Title: "a file that cannot be used",
		See:  "An error.",
		Why:  "Cut short, damaged, or in a form that is not read here.",
		Find: "Sizes, checksums and shapes are checked before anything is used.",
		Do:   "Fetch or write the file again.",
	},
	{
		ID: IdentityLabels, Class: InHone, Title: "completions repeat their prompt",
		See:  "A loss that falls to nothing.",
		Why:  "Input and answer were taken from the same column.",
		Find: "Preflight.",
		Do:   "Check where the columns come from.",
	},
	{
		ID: LabelConflict, Class: InHone, Title: "the same prompt with different completions",
		See:  "A loss that stays above zero however long you train.",
		Why:  "Contradicting labels.",
		Find: "Preflight.",
		Do:   "Decide which completion is right.",
	},
	{
		ID: DupRow, Class: InHone, Title: "rows that are there more than once",
		See:  "Nothing, or scores that count some rows twice.",
		Why:  "Copies in the source.",
		Find: "Preflight.",
		Do:   "Remove the copies.",
	},
	{
		ID: MaskGap, Class: InHone, Title: "a token within the completion is not trained",
		See:  "Generations that lack a token.",
		Why:  "A mask by token id.",
		Find: "Preflight.",
		Do:   "Mask by position.",
	},
	{
		ID: TurnsLast, Class: InHone, Title: "of a conversation only the last answer is trained",
		See:  "Fewer targets than the conversations have answers.",
		Why:  "The chat template writes earlier turns otherwise once others follow (Qwen3 drops their thoughts), so that nothing stands in the whole as the model will see it.",
		Find: "Preflight renders every conversation turn by turn.",
		Do:   "Make a row of every turn (data.turns = \"each\").",
	},
	{
		ID: SpecialText, Class: InHone, Title: "a special token in the text of a row",
		See:  "Answers that stop early, or in the middle.",
		Why:  "The text holds something like an end token.",
		Find: "Preflight.",
		Do:   "Take it out of the text.",
	},
	{
		ID: LostText, Class: InHone, Title: "text that the tokenizer has no tokens for",
		See:  "The model sees something else than the row says.",
		Why:  "Bytes that the vocabulary lacks.",
		Find: "Preflight decodes what it encoded.",
		Do:   "Take the characters out, or use another model.",
	},
	{
		ID: FieldGap, Class: InHone, Normal: true, Title: "a value without a token of its own",
		See:  "Nothing.",
		Why:  "The value shares its only token with the text before it.",
		Find: "Preflight.",
		Do:   "Nothing: it is trained as structure.",
	},
	{
		ID: DataNote, Class: InHone, Normal: true, Title: "a liberty taken with the source",
		See:  "Nothing.",
		Why:  "Something in the data was left out or read generously.",
		Find: "The loader says so.",
		Do:   "Nothing, if it is what you meant.",
	},
}
