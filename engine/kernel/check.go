package kernel

import "fmt"

// check panics unless x holds a matrix [rows, cols] with ld elements between
// rows. It is written so that no shape can overflow it.
func check(what string, x []float32, rows, cols, ld int) {
	if rows < 0 || cols < 0 {
		panic(fmt.Sprintf("kernel: %s: negative shape [%d, %d]", what, rows, cols))
	}
	if rows == 0 || cols == 0 {
		return
	}
	if rows > 1 && ld < cols {
		panic(fmt.Sprintf("kernel: %s: leading dimension %d is below the %d columns", what, ld, cols))
	}
	if cols > len(x) || (rows > 1 && rows-1 > (len(x)-cols)/ld) {
		panic(fmt.Sprintf("kernel: %s: %d elements are too few for [%d, %d] with leading dimension %d", what, len(x), rows, cols, ld))
	}
}

// checkLength panics unless x has exactly n elements.
func checkLength(what string, x []float32, n int) {
	if len(x) != n {
		panic(fmt.Sprintf("kernel: %s has %d elements, not %d", what, len(x), n))
	}
}
