package batch

import (
	"encoding/binary"
	"hash/fnv"
	"reflect"
	"testing"
)

func example(row int, class ...int32) Example {
	e := Example{Row: row, Class: class}
	for i := range class {
		e.IDs = append(e.IDs, int32(100*row+i))
	}
	return e
}

func TestPack(t *testing.T) {
	got := Pack([]Example{example(7, -1, -1, 0, 2), example(3, -1, 1)})
	want := Packed{
		Tokens: []int32{700, 701, 702, 703, 300, 301},
		Starts: []int{0, 4, 6},
		Rows:   []int{7, 3},
		LossRows: []LossRow{
			{Row: 1, Target: 702, Class: 0, Example: 0},
			{Row: 2, Target: 703, Class: 2, Example: 0},
			{Row: 4, Target: 301, Class: 1, Example: 1},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if empty := Pack(nil); len(empty.Tokens) != 0 || !reflect.DeepEqual(empty.Starts, []int{0}) {
		t.Errorf("%+v", empty)
	}
}

// The first token of a sequence has nothing before it that could predict it:
// it is no target, whatever its class.
func TestCount(t *testing.T) {
	got := Count([]Example{example(0, 0, 0, 1, 1, 2, 0), example(1, -1, 1, 0), example(2, 0)})
	if want := (Counts{Tokens: 10, Targets: 7, Structure: 3, Fields: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if n := example(0, -1, 0, 3).Targets(); n != 2 {
		t.Errorf("%d targets, want 2", n)
	}
}

func TestSplit(t *testing.T) {
	examples := []Example{example(0, 0, 0, 0), example(1, 0, 0), example(2, 0, 0, 0, 0, 0, 0), example(3, 0), example(4, 0)}
	for limit, want := range map[int][]int{1: {1, 1, 1, 1, 1}, 5: {2, 1, 2}, 6: {2, 1, 2}, 7: {2, 2, 1}, 100: {5}} {
		var sizes []int
		next := 0
		for _, micro := range Split(examples, limit) {
			sizes = append(sizes, len(micro))
			for _, e := range micro {
				if e.Row != next {
					t.Errorf("limit %d: row %d comes at %d", limit, e.Row, next)
				}
				next++
			}
		}
		if !reflect.DeepEqual(sizes, want) {
			t.Errorf("limit %d: %v, want %v", limit, sizes, want)
		}
	}
	if Split(nil, 10) != nil {
		t.Error("nothing has parts")
	}
}

// The hash is FNV-1a as the standard library has it, and notices an order.
func TestHash(t *testing.T) {
	for _, ids := range [][]int32{nil, {0}, {1, 2, 3}, {3, 2, 1}, {-1, 1 << 30}} {
		h := fnv.New64a()
		if err := binary.Write(h, binary.LittleEndian, ids); err != nil {
			t.Fatal(err)
		}
		if got := Hash(ids); got != h.Sum64() {
			t.Errorf("%v: %x, want %x", ids, got, h.Sum64())
		}
	}
	if Hash([]int32{1, 2}) == Hash([]int32{2, 1}) {
		t.Error("the order of ids does not matter")
	}
}
