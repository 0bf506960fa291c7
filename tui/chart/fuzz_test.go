package chart

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// FuzzChart feeds bytes as samples, sizes and options: the frame stays exact.
func FuzzChart(f *testing.F) {
	f.Add(uint8(80), uint8(20), uint8(0), []byte{})
	f.Add(uint8(1), uint8(1), uint8(255), []byte{0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1})
	f.Add(uint8(33), uint8(9), uint8(3), []byte("a chart draws any bytes as numbers"))
	f.Add(uint8(40), uint8(130), uint8(32), []byte{0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x7f, 0xe0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, w, h, flags uint8, raw []byte) {
		width, height := int(w%200)+1, int(h%60)+1
		c := New(Options{Title: "fuzz", XLabel: "x", ASCII: flags&1 > 0, Log: flags&2 > 0, Robust: flags&4 > 0, FromZero: flags&8 > 0, LogX: h >= 120})
		s := c.Add(Series{Label: "s", Ink: InkS1, Shape: Shape(flags >> 4 & 3), Smooth: []float64{float64(flags>>6) / 3}, MarkZero: flags&16 > 0, Fill: w > 199})
		x := 0.0
		for i := 0; i+8 <= len(raw); i += 8 {
			var bits uint64
			for _, b := range raw[i : i+8] {
				bits = bits<<8 | uint64(b)
			}
			v := math.Float64frombits(bits)
			if flags&32 > 0 {
				c.Append(s, v, float64(i))
			} else {
				x++
				c.Append(s, x, v)
			}
			if flags&64 > 0 && i%24 == 0 {
				c.SetCrosshair(v)
			}
		}
		c.SetSize(width, height)
		checkFrame(t, c, width, height)
		c.Truncate(s, c.Len(s)/2)
		checkFrame(t, c, width, height)
	})
}

func BenchmarkFrame(b *testing.B) {
	for _, n := range []int{350, 10_000, 1_000_000} {
		for _, size := range [][2]int{{75, 16}, {120, 30}} {
			b.Run(fmt.Sprintf("%d/%dx%d", n, size[0], size[1]), func(b *testing.B) {
				c := New(Options{Title: "loss", XLabel: "step", Palette: colours(), Log: true})
				loss := c.Add(Series{Label: "total", Ink: InkS1, Smooth: []float64{0.9}, MarkZero: true})
				ce := c.Add(Series{Label: "ce", Ink: InkS2, Shape: Dashed})
				r := rand.New(rand.NewPCG(1, 2))
				for i := range n {
					c.Append(loss, float64(i), math.Exp(r.NormFloat64()/4-float64(i)/float64(n)*3))
					c.Append(ce, float64(i), math.Exp(r.NormFloat64()/4-float64(i)/float64(n)*4))
				}
				c.SetSize(size[0], size[1])
				b.ReportAllocs()
				for b.Loop() {
					c.dirty = true
					_ = c.View()
				}
			})
		}
	}
}
