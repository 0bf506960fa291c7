package pretrain

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"hone/data"
	"hone/data/builtin/words"
	"hone/engine/tokenizer"
)

const testSeed = 3

var learnedFile = sync.OnceValues(func() ([]byte, error) { return LearnTokenizer(testSeed) })

var learned = sync.OnceValues(func() (*tokenizer.Tokenizer, error) {
	file, err := learnedFile()
	if err != nil {
		return nil, err
	}
	return tokenizer.Parse(file)
})

func testTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := learned()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// sampled returns the first n documents of a corpus of the learned tokenizer, nil without one.
func sampled(n int, of func(*Corpus) *Corpus) []Document {
	tok, err := learned()
	if err != nil {
		return nil
	}
	c := of(New(testSeed, 0, tok))
	documents := make([]Document, n)
	for i := range documents {
		documents[i] = c.Document(i)
	}
	return documents
}

var (
	sample = sync.OnceValue(func() []Document {
		return sampled(20000, func(c *Corpus) *Corpus { return c })
	})
	lastSample = sync.OnceValue(func() []Document {
		return sampled(10000, func(c *Corpus) *Corpus { return c.Late(3) })
	})
)

// testDocuments returns documents of the stage after the easy one.
func testDocuments(t testing.TB) []Document {
	t.Helper()
	testTokenizer(t)
	return sample()
}

// allDocuments returns documents of the first corpus and of the fourth, which has turns of phrase.
func allDocuments(t testing.TB) []Document {
	t.Helper()
	return slices.Concat(testDocuments(t), lastSample())
}

func TestDocumentsDependOnSeedAndIndexAlone(t *testing.T) {
	tok := testTokenizer(t)
	a, b, other := New(testSeed, 1000, tok), New(testSeed, 1000, tok), New(testSeed+1, 1000, tok)
	var forward []Document
	for i := range 300 {
		forward = append(forward, a.Document(i))
	}
	same := 0
	for i := 299; i >= 0; i-- {
		if b.Document(i) != forward[i] {
			t.Fatalf("document %d depends on what was asked for before", i)
		}
		if other.Document(i) == forward[i] {
			same++
		}
	}
	if same > 3 {
		t.Errorf("%d of 300 documents are the same with another seed", same)
	}
}

func TestDocumentsDiffer(t *testing.T) {
	seen := map[[2]string]int{}
	for _, d := range testDocuments(t) {
		seen[[2]string{d.Prompt, d.Completion}]++
	}
	if n := len(testDocuments(t)) - len(seen); n > len(testDocuments(t))/20 {
		t.Errorf("%d documents occur before", n)
	}
}

// targetKeys is the schema that pretraining must not show.
var targetKeys = strings.Fields(fieldNames)

func TestTargetSchemaNeverOccurs(t *testing.T) {
	if len(targetKeys) != 8 {
		t.Fatalf("%q: not the eight keys", targetKeys)
	}
	for _, list := range columns {
		for _, c := range list {
			if slices.Contains(targetKeys, c.key) {
				t.Errorf("column %q is a key of the built-in dataset", c.key)
			}
		}
	}
	for _, d := range allDocuments(t) {
		for _, key := range targetKeys {
			if strings.Contains(d.Completion, `"`+key+`":`) {
				t.Fatalf("%s: %q has the key %s", d.Kind, d.Completion, key)
			}
		}
	}
}

// fixedWords are those that the generator itself writes: months, a helping verb, and some that stand around
// the parts of an event, not in them, in train rows of the built-in dataset too.
var fixedWords = strings.Fields("january february march april may june july august september october november december will " +
	"bring pencil organize drop branch")

func TestHeldOutWordsNeverOccur(t *testing.T) {
	held := map[string]bool{}
	for _, pool := range [][]string{words.Given, words.Surnames, words.Cities, words.Animals, words.Nouns, words.Adjectives, words.Verbs, words.Topics, words.Products} {
		for _, entry := range pool {
			for word := range strings.FieldsFuncSeq(strings.ToLower(entry), func(r rune) bool { return !unicode.IsLetter(r) }) {
				if words.HeldOut(word) && !slices.Contains(fixedWords, word) {
					held[word] = true
				}
			}
		}
	}
	if len(held) < 300 {
		t.Fatalf("only %d held-out words", len(held))
	}
	found := map[string]string{}
	for _, d := range allDocuments(t) {
		text := d.Prompt + "\n" + d.Completion
		for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
			if held[word] {
				found[word] = text
			}
		}
	}
	for word, text := range found {
		t.Errorf("%q is held out: %q", word, text)
	}
}

