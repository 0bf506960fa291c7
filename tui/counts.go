package tui

// count fills in what is worked out of the pairs: verdicts, and what each choice
// of the list has.
func (c *comparison) count() {
	c.Counts, c.HasLoss = [showCount]int{}, false
	for i := range c.Pairs {
		p := &c.Pairs[i]
		switch {
		case p.Verdict == unscored:
		case p.Tuned.Exact && p.Base.Exact:
			p.Verdict = stillRight
		case p.Tuned.Exact:
			p.Verdict = fixed
		case p.Base.Exact:
			p.Verdict = regressed
		default:
			p.Verdict = stillWrong
		}
		p.Low = lowText(p, c.Schema)
		c.HasLoss = c.HasLoss || p.Tuned.HasLoss && p.Base.HasLoss
	}
	c.countShown()
}

// countShown counts what each choice of the list has.
func (c *comparison) countShown() {
	c.Counts = [showCount]int{}
	for i := range c.Pairs {
		for kind := range c.Counts {
			if shows(kind, &c.Pairs[i]) {
				c.Counts[kind]++
			}
		}
	}
}
