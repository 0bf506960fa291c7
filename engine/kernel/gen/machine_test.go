package main

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// machine runs a function's instructions, with registers assigned, as a CPU
// would. So the programs of both widths can be held against plain Go on any
// CPU. Every access to memory is checked against the buffers of the test.
type machine struct {
	general [16]uint64
	vectors [32][64]byte
	masks   [8]uint64
	zero    bool // flags: the last result was zero,
	less    bool // or below zero without overflow
	memory  []segment
	data    map[string]uint64 // addresses of the file's data by symbol
	frame   uint64            // address of the arguments
}

// segment is a buffer at an address. Segments are 4 GB apart: what leaves one
// does not reach another.
type segment struct {
	address uint64
	bytes   []byte
}

// fault is what the machine panics with.
type fault string

func newMachine(f *ir.File) *machine {
	m := &machine{data: map[string]uint64{}}
	for _, s := range f.Sections {
		g, ok := s.(*ir.Global)
		if !ok {
			continue
		}
		b := make([]byte, g.Size)
		for _, d := range g.Data {
			binary.LittleEndian.PutUint32(b[d.Offset:], uint32(d.Value.(operand.U32)))
		}
		m.data[g.Symbol.Name] = m.add(b)
	}
	return m
}

// add makes b addressable.
func (m *machine) add(b []byte) uint64 {
	address := uint64(len(m.memory)+1)<<32 + 64
	m.memory = append(m.memory, segment{address, b})
	return address
}

// floats makes a copy of x addressable and returns its address.
func (m *machine) floats(x []float32) uint64 {
	b := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return m.add(b)
}

// read returns n floats from an address.
func (m *machine) read(address uint64, n int) []float32 {
	b := m.at(address, 4*n)
	x := make([]float32, n)
	for i := range x {
		x[i] = float(b, i)
	}
	return x
}

// at returns n bytes of memory.
func (m *machine) at(address uint64, n int) []byte {
	i := int(address>>32) - 1
	if i < 0 || i >= len(m.memory) {
		panic(fault(fmt.Sprintf("address %#x is in no buffer", address)))
	}
	s := m.memory[i]
	if address < s.address || address+uint64(n) > s.address+uint64(len(s.bytes)) {
		panic(fault(fmt.Sprintf("%d bytes at offset %d of a buffer of %d", n, int64(address-s.address), len(s.bytes))))
	}
	return s.bytes[address-s.address:][:n:n]
}

// call runs f with arguments in the order of its signature: integers,
// addresses or float32. It returns the bytes of the result, if there is one.
func (m *machine) call(f *ir.Function, args ...any) []byte {
	frame := make([]byte, f.ArgumentBytes())
	m.frame = m.add(frame)
	params := f.Signature.Params()
	for i, a := range args {
		p, err := params.At(i).Resolve()
		if err != nil {
			panic(err)
		}
		at := frame[p.Addr.Disp:]
		switch a := a.(type) {
		case float32:
			binary.LittleEndian.PutUint32(at, math.Float32bits(a))
		case int:
			binary.LittleEndian.PutUint64(at, uint64(a))
		case uint64:
			binary.LittleEndian.PutUint64(at, a)
		default:
			panic(fmt.Sprintf("argument of type %T", a))
		}
	}
	m.run(f)
	r, err := f.Signature.Results().At(0).Resolve()
	if err != nil {
		return nil
	}
	return frame[r.Addr.Disp:]
}

// run executes f to its end. What registers hold at the start is arbitrary.
func (m *machine) run(f *ir.Function) {
	for i := range m.vectors {
		for j := range m.vectors[i] {
			m.vectors[i][j] = 0xa5 ^ byte(i*j)
		}
	}
	for i := range m.general {
		m.general[i] = 0xdead<<32 | uint64(i)
	}
	for i := range m.masks {
		m.masks[i] = 0x5a5a5a5a
	}
	var program []*ir.Instruction
	place := map[ir.Label]int{}
	for _, node := range f.Nodes {
		switch node := node.(type) {
		case *ir.Instruction:
			program = append(program, node)
		case ir.Label:
			place[node] = len(program)
		}
	}
	const most = 1 << 20
	for i, steps := 0, 0; ; steps++ {
		if steps == most || i >= len(program) {
			panic(fault(f.Name + " does not end"))
		}
		in := program[i]
		i++
		if in.Opcode == "RET" {
			return
		}
		if in.Opcode == "LONG" {
			if i == len(program) || program[i].Opcode != "WORD" {
				panic(fault("bytes end early"))
			}
			m.dot(in, program[i])
			i++
			continue
		}
		if !in.IsBranch {
			m.step(in)
			continue
		}
		if m.taken(in.Opcode) {
			target, ok := place[*in.TargetLabel()]
			if !ok {
				panic(fault("no label " + string(*in.TargetLabel())))
			}
			i = target
		}
	}
}

func (m *machine) taken(opcode string) bool {
	switch opcode {
	case "JZ":
		return m.zero
	case "JNZ":
		return !m.zero
	case "JLT":
		return m.less
	case "JGE":
		return !m.less
	}
	panic(fault("no branch " + opcode))
}

// address computes where an operand lies.
func (m *machine) address(o operand.Mem) uint64 {
	switch o.Base {
	case reg.FramePointer:
		return m.frame + uint64(o.Disp)
	case reg.StaticBase:
		return m.data[o.Symbol.Name] + uint64(o.Disp)
	}
	a := m.general[index(o.Base)] + uint64(o.Disp)
	if o.Index != nil {
		a += m.general[index(o.Index)] * uint64(o.Scale)
	}
	return a
}

// bytes returns the n bytes of a vector operand.
func (m *machine) bytes(o operand.Op, n int) []byte {
	if a, ok := o.(operand.Mem); ok {
		return m.at(m.address(a), n)
	}
	return m.vectors[index(o.(reg.Register))][:n]
}

// put sets a vector register and clears what is above, or memory.
func (m *machine) put(o operand.Op, b []byte) {
	if a, ok := o.(operand.Mem); ok {
		copy(m.at(m.address(a), len(b)), b)
		return
	}
	v := &m.vectors[index(o.(reg.Register))]
	clear(v[copy(v[:], b):])
}

// integer returns the value of a general operand.
func (m *machine) integer(o operand.Op) uint64 {
	switch o := o.(type) {
	case operand.U8:
		return uint64(o)
	case operand.U32:
		return uint64(o)
	case operand.I32:
		return uint64(int64(o))
	case operand.Mem:
		return binary.LittleEndian.Uint64(m.at(m.address(o), 8))
	case reg.Register:
		v := m.general[index(o)]
		if o.Size() == 4 {
			v &= math.MaxUint32
		}
		return v
	}
	panic(fault(fmt.Sprintf("integer operand %s", o.Asm())))
}

func (m *machine) setInteger(o operand.Op, v uint64) {
	if a, ok := o.(operand.Mem); ok {
		binary.LittleEndian.PutUint64(m.at(m.address(a), 8), v)
		return
	}
	m.general[index(o.(reg.Register))] = v
}

func (m *machine) flags(v int64) { m.zero, m.less = v == 0, v < 0 }

func float(b []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}

func double(b []byte, i int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
}

// half converts an IEEE 754 half that is finite.
func half(h uint16) float32 {
	fraction, exponent := float64(h&0x3ff), int(h>>10&31)
	if exponent > 0 {
		fraction, exponent = fraction+1024, exponent-1
	}
	return float32(math.Copysign(math.Ldexp(fraction, exponent-24), 1-2*float64(h>>15)))
}
