package tokenizer

// A Span is the range of bytes [Start, End) of the source text that a token stands for.
type Span struct{ Start, End int }

// Encode returns the ids of text, without BOS. Added tokens in the text are recognised, special
// ones too.
func (t *Tokenizer) Encode(text string) []int32 {
	text, _ = repaired(text)
	e := encoding{t: t, ids: make([]int32, 0, len(text)/4+1)}
	e.text(text)
	return e.ids
}

// EncodeSpans is Encode with the span of every token; the package comment says what spans cover.
func (t *Tokenizer) EncodeSpans(text string) ([]int32, []Span) { return t.encodeSpans(text, atStart) }

// EncodeContinuation is EncodeSpans for a text that goes on from another: where the tokenizer puts
// ▁ before a text, it puts none here. Byte-level tokenizers know no difference.
func (t *Tokenizer) EncodeContinuation(text string) ([]int32, []Span) {
	return t.encodeSpans(text, continues)
}

func (t *Tokenizer) encodeSpans(text string, at place) ([]int32, []Span) {
	text, repairs := repaired(text)
	e := encoding{
		t:         t,
		at:        at,
		ids:       make([]int32, 0, len(text)/4+1),
		spans:     make([]Span, 0, len(text)/4+1),
		wantSpans: true,
	}
	e.text(text)
	if len(repairs) > 0 {
		toSource(e.spans, repairs, 0)
	}
	return e.ids, e.spans
}

// An encoding in progress. Offsets named base say where in the text a piece starts.
type encoding struct {
	t         *Tokenizer
	at        place // where the text stands
	ids       []int32
	spans     []Span
	wantSpans bool
	symbols   []symbol // scratch
	piece     []byte   // scratch
}

func (e *encoding) add(id int32, start, end int) {
	e.ids = append(e.ids, id)
	if e.wantSpans {
		e.spans = append(e.spans, Span{start, end})
	}
}

func (e *encoding) text(s string) {
	e.between(s, 0, e.t.early, func(s string, base int) {
		e.rewritten(s, base, e.t.normalizer, func(s string, base int) {
			e.between(s, base, e.t.late, func(s string, base int) {
				e.rewritten(s, base, e.t.marks, func(s string, base int) {
					e.cut(s, base, e.t.steps)
				})
			})
		})
	})
}

// rewritten leaves s to rest as r rewrites it, and brings the spans back to s. Only one of a
// tokenizer's two rewritings depends on where s stands, so base is its offset in the text.
func (e *encoding) rewritten(s string, base int, r rewriting, rest func(s string, base int)) {
	if r.name == "" {
		rest(s, base)
		return
	}
	at := e.at
	if base > 0 {
		at = inside
	}
	text, edits := r.rewrite(s, at)
	first := len(e.spans)
	rest(text, 0)
	toSource(e.spans[first:], edits, base)
}

// between adds the tokens that m finds in s and leaves what lies between them to rest.
func (e *encoding) between(s string, base int, m *matcher, rest func(s string, base int)) {
	at, from := 0, 0
	for m != nil {
		id, start, end, ok := m.find(s, from)
		if !ok {
			break
		}
		// The library looks on behind the match itself, also where that was none.
		from = end
		if r, has := m.reach[id]; has {
			if start, end, ok = r.around(s, start, end, at); !ok {
				continue
			}
		}
		if at < start {
			rest(s[at:start], base+at)
		}
		e.add(id, base+start, base+end)
		at = end
	}
	if at < len(s) {
		rest(s[at:], base+at)
	}
}

// cut takes s, which is not empty, through the remaining steps of the pre-tokenizer.
func (e *encoding) cut(s string, base int, steps []step) {
	if len(steps) == 0 {
		e.word(s, base)
		return
	}
	scan, steps := steps[0].scan, steps[1:]
	for i := 0; i < len(s); {
		end := scan(s, i)
		e.cut(s[i:end], base+i, steps)
		i = end
	}
}

func (e *encoding) word(s string, base int) {
	t := e.t
	slot, cacheable := uint64(0), len(s) <= maxCacheWord && !t.fallback
	if cacheable {
		var ids []int32
		if ids, slot = t.cache.get(s); ids != nil {
			e.ids = append(e.ids, ids...)
			for _, id := range ids {
				if !e.wantSpans {
					break
				}
				end := base + int(t.starts[id+1]-t.starts[id])
				e.spans = append(e.spans, Span{base, end})
				base = end
			}
			return
		}
	}
	if t.whole {
		if e.piece = append(e.piece[:0], s...); !t.fallback {
			e.piece = appendPiece(e.piece[:0], s)
		}
		if id, ok := t.vocabulary[string(e.piece)]; ok {
			e.add(id, base, base+len(s))
			if cacheable {
				t.cache.put(slot, s, []int32{id})
			}
			return
		}
	}
	complete := true
	if t.fallback {
		e.characters(s)
	} else {
		complete = e.bytes(s)
	}
	e.symbols = t.merge(e.symbols)
	first := len(e.ids)
	for _, m := range e.symbols {
		e.add(m.id, base+int(m.start), base+int(m.end))
	}
	// The spans of a cached word follow from the lengths of its tokens; a word with a byte that has
	// no token is not cached.
	if cacheable && complete {
		t.cache.put(slot, s, append([]int32(nil), e.ids[first:]...))
	}
}

// bytes sets e.symbols to the tokens of the single bytes of s, and reports whether all have one.
// A byte without a token becomes the unknown token if there is one and is dropped otherwise.
func (e *encoding) bytes(s string) (complete bool) {
	t := e.t
	complete = true
	fusing := false
	e.symbols = e.symbols[:0]
	for i := range len(s) {
		id := t.byteID[s[i]]
		if id >= 0 {
			e.symbols = append(e.symbols, symbol{id, int32(i), int32(i + 1)})
			fusing = false
			continue
		}
		complete = false
		switch {
		case t.unknown < 0:
		case fusing && t.fuse:
			e.symbols[len(e.symbols)-1].end = int32(i + 1)
		default:
			e.symbols = append(e.symbols, symbol{t.unknown, int32(i), int32(i + 1)})
			fusing = true
		}
	}
	return complete
}
