package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// What one rendering may take.
const (
	maxSteps  = 200_000
	maxOutput = 4 << 20 // bytes
	maxValue  = 2 << 20 // bytes that a variable holds
	maxRange  = 10_000
	maxTime   = 10 * time.Second
)

const budgetName = "__hone_budget"

// budget is the writer of one rendering and counts its steps. Every write and
// every statement is a step; what a step does is bounded by the sizes above.
type budget struct {
	out   strings.Builder
	steps int
	until time.Time
	err   error
}

func (b *budget) step() error {
	switch b.steps++; {
	case b.err != nil:
	case b.steps > maxSteps:
		b.err = fmt.Errorf("takes more than %d steps", maxSteps)
	case b.steps%256 == 0 && time.Now().After(b.until):
		b.err = fmt.Errorf("takes longer than %s", maxTime)
	}
	return b.err
}

func (b *budget) Write(p []byte) (int, error) {
	if err := b.step(); err != nil {
		return 0, err
	}
	if b.out.Len()+len(p) > maxOutput {
		b.err = fmt.Errorf("writes more than %d bytes", maxOutput)
		return 0, b.err
	}
	return b.out.Write(p)
}

func budgetOf(r *exec.Renderer) (*budget, error) {
	v, _ := r.Environment.Context.Get(budgetName)
	b, ok := v.(*budget)
	if !ok {
		return nil, errors.New("overwrites a name that is not its own")
	}
	return b, nil
}

// counted is a statement that is a step. A set also checks what it has set.
type counted struct {
	exec.ControlStructure
	target string
}

func (c counted) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	b, err := budgetOf(r)
	if err != nil {
		return err
	}
	if err := b.step(); err != nil {
		return err
	}
	if err := c.ControlStructure.Execute(r, tag); err != nil {
		return err
	}
	if c.target == "" {
		return nil
	}
	v, _ := r.Environment.Context.Get(c.target)
	if sizeOf(v, 0) > maxValue {
		b.err = fmt.Errorf("%s grows beyond %d bytes", c.target, maxValue)
	}
	return b.err
}

// sizeOf is about what a value holds; of one that nests without end, too much.
func sizeOf(v any, depth int) int {
	const each = 16
	if depth > 16 {
		return maxValue + 1
	}
	n := each
	switch v := v.(type) {
	case string:
		n += len(v)
	case *exec.Value:
		n += sizeOf(v.Interface(), depth+1)
	case exec.ValuesList:
		for _, x := range v {
			if n += sizeOf(x, depth+1); n > maxValue {
				break
			}
		}
	case *exec.Dict:
		for _, x := range v.Pairs {
			if n += sizeOf(x.Key, depth+1) + sizeOf(x.Value, depth+1); n > maxValue {
				break
			}
		}
	case []any:
		for _, x := range v {
			if n += sizeOf(x, depth+1); n > maxValue {
				break
			}
		}
	case map[string]any:
		for k, x := range v {
			if n += len(k) + sizeOf(x, depth+1); n > maxValue {
				break
			}
		}
	}
	return n
}

func countedParser(name string) parser.ControlStructureParser {
	inner, ok := builtins.ControlStructures.Get(name)
	if !ok {
		panic("chat: no statement " + name)
	}
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		target := ""
		if tok := args.Current(); name == "set" && tok != nil {
			target = tok.Val
		}
		cs, err := inner(p, args)
		if err != nil {
			return nil, err
		}
		run, ok := cs.(exec.ControlStructure)
		if !ok {
			return nil, fmt.Errorf("statement %s cannot run", name)
		}
		return counted{run, target}, nil
	}
}

// generation is {% generation %}: what the assistant says.
type generation struct {
	nodes.ControlStructure
	body *nodes.Wrapper
}

func (g generation) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	if _, err := r.Output.Write([]byte(string(rune(beginMark)))); err != nil {
		return err
	}
	if err := r.ExecuteIfWrapper(g.body); err != nil {
		return err
	}
	_, err := r.Output.Write([]byte(string(rune(endMark))))
	return err
}
