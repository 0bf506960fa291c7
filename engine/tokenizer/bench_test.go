package tokenizer

import (
	"os"
	"strings"
	"testing"
)

func BenchmarkLoad(b *testing.B) {
	data, err := os.ReadFile(sharedFile(b, "models/SmolLM-tokenizer.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode reports tokens a second over the train rows: with the word cache warm, and with an
// empty one, where every word is merged.
func BenchmarkEncode(b *testing.B) {
	tok := smolLM(b)
	data, err := os.ReadFile(sharedFile(b, "data/train.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	rate := func(b *testing.B, each func(), f func(line string) int) {
		tokens := 0
		for b.Loop() {
			each()
			for _, line := range lines {
				tokens += f(line)
			}
		}
		b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
	}
	encode := func(line string) int { return len(tok.Encode(line)) }
	b.Run("warm", func(b *testing.B) { rate(b, func() {}, encode) })
	b.Run("spans", func(b *testing.B) {
		rate(b, func() {}, func(line string) int {
			ids, _ := tok.EncodeSpans(line)
			return len(ids)
		})
	})
	b.Run("cold", func(b *testing.B) { rate(b, func() { tok.cache = newCache() }, encode) })
}
