package tui

// count fills in what is worked out of the pairs: verdicts, what each choice of
// the list has, and how often each field is wrong.
func (c *comparison) count() {
	c.Counts = [showCount]int{}
	c.WrongFields = make([]int, len(c.Schema))
	for i := range c.Pairs {
		p := &c.Pairs[i]
		switch {
		case p.Tuned.Exact && p.Base.Exact:
			p.Verdict = stillRight
		case p.Tuned.Exact:
			p.Verdict = fixed
		case p.Base.Exact:
			p.Verdict = regressed
		default:
			p.Verdict = stillWrong
		}
		p.Low = lowText(p)
		for kind := range c.Counts {
			if shows(kind, p) {
				c.Counts[kind]++
			}
		}
		for f := range c.Schema {
			if f >= len(p.Tuned.Right) || !p.Tuned.Right[f] {
				c.WrongFields[f]++
			}
		}
	}
}
