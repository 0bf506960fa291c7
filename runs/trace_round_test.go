package runs

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestRoundTrace(t *testing.T) {
	var sealed bytes.Buffer
	for _, line := range []string{
		`{"v":1,"k":"head","version":"1.23456789","seed":12345678901234567}`,
		`{"k":"grad","step":7,"norms":{"a 1.23456789 \" b":0.123456789,"c":1.5},"norm":123456.789,"clip":1e-9,"nonfinite":[]}`,
		`{"k":"loss","step":7,"nll_sum":"NaN","count":1234567}`,
	} {
		text, err := seal([]byte(line + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		sealed.Write(text)
	}
	var out bytes.Buffer
	if err := RoundTrace(&out, bytes.NewReader(sealed.Bytes()), 4); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"version":"1.23456789","seed":12345678901234567,"crc":`, `{"a 1.23456789 \" b":0.1235,"c":1.5},"norm":1.235e+05,"clip":1e-09,`, `"nll_sum":"NaN","count":1234567,"crc":`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
	// Readers find every line as it should be.
	records := 0
	notes, err := ScanTrace(bytes.NewReader(out.Bytes()), func(any) error { records++; return nil })
	if err != nil || len(notes) > 0 || records != 3 {
		t.Errorf("%d records, %v, %v", records, notes, err)
	}
	damaged := bytes.Replace(sealed.Bytes(), []byte("0.123456789"), []byte("0.223456789"), 1)
	if err := RoundTrace(&out, bytes.NewReader(damaged), 4); !errors.Is(err, ErrChecksum) {
		t.Errorf("a damaged line: %v", err)
	}
}

func FuzzRoundNumbers(f *testing.F) {
	f.Add(`{"a":[1.25e-3,-0.5],"b\"":"1.5"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseTrace([]byte(text)); err != nil {
			return
		}
		once := roundNumbers([]byte(text), 5)
		if _, err := parseTrace(once); err != nil {
			t.Errorf("%q became %q: %v", text, once, err)
		}
		if twice := roundNumbers(once, 5); !bytes.Equal(once, twice) {
			t.Errorf("%q, then %q", once, twice)
		}
	})
}
