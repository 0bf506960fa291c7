package kernel

import (
	"math"
	"testing"
)

func TestSmoke(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	m, n, k := 37, 41, 700
	a, b, c := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
	for i := range a {
		a[i] = float32(math.Sin(float64(i)))
	}
	for i := range b {
		b[i] = float32(math.Cos(float64(i)))
	}
	w := NewPacked(n, k)
	w.SetRows(0, b, k, n)
	p.GemmNT(c, n, a, k, m, w, false)
	bt := make([]float32, n*k)
	Transpose(bt, n, b, k, n, k)
	c2 := make([]float32, m*n)
	p.GemmNN(c2, n, a, k, m, bt, n, n, k, false)
	for i := range m {
		for j := range n {
			s := 0.0
			for l := range k {
				s += float64(a[i*k+l]) * float64(b[j*k+l])
			}
			if math.Abs(s-float64(c[i*n+j])) > 1e-3 || c[i*n+j] != c2[i*n+j] {
				t.Fatal(i, j, s, c[i*n+j], c2[i*n+j])
			}
		}
	}
}
