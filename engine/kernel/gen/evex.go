package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// VDPBF16PS is known neither to avo nor to Go's assembler. It is emitted with
// its operands like any other instruction, so that registers can be assigned,
// and then replaced by its bytes.
const vdpbf16ps = "VDPBF16PS"

// dot2 adds to every lane of sum the products of both halves of a and b.
func (g *generator) dot2(b, a, sum reg.VecVirtual) {
	g.Instruction(&ir.Instruction{
		Opcode:   vdpbf16ps,
		Operands: []operand.Op{b, a, sum},
		Inputs:   []operand.Op{b, a, sum},
		Outputs:  []operand.Op{sum},
		ISA:      []string{"AVX512F", "AVX512_BF16"},
	})
}

// spellOut replaces instructions that the assembler does not know by bytes.
func spellOut(f *ir.Function) {
	var nodes []ir.Node
	for _, node := range f.Nodes {
		in, ok := node.(*ir.Instruction)
		if !ok || in.Opcode != vdpbf16ps {
			nodes = append(nodes, node)
			continue
		}
		b := encodeDot(index(in.Operands[2].(reg.Register)), index(in.Operands[1].(reg.Register)), index(in.Operands[0].(reg.Register)))
		// Little-endian, and without space in between.
		long := operand.U32(b[0]) | operand.U32(b[1])<<8 | operand.U32(b[2])<<16 | operand.U32(b[3])<<24
		nodes = append(nodes,
			ir.NewComment(fmt.Sprintf("%s %s, %s, %s", in.Opcode, in.Operands[0].Asm(), in.Operands[1].Asm(), in.Operands[2].Asm())),
			&ir.Instruction{Opcode: "LONG", Operands: []operand.Op{long}, ISA: in.ISA},
			&ir.Instruction{Opcode: "WORD", Operands: []operand.Op{operand.U16(b[4]) | operand.U16(b[5])<<8}},
		)
	}
	f.Nodes = nodes
}

// encodeDot returns EVEX.512.F3.0F38.W0 52 /r with registers only: dst in
// ModRM.reg, src1 in vvvv, src2 in ModRM.rm. Their upper two bits lie inverted
// in the prefix.
func encodeDot(dst, src1, src2 int) [6]byte {
	not := func(v, bit int) byte { return byte(^v >> bit & 1) }
	return [6]byte{
		0x62,
		not(dst, 3)<<7 | not(src2, 4)<<6 | not(src2, 3)<<5 | not(dst, 4)<<4 | 2, // opcode map 0F38
		byte(^src1&15)<<3 | 1<<2 | 2, // W0, prefix F3
		2<<5 | not(src1, 4)<<3,       // 512 bits, no mask
		0x52,
		3<<6 | byte(dst&7)<<3 | byte(src2&7),
	}
}

// index is the number of an assigned register.
func index(r reg.Register) int { return int(r.(reg.Physical).PhysicalIndex()) }
