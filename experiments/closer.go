package experiments

// Closer watches a text as it is generated and says when the object that its
// first '{' opens has closed: nothing after that can change the score. The zero
// Closer is ready for use.
type Closer struct {
	depth   int // open braces
	seen    int // bytes up to the closing brace, or so far
	quoted  bool
	escaped bool
	closed  bool
}

// Write takes the next bytes of the text, cut anywhere, and reports whether the
// object has closed, in these bytes or before.
func (c *Closer) Write(b []byte) (closed bool) {
	for _, x := range b {
		if c.closed {
			return true
		}
		c.seen++
		switch {
		case c.escaped:
			c.escaped = false
		case c.quoted && x == '\\':
			c.escaped = true
		case x == '"' && c.depth > 0:
			c.quoted = !c.quoted
		case c.quoted:
		case x == '{':
			c.depth++
		case x == '}' && c.depth > 0:
			c.depth--
			c.closed = c.depth == 0
		}
	}
	return c.closed
}

// Closed reports whether the object has closed.
func (c *Closer) Closed() bool { return c.closed }

// Len is the number of bytes up to and including the closing brace; before it
// closes, of all bytes written.
func (c *Closer) Len() int { return c.seen }
