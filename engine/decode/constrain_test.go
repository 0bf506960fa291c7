package decode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hone/engine/kernel"
	"hone/engine/llama"
	"hone/engine/tokenizer"
	"hone/engine/weights"
)

const toyDir = "../testdata/toy/"

type toy struct {
	tokenizer *tokenizer.Tokenizer
	weights   *llama.Weights
	model     *Model
	eos       []int32
}

func openToy(t testing.TB, variant string) toy {
	t.Helper()
	file, err := weights.Open(toyDir + variant)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pool := kernel.NewPool(2)
	t.Cleanup(pool.Close)
	w, err := llama.Load(context.Background(), pool, file, llama.Frozen, llama.F32)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(toyDir + "tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	return toy{tok, w, New(pool, w, nil, 1024), w.Config.EOS}
}

func (x toy) constraint(t testing.TB, schema []string) *Constraint {
	t.Helper()
	c, err := NewConstraint(x.tokenizer, schema, x.eos)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (x toy) text(ids []int32) string {
	var b []byte
	for _, id := range ids {
		if !slices.Contains(x.eos, id) {
			b = append(b, x.tokenizer.Bytes(id)...)
		}
	}
	return string(b)
}

func (x toy) prompts(n int) [][]int32 {
	out := make([][]int32, n)
	for i := range out {
		out[i] = x.tokenizer.Encode(fmt.Sprintf("Dinner with Zoe at %d:30, room %d.\nCalendar JSON:", i%12, i*i))
	}
	return out
}

// A model of random weights writes an object of the schema all the same,
// whatever the schema, the temperature and the length that is allowed, the
// shortest one included.
func TestConstrainedIsAlwaysAnObject(t *testing.T) {
	for _, variant := range []string{"tied", "untied"} {
		x := openToy(t, variant)
		prompts := x.prompts(4)
		for _, schema := range schemas {
			c := x.constraint(t, schema)
			for i, length := range []int{c.MinTokens(), c.MinTokens() + 1, c.MinTokens() + 7, c.MinTokens() + 60} {
				for _, temperature := range []float64{0, 1, 30} {
					out, err := x.model.Generate(context.Background(), prompts, Options{
						MaxNew: length, Batch: 3, EOS: x.eos, Temperature: temperature, Seed: uint64(i), Constraint: c,
					})
					if err != nil {
						t.Fatal(err)
					}
					for _, o := range out {
						checkObject(t, x.text(o.IDs), schema)
						if o.Stopped != StopEOS || len(o.IDs) > length || !slices.Contains(x.eos, o.IDs[len(o.IDs)-1]) {
							t.Errorf("%d tokens of at most %d, stopped by %s", len(o.IDs), length, o.Stopped)
						}
					}
				}
			}
		}
	}
}

// Weights that are not finite give no probabilities, but objects still.
func TestConstrainedWithoutProbabilities(t *testing.T) {
	x := openToy(t, "tied")
	schema := schemas[0]
	c := x.constraint(t, schema)
	x.model.Hook = func(name string, out []float32, _ int) {
		if name == "norm" {
			for i := range out {
				out[i] = float32(math.NaN())
			}
		}
	}
	for _, temperature := range []float64{0, 1} {
		out, err := x.model.Generate(context.Background(), x.prompts(2), Options{
			MaxNew: c.MinTokens() + 20, Batch: 2, EOS: x.eos, Temperature: temperature, TopP: 0.9, Constraint: c,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			checkObject(t, x.text(o.IDs), schema)
		}
	}
}

func TestConstraintRefuses(t *testing.T) {
	x := openToy(t, "tied")
	for _, schema := range [][]string{nil, {"a", "b", "a"}} {
		if _, err := NewConstraint(x.tokenizer, schema, x.eos); !errors.Is(err, ErrConstraint) {
			t.Errorf("schema %q: %v", schema, err)
		}
	}
	if _, err := NewConstraint(x.tokenizer, schemas[0], nil); !errors.Is(err, ErrConstraint) {
		t.Errorf("no end of text: %v", err)
	}
	if _, err := NewConstraint(lacking{x.tokenizer, 'q'}, []string{"a", "quantity"}, x.eos); !errors.Is(err, ErrConstraint) {
		t.Errorf("a key without tokens: %v", err)
	}
	c := x.constraint(t, schemas[0])
	generate := func(o Options) error {
		o.Batch, o.Constraint = 1, c
		_, err := x.model.Generate(context.Background(), x.prompts(1), o)
		return err
	}
	if err := generate(Options{MaxNew: c.MinTokens() - 1, EOS: x.eos}); !errors.Is(err, ErrConstraint) || !strings.Contains(err.Error(), fmt.Sprint(c.MinTokens())) {
		t.Errorf("too few tokens: %v", err)
	}
	if err := generate(Options{MaxNew: 200, EOS: []int32{5}}); !errors.Is(err, ErrConstraint) {
		t.Errorf("another end of text: %v", err)
	}
	c.size = x.weights.Config.Vocab + 1
	if err := generate(Options{MaxNew: 200, EOS: x.eos}); !errors.Is(err, ErrConstraint) {
		t.Errorf("more tokens than the model has: %v", err)
	}
}

// lacking is a vocabulary without the tokens that hold a byte.
type lacking struct {
	*tokenizer.Tokenizer
	b byte
}

func (l lacking) Bytes(id int32) []byte {
	b := l.Tokenizer.Bytes(id)
	if slices.Contains(b, l.b) {
		return nil
	}
	return b
}

// Without the bytes that would close them, characters are not begun.
func TestConstraintAvoidsDeadEnds(t *testing.T) {
	x := openToy(t, "tied")
	c, err := NewConstraint(lacking{x.tokenizer, 0x90}, schemas[0], x.eos)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := readAll(c.grammar, ` {"action": "`)
	for _, id := range c.mask(s) {
		next, _ := c.read(s, id)
		if b := c.bytes[id]; next.mode == modeUTF8 && (b[len(b)-1] == 0xf0 || next.sub == utfF0) {
			t.Errorf("token %q begins a character that cannot be ended", b)
		}
	}
	if len(c.mask(s)) < 100 {
		t.Errorf("%d tokens in a string", len(c.mask(s)))
	}
}

// Along random texts: the mask is every token that can be read and closed
// behind, no other, and a way to the end of the length that is promised exists.
func TestMasksAgainstReading(t *testing.T) {
	x := openToy(t, "tied")
	r := rand.New(rand.NewPCG(3, 4))
	for _, schema := range schemas[:5] {
		c := x.constraint(t, schema)
		for range 4 {
			s := state{}
			for s.mode != modeDone {
				mask := c.mask(s)
				shorter := false
				for id := int32(-1); int(id) <= c.size; id++ {
					next, ok := c.read(s, id)
					if ok = ok && c.need(next) < never; ok != slices.Contains(mask, id) {
						t.Fatalf("%+v: token %d: read %v, masked %v", s, id, ok, !ok)
					}
					if ok && (x.tokenizer.IsSpecial(id) || slices.Contains(x.eos, id)) {
						t.Fatalf("token %d stands in an object", id)
					}
					shorter = shorter || ok && c.need(next) < c.need(s)
				}
				if !shorter {
					t.Fatalf("%+v: no token leads nearer to the end", s)
				}
				s, _ = c.read(s, mask[r.IntN(len(mask))])
			}
		}
	}
}

// What is forced is what the tokenizer makes of the text, whatever follows:
// reading a completion token by token, everything forced comes next.
func TestForcedTokensAreCanonical(t *testing.T) {
	x := openToy(t, "tied")
	r := rand.New(rand.NewPCG(5, 6))
	for _, schema := range schemas {
		c := x.constraint(t, schema)
		forced, all := 0, 0
		for range 40 {
			ids := x.tokenizer.Encode(randomObject(t, r, schema))
			s, text := state{}, []byte(nil)
			for i, id := range ids {
				ahead := c.forced(s, text, 1<<20)
				if !slices.Equal(ahead, ids[i:min(len(ids), i+len(ahead))]) {
					t.Fatalf("%q: %q is forced, the tokenizer has %q", text, x.text(ahead), x.text(ids[i:]))
				}
				if len(ahead) > 0 {
					forced++
				}
				all++
				next, ok := c.read(s, id)
				if !ok {
					t.Fatalf("%q is refused after %q", c.bytes[id], text)
				}
				s, text = next, append(text, c.bytes[id]...)
			}
			if s.mode != modeDone {
				t.Fatalf("%q ends in %+v", text, s)
			}
		}
		if forced*10 < all {
			t.Errorf("schema %q: %d of %d tokens are forced", schema, forced, all)
		}
	}
}

// Reading forced tokens together changes no bit: fed one token at a time, the
// model chooses the same tokens from the same hidden states.
func TestForcedChunksEqualSingleTokens(t *testing.T) {
	x := openToy(t, "untied")
	width := x.weights.Config.Hidden
	for _, schema := range schemas {
		c := x.constraint(t, schema)
		for _, prompt := range x.prompts(2) {
			var chosen [][]float32 // the hidden state of every choice
			x.model.Hook = func(name string, out []float32, _ int) {
				if name == "norm" {
					chosen = append(chosen, slices.Clone(out[len(out)-width:]))
				}
			}
			length := c.MinTokens() + 40
			out, err := x.model.Generate(context.Background(), [][]int32{prompt}, Options{MaxNew: length, Batch: 1, EOS: x.eos, Constraint: c})
			x.model.Hook = nil
			if err != nil {
				t.Fatal(err)
			}
			ids := out[0].IDs
			if len(chosen) >= len(ids) {
				t.Errorf("schema %q: %d passes for %d tokens: nothing was forced", schema, len(chosen), len(ids))
			}
			seq := x.model.newSequence(len(prompt) + length)
			feed := func(tokens []int32) []float32 {
				t.Helper()
				hidden, err := x.model.forward(context.Background(), []chunk{{seq: seq, tokens: tokens}})
				if err != nil {
					t.Fatal(err)
				}
				return hidden[(len(tokens)-1)*width:]
			}
			hidden := feed(prompt)
			s, text := state{}, []byte(nil)
			for i := 0; s.mode != modeDone; {
				ahead := c.forced(s, text, length-i)
				if len(ahead) == 0 {
					if len(chosen) == 0 || !slices.Equal(hidden, chosen[0]) {
						t.Fatalf("schema %q, token %d: another hidden state", schema, i)
					}
					chosen = chosen[1:]
					ahead = []int32{c.best(x.model.logits(hidden, 1), s, length-i)}
				}
				for _, id := range ahead {
					if i >= len(ids) || ids[i] != id {
						t.Fatalf("schema %q, token %d: %d, together %v", schema, i, id, ids)
					}
					s, _ = c.read(s, id)
					text = append(text, c.bytes[id]...)
					hidden = feed([]int32{id})
					i++
				}
			}
			x.model.end(seq)
			if len(chosen) > 0 {
				t.Errorf("%d choices are left", len(chosen))
			}
		}
	}
}

// Side by side as alone, and Stop sees every token but the end of the text.
func TestConstrainedBatches(t *testing.T) {
	x := openToy(t, "tied")
	c := x.constraint(t, schemas[4])
	prompts := x.prompts(7)
	for _, temperature := range []float64{0, 1} {
		var want []Output
		for _, size := range []int{1, 3, 16} {
			seen := make([][]int32, len(prompts))
			done := 0
			out, err := x.model.Generate(context.Background(), prompts, Options{
				MaxNew: 120, Batch: size, EOS: x.eos, Temperature: temperature, Constraint: c,
				Stop:     func(i int, id int32) bool { seen[i] = append(seen[i], id); return i == 2 },
				Progress: func(n, _ int) { done = n },
			})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = out
			}
			for i, o := range out {
				if !slices.Equal(o.IDs, want[i].IDs) {
					t.Errorf("batch %d, prompt %d: %v, alone %v", size, i, o.IDs, want[i].IDs)
				}
				if i == 2 {
					if len(o.IDs) != 1 || o.Stopped != StopClosed {
						t.Errorf("stopped text: %+v", o)
					}
				} else if o.Stopped != StopEOS || !slices.Equal(seen[i], o.IDs[:len(o.IDs)-1]) {
					t.Errorf("prompt %d: stopped by %s, seen %v of %v", i, o.Stopped, seen[i], o.IDs)
				}
			}
			if done != len(prompts) {
				t.Errorf("progress ends at %d", done)
			}
		}
	}
}
