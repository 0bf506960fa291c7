package experiments

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"KIB", 1 << 10},
	{"MIB", 1 << 20},
	{"GIB", 1 << 30},
	{"TIB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

// ParseSize reads a size of memory such as "4GB" (10^9), "512 MiB" (2^20) or
// "1.5GB", in bytes. A unit is required; its case does not matter.
func ParseSize(text string) (int64, error) {
	s := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		digits = strings.TrimSpace(digits)
		if strings.Trim(digits, "0123456789.") != "" {
			break // no signs, exponents, hexadecimal or infinities
		}
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			break
		}
		if n *= u.bytes; n >= 1<<62 {
			return 0, fmt.Errorf("size %s is too large", quote(text))
		}
		return int64(math.Round(n)), nil
	}
	return 0, fmt.Errorf("%s is not a size such as \"4GB\" or \"512MiB\"", quote(text))
}

// FormatSize writes a number of bytes with the largest decimal unit that keeps
// it exact, as ParseSize reads it.
func FormatSize(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// MemoryBytes is the memory that training may use, in bytes; 0 for "auto". The
// config has to be valid.
func (t TrainConfig) MemoryBytes() int64 {
	if t.Memory == "auto" {
		return 0
	}
	n, err := ParseSize(t.Memory)
	if err != nil {
		return 0
	}
	return n
}
