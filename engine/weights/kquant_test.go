package weights

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
)

// Blocks hold what llama.cpp's own package says, to the bit.
func TestKQuants(t *testing.T) {
	text, err := os.ReadFile("testdata/kquants.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]struct {
		Type           uint32
		Blocks, Values string
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 5 {
		t.Fatalf("%d types", len(all))
	}
	for name, c := range all {
		blocks, err := base64.StdEncoding.DecodeString(c.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		want, err := base64.StdEncoding.DecodeString(c.Values)
		if err != nil {
			t.Fatal(err)
		}
		d := ggmlTypes[c.Type]
		if d == nil || d.name != name || len(blocks) != 3*d.bytes || len(want) != 4*3*d.values {
			t.Fatalf("%s: %+v of %d bytes", name, d, len(blocks))
		}
		got := make([]float32, 3*d.values)
		d.decode(got, blocks)
		for i, x := range got {
			if w := math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:])); x != w {
				t.Errorf("%s: value %d is %v, not %v", name, i, x, w)
				break
			}
		}
		if i := d.firstNonFinite(got, blocks); i >= 0 {
			t.Errorf("%s: value %d is not finite", name, i)
		}
		// A scale that is infinite is found, wherever the block keeps it.
		at := d.bytes
		if name == "Q6_K" {
			at += 208
		}
		binary.LittleEndian.PutUint16(blocks[at:], 0x7c00)
		d.decode(got, blocks)
		if i := d.firstNonFinite(got, blocks); i < d.values || i >= 2*d.values {
			t.Errorf("%s: an infinite scale in the second block is found at %d", name, i)
		}
	}
}

// A model of K types opens, its query rows put back in order; rows that are no whole blocks
// are refused.
func TestKQuantModel(t *testing.T) {
	c := tinyConfig
	c.Hidden, c.Heads, c.HeadDim, c.FFN = 256, 8, 32, 512
	kinds := map[string]uint32{"attn_q": 12, "attn_v": 13, "ffn_down": 14}
	before := map[string]uint32{}
	for part, kind := range kinds {
		before[part], tinyKinds[part] = tinyKinds[part], kind
	}
	defer func() {
		for part, kind := range before {
			tinyKinds[part] = kind
		}
	}()
	path := tinyGGUF(c).write(t)
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const name = "model.layers.1.self_attn.q_proj.weight"
	if m.DType(name) != "Q4_K" || m.DType("model.layers.0.mlp.down_proj.weight") != "Q6_K" {
		t.Errorf("%s is %s", name, m.DType(name))
	}
	whole := load(t, m, name)
	row := make([]float32, 256)
	if err := m.Float32Rows(name, 5, row); err != nil {
		t.Fatal(err)
	}
	for i, x := range row {
		if x != whole[5*256+i] {
			t.Fatalf("row 5 is not that of the whole at %d", i)
		}
	}
	stored := m.tensors[name]
	stored.heads = 0 // as the file has it
	raw := make([]float32, len(whole))
	if err := stored.read(0, raw, 0); err != nil {
		t.Fatal(err)
	}
	if raw[10*256] != whole[5*256] {
		t.Error("query rows are in the file's order")
	}
	c.Hidden, c.Heads, c.HeadDim = 64, 4, 16
	if _, err := Open(tinyGGUF(c).write(t)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("rows of 64: %v", err)
	}
}
