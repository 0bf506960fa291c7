package weights

import (
	"bytes"
	"maps"
	"slices"
)

func equalShape(a, b []int) bool { return slices.Equal(a, b) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// sameBytes compares the stored bytes of two tensors of the same size.
func sameBytes(a, b stored) (same bool, err error) {
	const chunk = 1 << 20
	same = true
	err = guard(a.source.path, func() error {
		bufA, bufB := a.source.scratch(min(chunk, a.size)), b.source.scratch(min(chunk, b.size))
		for at := int64(0); at < a.size && same; at += chunk {
			n := min(chunk, a.size-at)
			x, err := a.source.view(a.off+at, n, bufA)
			if err != nil {
				return err
			}
			y, err := b.source.view(b.off+at, n, bufB)
			if err != nil {
				return err
			}
			same = bytes.Equal(x, y)
		}
		return nil
	})
	return same, err
}
