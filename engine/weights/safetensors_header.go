package weights

import (
	"encoding/binary"
	"slices"
	"strings"
)

const (
	maxHeader = 100_000_000 // bytes of a safetensors header, the format's own limit
	dtypeList = "F32, F16 and BF16"
)

// safetensorsDTypes are the dtypes of the format with their bits. Only three can
// be read, but the others may stand beside them in a file.
var safetensorsDTypes = map[string]int64{
	"F32": 32, "F16": 16, "BF16": 16, "F64": 64, "C64": 64,
	"I8": 8, "U8": 8, "BOOL": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64,
	"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}

var safetensorsReadable = map[string]*dtype{"F32": f32, "F16": f16, "BF16": bf16}

// region is a tensor in a file.
type region struct {
	name      string
	kind      string // dtype as the file calls it
	dtype     *dtype // nil: cannot be read
	shape     []int  // row-major, outermost first
	off, size int64  // bytes in the file
}

// parseSafetensors reads the header of a safetensors file and checks it whole:
// the tensors tile the data without gap or overlap up to the last byte. The
// regions are in file order.
func parseSafetensors(s *source) (regions []region, metadata map[string]string, err error) {
	var lead [8]byte
	if s.size < 8 {
		return nil, nil, corrupt("%d bytes are no safetensors file", s.size)
	}
	b, err := s.view(0, 8, lead[:])
	if err != nil {
		return nil, nil, err
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader {
		return nil, nil, corrupt("a header of %d bytes is over the limit of %d", n, maxHeader)
	}
	if int64(n) > s.size-8 {
		return nil, nil, corrupt("the header has %d bytes but the file ends after %d of them", n, s.size-8)
	}
	header, err := s.view(8, int64(n), s.scratch(int64(n)))
	if err != nil {
		return nil, nil, err
	}
	if n == 0 || header[0] != '{' {
		return nil, nil, corrupt("the header does not start with {")
	}
	regions, metadata, err = parseHeader(header)
	if err != nil {
		return nil, nil, err
	}
	return regions, metadata, tile(regions, 8+int64(n), s.size)
}

// parseHeader reads the JSON of a header. Offsets are still relative to the data.
func parseHeader(header []byte) (regions []region, metadata map[string]string, err error) {
	w, err := newWalker(header)
	if err != nil {
		return nil, nil, err
	}
	err = w.object("header", func(key string) error {
		if key == "__metadata__" {
			metadata, err = w.strings(key)
			return err
		}
		r, err := parseRegion(w, key)
		regions = append(regions, r)
		return err
	})
	return regions, metadata, err
}

func parseRegion(w *walker, name string) (region, error) {
	r := region{name: name}
	var offsets, shape []int64
	err := w.object(clip(name), func(key string) (err error) {
		switch key {
		case "dtype":
			r.kind, err = w.str(clip(name) + ": dtype")
		case "shape":
			shape, err = w.sizes(clip(name) + ": shape")
		case "data_offsets":
			offsets, err = w.sizes(clip(name) + ": data_offsets")
		default:
			err = corrupt("%s has the unknown key %q", clip(name), clip(key))
		}
		return err
	})
	if err != nil {
		return r, err
	}
	if r.kind == "" || shape == nil || len(offsets) != 2 {
		return r, corrupt("%s lacks its dtype, its shape or a pair of data_offsets", clip(name))
	}
	if offsets[0] > offsets[1] {
		return r, corrupt("%s ends at %d before it starts at %d", clip(name), offsets[1], offsets[0])
	}
	bits, ok := safetensorsDTypes[r.kind]
	if !ok {
		return r, unsupported("dtype %q of %s (what works: %s)", clip(r.kind), clip(name), dtypeList)
	}
	r.dtype, r.off, r.size = safetensorsReadable[r.kind], offsets[0], offsets[1]-offsets[0]
	r.shape = make([]int, len(shape))
	for i, d := range shape {
		r.shape[i] = int(d)
	}
	n, ok := elements(r.shape)
	if !ok || n > (1<<63-1)/bits {
		return r, corrupt("the shape of %s is too large: %v", clip(name), clipShape(r.shape))
	}
	if n*bits%8 != 0 || n*bits/8 != r.size {
		return r, corrupt("%s is %s %v, which does not fill its %d bytes", clip(name), r.kind, clipShape(r.shape), r.size)
	}
	return r, nil
}

// clipShape shortens a shape for a message.
func clipShape(shape []int) []int { return shape[:min(len(shape), 8)] }

// tile sorts the regions by offset, checks that they cover the file from start to
// size exactly, and makes their offsets absolute.
func tile(regions []region, start, size int64) error {
	slices.SortFunc(regions, func(a, b region) int {
		switch {
		case a.off != b.off:
			return cmp64(a.off, b.off)
		case a.size != b.size: // an empty tensor shares its offset with the next
			return cmp64(a.size, b.size)
		}
		return strings.Compare(a.name, b.name)
	})
	at := int64(0)
	for i := range regions {
		r := &regions[i]
		switch {
		case r.off < at:
			return corrupt("%s overlaps the tensor before it", clip(r.name))
		case r.off > at:
			return corrupt("%d bytes before %s belong to no tensor", r.off-at, clip(r.name))
		case r.size > size-start-at:
			return corrupt("the file ends within %s: it needs %d bytes, %d are left", clip(r.name), r.size, size-start-at)
		}
		at += r.size
		r.off += start
	}
	if at != size-start {
		return corrupt("%d bytes at the end belong to no tensor", size-start-at)
	}
	return nil
}

func cmp64(a, b int64) int {
	if a < b {
		return -1
	}
	return 1
}
