package weights

import (
	"encoding/binary"
	"math"
	"strconv"
)

// Types of metadata values.
const (
	ggufU8 uint32 = iota
	ggufI8
	ggufU16
	ggufI16
	ggufU32
	ggufI32
	ggufF32
	ggufBool
	ggufString
	ggufArrayType
	ggufU64
	ggufI64
	ggufF64
	ggufTypes
)

// ggufWidth is the least number of bytes of a value by its type.
var ggufWidth = [ggufTypes]int64{1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8}

// value reads a value of metadata with its type.
func (r *ggufReader) value(key string) any {
	kind := r.u32()
	switch {
	case r.err != nil:
		return nil
	case kind == ggufString:
		return r.str(maxGGUFString)
	case kind == ggufArrayType:
		return r.array(key)
	case kind < ggufTypes:
		return r.scalar(key, kind)
	}
	r.fail(corrupt("%s has the unknown value type %d", clip(key), kind))
	return nil
}

// scalar reads a number or truth value.
func (r *ggufReader) scalar(key string, kind uint32) any {
	b := r.take(int(ggufWidth[kind]))
	switch kind {
	case ggufU8:
		return uint64(b[0])
	case ggufI8:
		return int64(int8(b[0]))
	case ggufU16:
		return uint64(binary.LittleEndian.Uint16(b))
	case ggufI16:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case ggufU32:
		return uint64(binary.LittleEndian.Uint32(b))
	case ggufI32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case ggufF32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case ggufU64:
		return binary.LittleEndian.Uint64(b)
	case ggufI64:
		return int64(binary.LittleEndian.Uint64(b))
	case ggufF64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	if b[0] > 1 {
		r.fail(corrupt("%s is %d, not a truth value", clip(key), b[0]))
	}
	return b[0] == 1
}

// array reads an array, keeping it only if it is one of the tokenizer's.
func (r *ggufReader) array(key string) any {
	kind, n := r.u32(), r.u64()
	switch {
	case r.err != nil:
		return nil
	case kind >= ggufTypes || kind == ggufArrayType:
		r.fail(corrupt("%s is an array of the type %d", clip(key), kind))
		return nil
	case n > maxGGUFArray:
		r.fail(corrupt("%s has %d elements, over the limit of %d", clip(key), n, maxGGUFArray))
		return nil
	case int64(n) > r.left/ggufWidth[kind]:
		r.fail(corrupt("%s has %d elements, but the file ends before", clip(key), n))
		return nil
	}
	a := ggufArray{kind: kind, n: int(n)}
	switch {
	case kind == ggufString && keepArray(key):
		a.strings = make([]string, n)
		for i := range a.strings {
			a.strings[i] = r.str(maxGGUFString)
		}
	case kind == ggufString:
		for range n {
			size := r.u64()
			if r.err == nil && size > maxGGUFString {
				r.fail(corrupt("%s holds a string of %d bytes, over the limit of %d", clip(key), size, maxGGUFString))
			}
			if r.err != nil {
				break
			}
			r.skip(int64(size))
		}
	case (kind == ggufI32 || kind == ggufU32) && keepArray(key):
		a.ints = make([]int32, n)
		for i := range a.ints {
			a.ints[i] = int32(r.u32())
		}
	case kind == ggufF32 && keepArray(key):
		a.floats = make([]float32, n)
		for i := range a.floats {
			a.floats[i] = math.Float32frombits(r.u32())
		}
	default:
		r.skip(int64(n) * ggufWidth[kind])
	}
	return a
}

// integer returns an integer of the metadata, def where it is absent.
func (g *gguf) integer(key string, def int64) (int64, error) {
	switch v := g.values[key].(type) {
	case nil:
		return def, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
	case int64:
		return v, nil
	}
	return 0, corrupt("%s is not an integer", clip(key))
}

// number returns a number, def where it is absent. A float32 becomes the float64
// that its shortest decimal denotes, so that 1e-5 is 1e-5 in every format.
func (g *gguf) number(key string, def float64) (float64, error) {
	switch v := g.values[key].(type) {
	case nil:
		return def, nil
	case float32:
		return strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	case float64:
		return v, nil
	case uint64:
		return float64(v), nil
	case int64:
		return float64(v), nil
	}
	return 0, corrupt("%s is not a number", clip(key))
}

func (g *gguf) boolean(key string, def bool) (bool, error) {
	switch v := g.values[key].(type) {
	case nil:
		return def, nil
	case bool:
		return v, nil
	}
	return false, corrupt("%s is not a truth value", clip(key))
}

func (g *gguf) text(key, def string) (string, error) {
	switch v := g.values[key].(type) {
	case nil:
		return def, nil
	case string:
		return v, nil
	}
	return "", corrupt("%s is not a string", clip(key))
}
