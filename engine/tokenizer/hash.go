package tokenizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
)

// hashVersion changes when the same definition would give other ids: with the class table or with
// a corrected scanner.
const hashVersion = "1"

// hashOf writes every list with its length first, so that no two definitions write the same.
func hashOf(d definition) string {
	h := hasher{sum: sha256.New()}
	h.text(hashVersion)
	h.number(len(d.pieces))
	for _, p := range d.pieces {
		h.text(p)
	}
	h.number(len(d.merges))
	for _, m := range d.merges {
		h.number(int(m.left))
		h.number(int(m.right))
		h.number(int(m.result))
	}
	added := slices.Clone(d.added)
	slices.SortFunc(added, func(a, b addedToken) int { return int(a.id) - int(b.id) })
	h.number(len(added))
	for _, a := range added {
		h.number(int(a.id))
		h.text(a.text)
		h.flag(a.late)
	}
	for _, a := range added { // others have the hashes that they had
		if a.reach != (reach{}) {
			h.number(int(a.id))
			h.flag(a.left)
			h.flag(a.right)
			h.flag(a.word)
		}
	}
	h.number(len(d.steps))
	for _, s := range d.steps {
		h.text(s.name)
	}
	h.number(int(d.unknown))
	h.flag(d.fuse)
	h.flag(d.whole)
	h.number(int(d.bos))
	if d.normalizer.name != "" || d.fallback { // others have the hashes that they had
		h.text(d.normalizer.name)
		h.text(d.marks.name)
		h.flag(d.fallback)
		h.flag(d.strip)
	}
	h.sum.Write(h.buffer)
	return hex.EncodeToString(h.sum.Sum(nil))
}

// A hasher collects small values: a Write for each would cost more than the hash.
type hasher struct {
	sum    hash.Hash
	buffer []byte
}

func (h *hasher) flush() {
	if len(h.buffer) > 1<<12 {
		h.sum.Write(h.buffer)
		h.buffer = h.buffer[:0]
	}
}

func (h *hasher) number(n int) {
	h.buffer = binary.LittleEndian.AppendUint32(h.buffer, uint32(n))
	h.flush()
}

func (h *hasher) text(s string) {
	h.number(len(s))
	h.buffer = append(h.buffer, s...)
	h.flush()
}

func (h *hasher) flag(b bool) {
	if b {
		h.number(1)
	} else {
		h.number(0)
	}
}
