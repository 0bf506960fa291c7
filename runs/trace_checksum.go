package runs

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
)

// A line of trace.jsonl ends in its checksum: the last member of its object is
// "crc", the CRC-32C of the object without it, in eight hexadecimal digits.

// ErrChecksum is wrapped by what readers say of a trace line whose bytes are not
// those that were written.
var ErrChecksum = errors.New("wrong checksum")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const crcMember = `,"crc":"`

// seal adds the checksum to a line of one JSON object that ends in a newline.
func seal(line []byte) ([]byte, error) {
	body := bytes.TrimSuffix(line, []byte("\n"))
	if len(body) < 3 || body[0] != '{' || body[len(body)-1] != '}' {
		return nil, fmt.Errorf("%.40q is not a trace record", body)
	}
	sum := crc32.Checksum(body, castagnoli)
	return fmt.Appendf(body[:len(body)-1:len(body)-1], "%s%08x\"}\n", crcMember, sum), nil
}

// unseal checks a line without its newline. A line without a checksum is not
// sealed, which is no error here.
func unseal(line []byte) (sealed bool, err error) {
	at := len(line) - len(crcMember) - len(`00000000"}`)
	if at < 1 || !bytes.HasPrefix(line[at:], []byte(crcMember)) || !bytes.HasSuffix(line, []byte(`"}`)) {
		return false, nil
	}
	sum := crc32.Update(crc32.Checksum(line[:at], castagnoli), castagnoli, []byte("}"))
	if string(line[at+len(crcMember):len(line)-2]) != fmt.Sprintf("%08x", sum) {
		return true, ErrChecksum
	}
	return true, nil
}

// seals knows, after the first line of a trace, whether every line has to have a
// checksum: files of earlier versions have none.
type seals struct{ required bool }

// first looks at the file's first line.
func (s *seals) first(line []byte) {
	sealed, err := unseal(bytes.TrimSpace(line))
	s.required = sealed && err == nil
}

// check refuses a line that was changed after it had been written.
func (s *seals) check(line []byte) error {
	sealed, err := unseal(line)
	if err == nil && !sealed && s.required {
		err = fmt.Errorf("%w: the line has none", ErrChecksum)
	}
	return err
}
