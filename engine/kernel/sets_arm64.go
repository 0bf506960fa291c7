package kernel

// neon computes with 128-bit vectors, which every arm64 has: 6x16 tiles hold 24
// sums in the 32 registers.
var neon = set{
	name:  "neon",
	width: 16,
	rows:  6,
	tiles: [maxRows + 1]tile{
		nil, tile1x16NEON, tile2x16NEON, tile3x16NEON, tile4x16NEON, tile5x16NEON, tile6x16NEON,
	},
	bf16: [maxRows + 1]tile{
		nil, tile1x16BF16NEON, tile2x16BF16NEON, tile3x16BF16NEON, tile4x16BF16NEON, tile5x16BF16NEON, tile6x16BF16NEON,
	},
	int8:        [maxRows + 1]tile{nil, tile1x16Int8NEON, tile2x16Int8NEON, tile3x16Int8NEON, tile4x16Int8NEON},
	int8Two:     tile1x32Int8NEON,
	expandInt8:  expandInt8NEON,
	copyPanel:   copyPanelNEON,
	round:       roundBF16NEON,
	pairPanel:   pairPanelNEON,
	lanes:       4,
	expSum:      expSumNEON,
	siluMul:     siluMulNEON,
	siluMulGrad: siluMulGradNEON,
	max:         maxNEON,
	maxBits:     maxBitsNEON,
	index:       indexNEON,
	dot:         dotNEON,
	sumSquares:  sumSquaresNEON,
	axpy:        axpyNEON,
	add:         addNEON,
	scale:       scaleNEON,
	transpose:   transposeNEON,
}

func supported() []*set { return []*set{&neon, &plain} }
