package weights

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"strconv"
	"unicode/utf8"
)

// SafetensorsWriter writes a safetensors file tensor by tensor, so that a model
// need not be in memory whole: names and shapes are declared first, then
// [SafetensorsWriter.Write] is called for each in that order, then
// [SafetensorsWriter.Close].
type SafetensorsWriter struct {
	path     string
	beside   *os.File
	out      *bufio.Writer
	dtype    string
	declared []Tensor
	next     int
	buf      []byte
}

// NewSafetensorsWriter starts a file of tensors with the given names and shapes
// (their Data is not looked at), stored as dtype "F32" or "BF16". Nothing is at
// path until Close.
func NewSafetensorsWriter(path, dtype string, tensors []Tensor, metadata map[string]string) (*SafetensorsWriter, error) {
	header, err := encodeHeader(dtype, tensors, metadata)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	f, err := createBeside(path)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	w := &SafetensorsWriter{path: path, beside: f, out: bufio.NewWriterSize(f, 1<<20), dtype: dtype, declared: tensors}
	var lead [8]byte
	binary.LittleEndian.PutUint64(lead[:], uint64(len(header)))
	_, _ = w.out.Write(lead[:]) // an error stays in the buffered writer until Close
	_, _ = w.out.Write(header)
	return w, nil
}

// Write appends the next tensor, row-major. As BF16, values are rounded to the
// nearest, ties to even.
func (w *SafetensorsWriter) Write(name string, data []float32) error {
	if w.next == len(w.declared) {
		return fmt.Errorf("writing %s: tensor %q is one too many", w.path, name)
	}
	t := w.declared[w.next]
	if t.Name != name {
		return fmt.Errorf("writing %s: tensor %q instead of %q", w.path, name, t.Name)
	}
	if n, _ := elements(t.Shape); n != int64(len(data)) {
		return fmt.Errorf("writing %s: %d values do not fill %s %v", w.path, len(data), name, t.Shape)
	}
	width, encode := 4, encodeF32
	if w.dtype == "BF16" {
		width, encode = 2, encodeBF16
	}
	const chunk = 1 << 15
	if w.buf == nil {
		w.buf = make([]byte, 4*chunk)
	}
	for len(data) > 0 {
		n := min(chunk, len(data))
		encode(w.buf, data[:n])
		if _, err := w.out.Write(w.buf[:n*width]); err != nil {
			return fmt.Errorf("writing %s: %w", w.path, err)
		}
		data = data[n:]
	}
	w.next++
	return nil
}

// Close puts the file in place, synced to disk. It fails, and leaves nothing, if
// tensors are missing.
func (w *SafetensorsWriter) Close() error {
	if w.beside == nil {
		return nil
	}
	if w.next < len(w.declared) {
		w.Abort()
		return fmt.Errorf("writing %s: tensor %q was not written", w.path, w.declared[w.next].Name)
	}
	if err := w.out.Flush(); err != nil {
		w.Abort()
		return fmt.Errorf("writing %s: %w", w.path, err)
	}
	f := w.beside
	w.beside = nil
	if err := commit(f, w.path); err != nil {
		return fmt.Errorf("writing %s: %w", w.path, err)
	}
	return nil
}

// Abort gives up and removes what was written. After Close it does nothing.
func (w *SafetensorsWriter) Abort() {
	if w.beside != nil {
		discard(w.beside)
		w.beside = nil
	}
}

// encodeHeader returns the header, padded with spaces so that data starts at a
// multiple of eight.
func encodeHeader(dtype string, tensors []Tensor, metadata map[string]string) ([]byte, error) {
	width := int64(4)
	switch dtype {
	case "F32":
	case "BF16":
		width = 2
	default:
		return nil, unsupported("writing dtype %q (what works: F32, BF16)", dtype)
	}
	meta := maps.Clone(metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	meta["format"] = "pt"
	for k, v := range meta {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, corrupt("metadata %q is not UTF-8", k)
		}
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	h := append([]byte(`{"__metadata__":`), text...)
	seen := map[string]bool{"__metadata__": true}
	at := int64(0)
	for _, t := range tensors {
		if seen[t.Name] || !utf8.ValidString(t.Name) {
			return nil, corrupt("tensor name %q is there twice, or not UTF-8", t.Name)
		}
		seen[t.Name] = true
		n, ok := elements(t.Shape)
		if !ok || n > (math.MaxInt64-at)/width {
			return nil, corrupt("tensor %s is too large: %v", t.Name, t.Shape)
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		h = append(append(h, ','), name...)
		h = append(h, `:{"dtype":"`+dtype+`","shape":[`...)
		for i, d := range t.Shape {
			if i > 0 {
				h = append(h, ',')
			}
			h = strconv.AppendInt(h, int64(d), 10)
		}
		h = append(h, `],"data_offsets":[`...)
		h = strconv.AppendInt(h, at, 10)
		h = append(h, ',')
		at += n * width
		h = strconv.AppendInt(h, at, 10)
		h = append(h, `]}`...)
	}
	h = append(h, '}')
	for len(h)%8 != 0 {
		h = append(h, ' ')
	}
	if len(h) > maxHeader {
		return nil, corrupt("a header of %d bytes is over the limit of %d", len(h), maxHeader)
	}
	return h, nil
}
