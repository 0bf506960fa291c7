package foreign

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
)

// Scalar is a number that a TensorBoard event file holds.
type Scalar struct {
	Tag   string
	Step  int
	Wall  float64 // seconds since 1970
	Value float64 // kept as float32
}

// WriteEvents writes an event file of TensorBoard: the version, then an event a scalar, in
// the order given. [ReadEvents] reads it again.
func WriteEvents(w io.Writer, scalars []Scalar) error {
	b := bufio.NewWriter(w)
	wall := 0.0
	if len(scalars) > 0 {
		wall = scalars[0].Wall
	}
	writeRecord(b, appendBytes(appendFixed64(nil, 1, math.Float64bits(wall)), 3, []byte("brain.Event:2")))
	for _, s := range scalars {
		value := appendBytes(nil, 1, []byte(s.Tag))
		value = binary.AppendUvarint(value, 2<<3|wireFixed32)
		value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(s.Value)))
		event := appendFixed64(nil, 1, math.Float64bits(s.Wall))
		event = binary.AppendUvarint(event, 2<<3|wireVarint)
		event = binary.AppendUvarint(event, uint64(int64(s.Step)))
		event = appendBytes(event, 5, appendBytes(nil, 1, value))
		writeRecord(b, event)
	}
	return b.Flush() // the buffer keeps the first error
}

func appendFixed64(b []byte, number int, v uint64) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3|wireFixed64)
	return binary.LittleEndian.AppendUint64(b, v)
}

func appendBytes(b []byte, number int, data []byte) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3|wireBytes)
	b = binary.AppendUvarint(b, uint64(len(data)))
	return append(b, data...)
}

// writeRecord writes a record of a TFRecord file.
func writeRecord(w *bufio.Writer, data []byte) {
	head := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	head = binary.LittleEndian.AppendUint32(head, masked(crc32.Checksum(head, castagnoli)))
	_, _ = w.Write(head)
	_, _ = w.Write(data)
	_, _ = w.Write(binary.LittleEndian.AppendUint32(nil, masked(crc32.Checksum(data, castagnoli))))
}
