package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// randomInt8 makes a panel of k rows and n columns: its blocks, with what is past k of
// the last set to a byte that would be noticed, and its values.
func randomInt8(k, n int) (blocks []byte, want []float32) {
	halves := []uint16{0x3c00, 0x2e66, 0x0001, 0x83ff, 0xbc01, 0x0000} // 1, 0.1, the smallest, subnormal, negative, 0
	for k0 := 0; k0 < k; k0 += int8Block {
		block := make([]byte, (4+int8Block)*n)
		for j := range n {
			binary.LittleEndian.PutUint16(block[2*j:], halves[(k0+j)%len(halves)])
			binary.LittleEndian.PutUint16(block[2*(n+j):], halves[(k0+2*j+1)%len(halves)])
		}
		for i := range int8Block {
			for j := range n {
				at := &block[(4+i/4*4)*n+4*j+i%4]
				*at = 0xff
				if k0+i >= k {
					continue
				}
				*at = byte(random.IntN(256))
				step, least := half(halves[(k0+j)%len(halves)]), half(halves[(k0+2*j+1)%len(halves)])
				want = append(want, float32(float64(*at)*float64(step)+float64(least)))
			}
		}
		blocks = append(blocks, block...)
	}
	return blocks, want
}

var int8Depths = []int{1, 2, 3, 4, 5, 31, 32, 33, 36, 64, 67}

func TestInt8Tiles(t *testing.T) {
	l := load(t)
	for _, w := range widths {
		for _, k := range int8Depths {
			for rows := 1; rows <= int8Rows; rows++ {
				testInt8Tile(t, l, w, rows, 1, k)
			}
			testInt8Tile(t, l, w, 1, 2, k)
		}
	}
}

// testInt8Tile multiplies by panels that lie apart.
func testInt8Tile(t *testing.T, l library, w width, rows, panels, k int) {
	t.Helper()
	n := w.columns()
	name := fmt.Sprintf("tile%dx%dInt8%s", rows, panels*n, w.name)
	m, f := l.start(t, name)
	accumulate, gap := (rows+k)%2, k%3
	lda, ldc := k+gap, panels*n+2*gap
	a, c := values((rows-1)*lda+k), values((rows-1)*ldc+panels*n)
	var memory []byte
	var b [][]float32
	apart := 0
	for range panels {
		blocks, values := randomInt8(k, n)
		b = append(b, values)
		apart = len(blocks) + 12
		memory = append(append(memory, blocks...), make([]byte, 12)...)
	}
	at := m.floats(c)
	m.call(f, k, m.floats(a), lda, m.add(memory), apart/4, 100, 0, at, ldc, accumulate)
	for i, got := range m.read(at, len(c)) {
		row, col := i/ldc, i%ldc
		want := c[i]
		if col < panels*n {
			// The chain of float32: every sum is rounded once.
			var sum float32
			for p := range k {
				sum = float32(math.FMA(float64(a[row*lda+p]), float64(b[col/n][p*n+col%n]), float64(sum)))
			}
			want = sum + c[i]*float32(accumulate)
		}
		near(t, fmt.Sprintf("%s, k %d, element %d", name, k, i), got, float64(want), 1e-6*math.Abs(float64(want)))
	}
}

func TestExpandInt8(t *testing.T) {
	l := load(t)
	for _, w := range widths {
		n := w.columns()
		for _, k := range int8Depths {
			name := "expandInt8" + w.name
			m, f := l.start(t, name)
			blocks, want := randomInt8(k, n)
			dst := m.floats(make([]float32, k*n))
			m.call(f, dst, m.add(blocks), k)
			for i, got := range m.read(dst, k*n) {
				if got != want[i] {
					t.Fatalf("%s, k %d, element %d: %g, not %g", name, k, i, got, want[i])
				}
			}
		}
	}
}
