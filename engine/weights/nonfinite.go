package weights

import "math"

// ScanNonFinite returns a [*NonFiniteError] for the first NaN or infinity in
// data, nil if every value is finite.
func ScanNonFinite(name string, data []float32) error {
	if i := firstNonFinite(data); i >= 0 {
		return &NonFiniteError{Tensor: name, Index: i, Value: data[i]}
	}
	return nil
}

// firstNonFinite returns the index of the first NaN or infinity, -1 if none.
//
// Adding one to the exponent carries into the sign bit exactly when all its bits
// are set, so eight values are tested with one branch.
func firstNonFinite(x []float32) int {
	const exponent, one = 0x7f800000, 0x00800000
	bits := func(f float32) uint32 { return math.Float32bits(f)&exponent + one }
	i := 0
	for ; i+8 <= len(x); i += 8 {
		v := (*[8]float32)(x[i:])
		m := bits(v[0]) | bits(v[1]) | bits(v[2]) | bits(v[3]) | bits(v[4]) | bits(v[5]) | bits(v[6]) | bits(v[7])
		if m>>31 != 0 {
			break
		}
	}
	for ; i < len(x); i++ {
		if bits(x[i])>>31 != 0 {
			return i
		}
	}
	return -1
}
