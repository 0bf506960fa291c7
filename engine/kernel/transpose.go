package kernel

// Transpose writes the transpose of src [rows, cols] to dst [cols, rows]; lds
// and ldd are the elements between their rows. They must not overlap.
func Transpose(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	check("Transpose: src", src, rows, cols, lds)
	check("Transpose: dst", dst, cols, rows, ldd)
	if rows == 0 || cols == 0 {
		return
	}
	active.Load().turn(dst, ldd, src, lds, rows, cols)
}

// turn is Transpose without the checks, by blocks of 8 rows that the set's
// kernel turns in registers, and blocks of columns that stay in the cache while
// the next rows fill the rest of their lines.
func (s *set) turn(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	const block = 128
	for c0 := 0; c0 < cols; c0 += block {
		c1 := min(c0+block, cols)
		r := 0
		if s.transpose != nil {
			whole := (c1 - c0) &^ 7
			for ; r+8 <= rows; r += 8 {
				if whole > 0 {
					s.transpose(local(dst[c0*ldd+r:]), ldd, local(src[r*lds+c0:]), lds, whole)
				}
				turnPlain(dst, ldd, src, lds, r, r+8, c0+whole, c1)
			}
		}
		turnPlain(dst, ldd, src, lds, r, rows, c0, c1)
	}
}

// turnPlain transposes the rows [r0, r1) and columns [c0, c1) of src.
func turnPlain(dst []float32, ldd int, src []float32, lds, r0, r1, c0, c1 int) {
	if c0 == c1 {
		return
	}
	r := r0
	for ; r+4 <= r1; r += 4 {
		a := src[r*lds+c0 : r*lds+c1]
		b := src[(r+1)*lds+c0:][:len(a)]
		c := src[(r+2)*lds+c0:][:len(a)]
		d := src[(r+3)*lds+c0:][:len(a)]
		for i, v := range a {
			*(*[4]float32)(dst[(c0+i)*ldd+r:]) = [4]float32{v, b[i], c[i], d[i]}
		}
	}
	for ; r < r1; r++ {
		for i, v := range src[r*lds+c0 : r*lds+c1] {
			dst[(c0+i)*ldd+r] = v
		}
	}
}
