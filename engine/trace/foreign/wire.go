package foreign

import (
	"encoding/binary"
	"errors"
)

var errWire = errors.New("no protocol buffer")

// Wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// field is one field of a message; data is a part of the message.
type field struct {
	number int
	wire   int
	bits   uint64 // of a varint or fixed value
	data   []byte // of a length-delimited one
}

// fields calls f for every field of a message.
func fields(msg []byte, f func(field)) error {
	for len(msg) > 0 {
		key, n := binary.Uvarint(msg)
		if n <= 0 || key>>3 == 0 || key>>3 > 1<<29-1 {
			return errWire
		}
		msg = msg[n:]
		x := field{number: int(key >> 3), wire: int(key & 7)}
		switch x.wire {
		case wireVarint:
			if x.bits, n = binary.Uvarint(msg); n <= 0 {
				return errWire
			}
			msg = msg[n:]
		case wireFixed64:
			if len(msg) < 8 {
				return errWire
			}
			x.bits, msg = binary.LittleEndian.Uint64(msg), msg[8:]
		case wireFixed32:
			if len(msg) < 4 {
				return errWire
			}
			x.bits, msg = uint64(binary.LittleEndian.Uint32(msg)), msg[4:]
		case wireBytes:
			size, n := binary.Uvarint(msg)
			if n <= 0 || size > uint64(len(msg)-n) {
				return errWire
			}
			x.data, msg = msg[n:n+int(size)], msg[n+int(size):]
		default: // groups are not written any more
			return errWire
		}
		f(x)
	}
	return nil
}
