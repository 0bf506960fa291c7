package runs

import (
	"bytes"
	"strconv"
)

// parseStep reads the line of a step as this version writes it: every key, in the
// order of Step, finite numbers. Anything else is not ok and left to encoding/json,
// which reads the same of what is ok here, ten times slower: steps are nearly all
// that a run records, and a workbench follows runs that record thousands a second.
func parseStep(line []byte) (s Step, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimRight(line, "\n"), []byte(`{"type":"step"`))
	if !ok {
		return s, false
	}
	s.Type = "step"
	for _, f := range [...]struct {
		key     string
		whole   *int
		decimal *Number
	}{
		{`,"step":`, &s.Step, nil},
		{`,"epoch":`, nil, &s.Epoch},
		{`,"loss":`, nil, &s.Loss},
		{`,"ce":`, nil, &s.CE},
		{`,"json":`, nil, &s.JSON},
		{`,"field":`, nil, &s.Field},
		{`,"confidence":`, nil, &s.Confidence},
		{`,"grad_norm":`, nil, &s.GradNorm},
		{`,"lr":`, nil, &s.LR},
		{`,"tokens":`, &s.Tokens, nil},
		{`,"target_tokens":`, &s.TargetTokens, nil},
		{`,"seconds":`, nil, &s.Seconds},
	} {
		if len(rest) < len(f.key) || string(rest[:len(f.key)]) != f.key {
			return s, false
		}
		rest = rest[len(f.key):]
		n := jsonNumber(rest)
		text := string(rest[:n])
		rest = rest[n:]
		var err error
		if f.whole != nil {
			*f.whole, err = strconv.Atoi(text)
		} else {
			var x float64
			x, err = strconv.ParseFloat(text, 64)
			*f.decimal = Number(x)
		}
		if err != nil {
			return s, false
		}
	}
	return s, string(rest) == "}"
}

// jsonNumber is how many bytes at the beginning of text are a number of JSON, 0 for
// none: strconv takes more than JSON allows.
func jsonNumber(text []byte) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(text) && text[i] == '-' {
		i++
	}
	if i < len(text) && text[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(text) && text[i] == '.' {
		if i++; !digits() {
			return 0
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}
