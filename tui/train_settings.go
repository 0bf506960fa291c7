package tui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"hone/experiments"
	"hone/runs"
)

// order is a change of a setting that was made here.
type order struct {
	what string         // "learning rate"
	back string         // what u sets it back to, in words
	undo func() tea.Cmd // sets it back
}

// ordered are the settings as they were ordered here last; zero values were not.
type ordered struct {
	loss  *experiments.LossConfig
	batch int
}

// given remembers an order, so that it can be taken back.
func (s *trainScreen) given(o order, said string) tea.Cmd {
	if o.back != "" {
		s.orders = append(s.orders, o)
		said += "; u sets it back to " + o.back
	}
	return tea.Batch(notice(said), s.pollSoon())
}

// undoOrder takes the last order back.
func (s *trainScreen) undoOrder() tea.Cmd {
	n := len(s.orders) - 1
	last := s.orders[n]
	s.orders = s.orders[:n]
	cmd := last.undo()
	return tea.Batch(cmd, notice(last.what+" back to "+last.back), s.pollSoon())
}

// undoable is true while an order can be taken back.
func (s *trainScreen) undoable() bool { return len(s.orders) > 0 }

// setLR changes the learning rate and remembers what it was.
func (s *trainScreen) setLR(lr float64) tea.Cmd {
	from := s.currentLR()
	s.own.SetLR(lr)
	o := order{what: "learning rate", undo: func() tea.Cmd { s.own.SetLR(from); return nil }}
	if from > 0 {
		o.back = rateText(from)
	}
	return s.given(o, "learning rate "+rateText(lr)+" from the next step on")
}

// currentLoss are the weights of the loss that are in force or ordered; ok is
// false while they are not known.
func (s *trainScreen) currentLoss() (w experiments.LossConfig, ok bool) {
	if s.ordered.loss != nil {
		return *s.ordered.loss, true
	}
	if s.feed == nil || s.run == nil {
		return w, false
	}
	now := s.feed.weightsAt(s.feed.last.step + 1)
	return experiments.LossConfig{CE: now[0], JSON: now[1], Field: now[2], Confidence: now[3]}, true
}

// askLoss asks for other weights of the loss.
func (s *trainScreen) askLoss() {
	now, known := s.currentLoss()
	if !known {
		return
	}
	s.ask(&question{
		Title: "loss weights",
		Text:  []string{"From the next step on. Those that are not named stay; the loss of evaluations keeps the weights that the run began with."},
		Line:  newLineEdit(lossWeightsText(now)),
		Check: func(in string) error { _, err := parseLossWeights(in, now); return err },
		Done: func(in string) tea.Cmd {
			w, err := parseLossWeights(in, now)
			if err != nil || !s.ownShown() || w == now {
				return nil
			}
			return s.setLoss(w, now)
		},
	})
}

func (s *trainScreen) setLoss(w, from experiments.LossConfig) tea.Cmd {
	if err := s.own.SetLoss(w); err != nil {
		return problem(err)
	}
	s.ordered.loss = &w
	return s.given(order{what: "loss weights", back: lossWeightsText(from), undo: func() tea.Cmd {
		s.ordered.loss = &from
		if err := s.own.SetLoss(from); err != nil {
			return problem(err)
		}
		return nil
	}}, "loss weights "+lossWeightsText(w)+" from the next step on")
}

// lossNames are the terms as they are typed.
var lossNames = [4]string{"ce", "json", "field", "confidence"}

// lossValues are the weights in the order of their names.
func lossValues(w *experiments.LossConfig) [4]*float64 {
	return [4]*float64{&w.CE, &w.JSON, &w.Field, &w.Confidence}
}

// lossWeightsText writes weights as they are typed.
func lossWeightsText(w experiments.LossConfig) string {
	var parts []string
	for i, v := range lossValues(&w) {
		parts = append(parts, lossNames[i]+" "+strconv.FormatFloat(*v, 'g', 6, 64))
	}
	return strings.Join(parts, "  ")
}

// parseLossWeights reads names with numbers, as "json 0.5 conf=0"; a beginning of
// a name is enough. Those that are not named stay as they are.
func parseLossWeights(in string, w experiments.LossConfig) (experiments.LossConfig, error) {
	words := strings.FieldsFunc(in, func(r rune) bool { return r == ' ' || r == '=' || r == ',' || r == '\t' })
	if len(words) == 0 {
		return w, errors.New("type names with numbers, as json 0.5 field 0")
	}
	for i := 0; i < len(words); i += 2 {
		at := -1
		for j, name := range lossNames {
			if strings.HasPrefix(name, strings.ToLower(words[i])) {
				at = j
			}
		}
		if at < 0 {
			return w, fmt.Errorf("%q is not a term of the loss: they are %s", words[i], strings.Join(lossNames[:], ", "))
		}
		if i+1 == len(words) {
			return w, fmt.Errorf("%s has no number", lossNames[at])
		}
		v, err := strconv.ParseFloat(words[i+1], 64)
		if err != nil {
			return w, fmt.Errorf("%q is not a number", words[i+1])
		}
		*lossValues(&w)[at] = v
	}
	return w, w.Check()
}