func TestEveryTokenIsAnswered(t *testing.T) {
	tok := testTokenizer(t)
	if tok.Size() != VocabSize {
		t.Fatalf("%d tokens, want %d", tok.Size(), VocabSize)
	}
	counts := make([]int, tok.Size())
	for _, d := range testDocuments(t) {
		for _, id := range tok.Encode(" " + d.Completion) {
			counts[id]++
		}
	}
	for id, n := range counts {
		text := string(tok.Bytes(int32(id)))
		if n == 0 && id != 0 && !neverText(text) {
			t.Errorf("token %d, %q, is in no completion", id, text)
		}
	}
	slices.Sort(counts)
	t.Logf("a tenth of the tokens is in fewer than %d completions, half in fewer than %d", counts[len(counts)/10], counts[len(counts)/2])
	if counts[len(counts)/10] < 12 {
		t.Errorf("a tenth of the tokens is in fewer than %d completions", counts[len(counts)/10])
	}
}

// neverText tells whether a token is a control byte or one that stands alone in no text: 0xF0 starts
// characters that the vocabulary has longer tokens for, 0xF1 and above start none in use.
func neverText(token string) bool {
	if len(token) != 1 {
		return false
	}
	b := token[0]
	return b < ' ' && b != '\n' || b == 0x7f || b == 0xc0 || b == 0xc1 || b >= 0xf0
}

func TestCompletionsAreJSON(t *testing.T) {
	for _, d := range allDocuments(t) {
		switch d.Kind {
		case "listed", "fixed", "calendar", "record":
			o, err := data.ParseObject([]byte(d.Completion))
			if err != nil {
				t.Fatalf("%s: %q: %v", d.Kind, d.Completion, err)
			}
			if got := o.String(); got != d.Completion {
				t.Fatalf("%s: %q is not written as Hone writes %q", d.Kind, d.Completion, got)
			}
		case "values", "list":
			var list []any
			if err := json.Unmarshal([]byte(d.Completion), &list); err != nil {
				t.Fatalf("%s: %q: %v", d.Kind, d.Completion, err)
			}
		}
		if d.Prompt == "" || d.Completion == "" || !utf8.ValidString(d.Prompt+d.Completion) || unicode.IsSpace([]rune(d.Completion)[0]) {
			t.Fatalf("%s: prompt %q, completion %q", d.Kind, d.Prompt, d.Completion)
		}
	}
}

func TestLength(t *testing.T) {
	tok := testTokenizer(t)
	prompt, answer := 0, 0
	for _, d := range testDocuments(t) {
		p, a := len(tok.Encode(d.Prompt)), len(tok.Encode(" "+d.Completion))+1
		if p+a > MaxTokens {
			t.Fatalf("%d tokens: %q %q", p+a, d.Prompt, d.Completion)
		}
		prompt, answer = prompt+p, answer+a
	}
	n := len(testDocuments(t))
	t.Logf("%.1f + %.1f tokens a document", float64(prompt)/float64(n), float64(answer)/float64(n))
	if answer/n < 35 || prompt/n > 80 {
		t.Errorf("%d + %d tokens a document", prompt/n, answer/n)
	}
}

func TestMixture(t *testing.T) {
	easy, full, late, last := 0, 0, 0, 0
	for _, k := range kinds {
		easy, full, late, last = easy+k.easy, full+k.full, late+k.late, last+k.last
	}
	if easy != 1000 || full != 1000 || late != 1000 || last != 1000 {
		t.Fatalf("weights add up to %d, %d, %d and %d", easy, full, late, last)
	}
	n := len(testDocuments(t))
	counts, objects := map[string]int{}, 0
	for _, d := range testDocuments(t) {
		counts[d.Kind]++
		if strings.HasPrefix(d.Completion, "{") {
			objects++
		}
	}
	for _, k := range kinds {
		if share := float64(counts[k.name]) / float64(n) * 1000; share < float64(k.full)*0.85-3 || share > float64(k.full)*1.15+3 {
			t.Errorf("%s: %.0f of 1000, want about %d", k.name, share, k.full)
		}
	}
	if share := float64(objects) / float64(n); share < 0.42 || share > 0.49 {
		t.Errorf("%.3f of completions are objects, want less than half", share)
	}
}

func TestEasyStageComesFirst(t *testing.T) {
	c := New(testSeed, 10000, testTokenizer(t))
	events := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			if k := c.Document(i).Kind; k == "listed" || k == "calendar" || k == "fixed" {
				n++
			}
		}
		return n
	}
	if n := events(0, 1800); n != 0 {
		t.Errorf("%d of the first 1800 documents are events", n)
	}
	if n := events(2400, 2600); n < 20 || n > 70 {
		t.Errorf("%d of 200 documents halfway to the full mixture are events, want about 41", n)
	}
	if n := events(3100, 3600); n < 160 {
		t.Errorf("%d of 500 documents after the easy stage are events, want about 205", n)
	}
	if n := events(10000, 10300); n < 90 {
		t.Errorf("%d of 300 documents behind the last are events, want about 123", n)
	}
	seen := []Document{c.Document(9999)}
	for run := 1; run <= 3; run++ {
		c = c.Late(run)
		if n := events(0, 500); n < 190 || n > 280 {
			t.Errorf("%d of 500 documents of corpus %d are events, want about 235", n, run+1)
		}
		if d := c.Document(9999); slices.Contains(seen, d) {
			t.Error("two corpora have the same document")
		} else {
			seen = append(seen, d)
		}
	}
}
