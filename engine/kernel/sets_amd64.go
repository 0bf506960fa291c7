package kernel

import "golang.org/x/sys/cpu"

// avx2 computes with 256-bit vectors: 6x16 tiles hold 12 sums in the 16
// registers.
var avx2 = set{
	name:  "avx2",
	width: 16,
	rows:  6,
	tiles: [maxRows + 1]tile{
		nil, tile1x16AVX2, tile2x16AVX2, tile3x16AVX2, tile4x16AVX2, tile5x16AVX2, tile6x16AVX2,
	},
	bf16: [maxRows + 1]tile{
		nil, tile1x16BF16AVX2, tile2x16BF16AVX2, tile3x16BF16AVX2, tile4x16BF16AVX2, tile5x16BF16AVX2, tile6x16BF16AVX2,
	},
	int8:        [maxRows + 1]tile{nil, tile1x16Int8AVX2, tile2x16Int8AVX2, tile3x16Int8AVX2, tile4x16Int8AVX2},
	int8Two:     tile1x32Int8AVX2,
	round:       roundBF16AVX2,
	pairPanel:   pairPanel16AVX2,
	expandPanel: expandPanel16AVX2,
	expandInt8:  expandInt8AVX2,
	copyPanel:   copyPanelAVX2,
	lanes:       8,
	expSum:      expSumAVX2,
	siluMul:     siluMulAVX2,
	siluMulGrad: siluMulGradAVX2,
	max:         maxAVX2,
	maxBits:     maxBitsAVX2,
	index:       indexAVX2,
	dot:         dotAVX2,
	sumSquares:  sumSquaresAVX2,
	axpy:        axpyAVX2,
	add:         addAVX2,
	scale:       scaleAVX2,
	transpose:   transpose8,
}

// avx512 computes with 512-bit vectors: 12x32 tiles hold 24 sums in the 32
// registers. It asks for nothing beyond AVX-512F.
var avx512 = set{
	name:  "avx512",
	width: 32,
	rows:  12,
	tiles: [maxRows + 1]tile{
		nil, tile1x32AVX512, tile2x32AVX512, tile3x32AVX512, tile4x32AVX512, tile5x32AVX512, tile6x32AVX512,
		tile7x32AVX512, tile8x32AVX512, tile9x32AVX512, tile10x32AVX512, tile11x32AVX512, tile12x32AVX512,
	},
	bf16: [maxRows + 1]tile{
		nil, tile1x32BF16AVX512, tile2x32BF16AVX512, tile3x32BF16AVX512, tile4x32BF16AVX512, tile5x32BF16AVX512, tile6x32BF16AVX512,
		tile7x32BF16AVX512, tile8x32BF16AVX512, tile9x32BF16AVX512, tile10x32BF16AVX512, tile11x32BF16AVX512, tile12x32BF16AVX512,
	},
	int8:        [maxRows + 1]tile{nil, tile1x32Int8AVX512, tile2x32Int8AVX512, tile3x32Int8AVX512, tile4x32Int8AVX512},
	int8Two:     tile1x64Int8AVX512,
	round:       roundBF16AVX2,
	pairPanel:   pairPanel32AVX2,
	expandPanel: expandPanel32AVX2,
	expandInt8:  expandInt8AVX512,
	copyPanel:   copyPanelAVX512,
	lanes:       16,
	expSum:      expSumAVX512,
	siluMul:     siluMulAVX512,
	siluMulGrad: siluMulGradAVX512,
	max:         maxAVX512,
	maxBits:     maxBitsAVX512,
	index:       indexAVX512,
	dot:         dotAVX512,
	sumSquares:  sumSquaresAVX512,
	axpy:        axpyAVX512,
	add:         addAVX512,
	scale:       scaleAVX512,
	transpose:   transpose8,
}

// avx512bf16 is avx512 with products of bf16 by VDPBF16PS.
var avx512bf16 = func() set {
	s := avx512
	s.name = "avx512bf16"
	s.bf16Dot = [maxRows + 1]tile{
		nil, tile1x32DotAVX512, tile2x32DotAVX512, tile3x32DotAVX512, tile4x32DotAVX512, tile5x32DotAVX512, tile6x32DotAVX512,
		tile7x32DotAVX512, tile8x32DotAVX512, tile9x32DotAVX512, tile10x32DotAVX512, tile11x32DotAVX512, tile12x32DotAVX512,
	}
	return s
}()

// f16c is the bit of the conversion of halves.
const f16c = 1 << 29

// supported asks the CPU and the operating system, which has to save the wide
// registers.
func supported() []*set {
	sets := []*set{&plain}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		if cpuFeatures()&f16c == 0 { // every such processor has it, but a virtual one may hide it
			avx2.int8, avx2.int8Two, avx2.expandInt8 = [maxRows + 1]tile{}, nil, nil
		}
		sets = append([]*set{&avx2}, sets...)
		if cpu.X86.HasAVX512F {
			sets = append([]*set{&avx512}, sets...)
			if cpu.X86.HasAVX512BF16 {
				sets = append([]*set{&avx512bf16}, sets...)
			}
		}
	}
	return sets
}