// currentBatch is the batch size that is in force or ordered; 0 = not known.
func (s *trainScreen) currentBatch() int {
	switch {
	case s.ordered.batch > 0:
		return s.ordered.batch
	case s.feed != nil && s.feed.batch > 0:
		return s.feed.batch
	case s.run != nil:
		return s.run.config.Train.BatchSize
	}
	return 0
}

// askBatch asks for another batch size.
func (s *trainScreen) askBatch() {
	now := s.currentBatch()
	text := []string{"Examples per step, from the next step on. The rows that this epoch has not seen yet are cut anew: none is left out or seen twice. The learning rate's schedule goes on over the rows."}
	if now > 0 {
		text = append(text, fmt.Sprintf("It is %d now.", now))
	}
	s.ask(&question{
		Title: "batch size",
		Text:  text,
		Line:  newLineEdit(""),
		Check: func(in string) error { _, err := parseBatch(in, now); return err },
		Done: func(in string) tea.Cmd {
			n, err := parseBatch(in, now)
			if err != nil || !s.ownShown() || n == now {
				return nil
			}
			return s.setBatch(n, now)
		},
	})
}

func (s *trainScreen) setBatch(n, from int) tea.Cmd {
	if err := s.own.SetBatchSize(n); err != nil {
		return problem(err)
	}
	s.ordered.batch = n
	o := order{what: "batch size", undo: func() tea.Cmd {
		s.ordered.batch = from
		if err := s.own.SetBatchSize(from); err != nil {
			return problem(err)
		}
		return nil
	}}
	if from > 0 {
		o.back = strconv.Itoa(from)
	}
	return s.given(o, fmt.Sprintf("batch size %d from the next step on", n))
}

// parseBatch reads a batch size: a number, or a change of the one in force such
// as "x2" and "/2".
func parseBatch(in string, now int) (int, error) {
	num, factor := strings.TrimSpace(in), byte(0)
	if num != "" && (num[0] == 'x' || num[0] == '*' || num[0] == '/') {
		factor, num = num[0], strings.TrimSpace(num[1:])
	}
	n, err := strconv.Atoi(num)
	switch {
	case num == "":
		return 0, errors.New("type a number such as 16, x2 or /2")
	case err != nil:
		return 0, fmt.Errorf("%q is not a whole number", num)
	case factor != 0 && now <= 0:
		return 0, errors.New("the batch size in force is not known yet: type a number")
	case n < 1 || n > experiments.MaxBatchSize:
		return 0, fmt.Errorf("%d is out of range: 1 to %d", n, experiments.MaxBatchSize)
	case factor == '/':
		n = max(now/n, 1)
	case factor != 0:
		n *= now
	}
	if n > experiments.MaxBatchSize {
		return 0, fmt.Errorf("%d is out of range: 1 to %d", n, experiments.MaxBatchSize)
	}
	return n, nil
}

// lossChange is a change of the weights of the loss, for the steps after it.
type lossChange struct {
	step    int
	weights [4]float64
}

// setting takes a change of a setting into the feed.
func (f *trainFeed) setting(r runs.Intervention) {
	switch r.Action {
	case runs.ActionSetBatchSize:
		f.batch = int(r.Value)
	case runs.ActionSetLoss:
		if w := r.Weights; w != nil {
			f.losses = append(f.losses, lossChange{r.Step, [4]float64{float64(w.CE), float64(w.JSON), float64(w.Field), float64(w.Confidence)}})
		}
	}
}

// weightsAt are the weights of the terms of the loss in a step.
func (f *trainFeed) weightsAt(step int) [4]float64 {
	for i := len(f.losses) - 1; i >= 0; i-- {
		if f.losses[i].step < step {
			return f.losses[i].weights
		}
	}
	return f.weights
}

// lossChangeText says which weights were changed.
func lossChangeText(r runs.Intervention) string {
	if r.Weights == nil || r.PreviousWeights == nil {
		return "changed the loss weights"
	}
	old := [4]runs.Number{r.PreviousWeights.CE, r.PreviousWeights.JSON, r.PreviousWeights.Field, r.PreviousWeights.Confidence}
	var parts []string
	for i, v := range [4]runs.Number{r.Weights.CE, r.Weights.JSON, r.Weights.Field, r.Weights.Confidence} {
		if v != old[i] {
			parts = append(parts, fmt.Sprintf("%s from %.4g to %.4g", lossNames[i], float64(old[i]), float64(v)))
		}
	}
	if len(parts) == 0 {
		return "left the loss weights as they were"
	}
	return "changed the loss weights: " + strings.Join(parts, ", ")
}
