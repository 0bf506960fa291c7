package weights

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"path/filepath"
)

const (
	hashBlock = 4096 // bytes of a sampled block
	hashCount = 64   // blocks sampled from a file
	hashEdge  = 64   // bytes sampled at both ends of a tensor
)

// Hash identifies the weights without reading them all: "sha256:" and 64 hex
// digits over, per file, its length, its whole header, 64 blocks of 4 KiB spread
// evenly over it, and the first and last 64 bytes of every tensor; and over the
// sizes, rope theta, epsilon and tying of the configuration.
//
// It does not depend on where the files are or when they were written. Training
// moves every weight, so two checkpoints of one model differ; a change of a few
// bytes in the middle of a tensor may go unseen.
func (m *Model) Hash() (string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return "", fmt.Errorf("hashing %s: the model is closed", m.Path)
	}
	h := sha256.New()
	c := m.Config
	fmt.Fprintf(h, "%s %s %d %d %d %d %d %d %d %v %v %v\n", m.Format, c.Architecture, c.Hidden, c.Layers, c.Heads, c.KVHeads, c.HeadDim, c.FFN, c.Vocab, c.RopeTheta, c.NormEps, c.Tied)
	if c.Windowed != nil { // others have the hashes that they had
		fmt.Fprintf(h, "window %d %v\n", c.Window, c.Windowed)
	}
	for i, s := range m.sources {
		err := guard(s.path, func() error { return m.hashSource(h, s, m.headers[i]) })
		if err != nil {
			return "", fmt.Errorf("hashing %s: %w", s.path, err)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

func (m *Model) hashSource(h hash.Hash, s *source, header [2]int64) error {
	if m.Format == "safetensors" && len(m.sources) > 1 { // the name of a shard says which it is
		fmt.Fprintf(h, "%s\n", filepath.Base(s.path))
	}
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(s.size))
	h.Write(size[:])
	add := func(off, n int64) error {
		n = min(n, s.size-off)
		b, err := s.view(off, n, s.scratch(n))
		if err == nil {
			h.Write(b)
		}
		return err
	}
	if err := add(header[0], header[1]); err != nil {
		return err
	}
	for i := range int64(hashCount) {
		if err := add((s.size-min(hashBlock, s.size))/(hashCount-1)*i, hashBlock); err != nil {
			return err
		}
	}
	for _, name := range m.names {
		t := m.tensors[name]
		if t.source != s {
			continue
		}
		edge := min(hashEdge, t.size)
		if err := add(t.off, edge); err != nil {
			return err
		}
		if err := add(t.off+t.size-edge, edge); err != nil {
			return err
		}
	}
	return nil
}
