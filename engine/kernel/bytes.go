package kernel

// PackedBytes returns the memory that a matrix [n, k] takes packed for the kernel
// set in use, in a format: what [Packed.Bytes] of it would say.
func PackedBytes(f Format, n, k int) int64 {
	w := active.Load().width
	panels := (int64(n) + int64(w) - 1) / int64(w)
	return panels * int64(f.depth(k)) * int64(w) * 4
}

// RoundedBytes returns the memory that a product takes to round its left
// operand [m, k] to bf16, where the set in use multiplies bf16 natively: else 0.
func RoundedBytes(m, k int) int64 {
	if !ComputesBF16() {
		return 0
	}
	return int64(m) * int64(BF16.depth(k)) * 4
}
