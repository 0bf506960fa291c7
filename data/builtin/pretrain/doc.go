// Package pretrain writes the text that the built-in base model is pretrained on: small tasks whose
// answer follows from their prompt. Copying, reading dates and times, finding a value, lists, records,
// and events turned into JSON of many schemas. Never the schema of the built-in dataset: the base model
// can copy, read dates and close braces, and fine-tuning is what teaches it the calendar's fields.
//
//	file, err := pretrain.LearnTokenizer(seed)
//	tok, err := tokenizer.Parse(file)
//	corpus := pretrain.New(seed, documents, tok)
//	for i := range documents { use(corpus.Document(i)) }
//
// A document is a function of the seed, the number of documents and its index, so a run resumes
// anywhere and nothing is stored. It begins with an easy stage: whoever cannot copy yet learns little
// from events.
//
// # Words
//
// About half of all names and nouns are invented, some of them glued from tokens of the vocabulary, each
// as likely as the other: a token that the model has never copied is one that it copies wrongly. The
// rest comes from the train side of data/builtin/words. A word that is held out there never occurs.
package pretrain
