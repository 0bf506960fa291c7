package foreign

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// maxRecord is the longest record that is taken into memory; longer ones, such as
// images, are passed over.
const maxRecord = 8 << 20

// saneRecord is the longest record that is believed in.
const saneRecord = 4 << 30

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum as TFRecord files store it.
func masked(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }

// tfrecords reads a TFRecord file in one pass: length, its checksum, data, their
// checksum. take gets each record with its offset; what it is given is valid
// until it returns. A torn tail ends the file, a wrong checksum of data leaves out
// the record, one of a length ends the reading, for nothing after it can be found;
// note hears of each.
func tfrecords(r io.Reader, take func(record []byte, offset int64), note func(format string, args ...any)) (records int, err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	var head [12]byte
	var buf []byte
	bad := 0
	for offset := int64(0); ; {
		n, err := io.ReadFull(b, head[:])
		switch {
		case n == 0 && errors.Is(err, io.EOF):
			return records, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			note("the file is cut within a record at byte %d", offset)
			return records, nil
		case err != nil:
			return records, err
		}
		length := binary.LittleEndian.Uint64(head[:8])
		if masked(crc32.Checksum(head[:8], castagnoli)) != binary.LittleEndian.Uint32(head[8:]) || length > saneRecord {
			if records == 0 && bad == 0 {
				return 0, fmt.Errorf("%w: no TFRecord at byte %d", ErrFormat, offset)
			}
			note("the length of the record at byte %d has a wrong checksum: nothing after it was read", offset)
			return records, nil
		}
		if length > maxRecord {
			n, err := io.CopyN(io.Discard, b, int64(length)+4)
			if errors.Is(err, io.EOF) {
				note("the file is cut within a record at byte %d", offset)
				return records, nil
			}
			if err != nil {
				return records, err
			}
			note("the record at byte %d has %d bytes and was passed over", offset, length)
			offset += 12 + n
			records++
			continue
		}
		if int(length)+4 > cap(buf) {
			buf = make([]byte, length+4)
		}
		buf = buf[:length+4]
		if _, err := io.ReadFull(b, buf); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				note("the file is cut within a record at byte %d", offset)
				return records, nil
			}
			return records, err
		}
		data := buf[:length]
		if masked(crc32.Checksum(data, castagnoli)) != binary.LittleEndian.Uint32(buf[length:]) {
			bad++
			note("the record at byte %d has a wrong checksum and was left out", offset)
		} else {
			records++
			take(data, offset)
		}
		offset += 16 + int64(length)
	}
}
