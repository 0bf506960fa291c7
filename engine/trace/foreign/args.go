package foreign

import (
	"io"

	"hone/engine/trace"
)

// ReadArgs reads one JSON object of arguments or of a configuration: its scalars
// by key, those of an object within it as "key.member". Lists are left out.
// On an error what was read before it is returned too.
func ReadArgs(r io.Reader) (trace.Args, error) {
	s := newScanner(r)
	args := trace.Args{}
	return args, s.members("", args)
}

// members reads an object into args, nested objects one level deep.
func (s *scanner) members(prefix string, args trace.Args) error {
	return s.object(func(key string) error {
		c, err := s.peek()
		if err != nil {
			return err
		}
		switch {
		case c == '{' && prefix == "":
			return s.members(key+".", args)
		case c == '{' || c == '[':
			return s.skip()
		}
		v, err := s.scalar()
		if err == nil && len(args) < maxArgs {
			args[prefix+key] = v.any()
		}
		return err
	})
}
