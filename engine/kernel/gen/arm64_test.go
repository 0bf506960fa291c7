package main

import (
	"strings"
	"testing"
)

// The words are those of LLVM's assembler.
func TestWords(t *testing.T) {
	for want, emit := range map[string]func(a *arm){
		"0x4f8310c9 // FMLA V9.4S, V6.4S, V3.S[0]":    func(a *arm) { a.fmlaElement(9, 6, 3, 0) },
		"0x4fa310c9 // FMLA V9.4S, V6.4S, V3.S[1]":    func(a *arm) { a.fmlaElement(9, 6, 3, 1) },
		"0x4f8318c9 // FMLA V9.4S, V6.4S, V3.S[2]":    func(a *arm) { a.fmlaElement(9, 6, 3, 2) },
		"0x4fbd1bdf // FMLA V31.4S, V30.4S, V29.S[3]": func(a *arm) { a.fmlaElement(31, 30, 29, 3) },
		"0x6e3dffdf // FDIV V31, V30, V29":            func(a *arm) { a.word3(fdiv, 31, 30, 29) },
		"0x4e218841 // FRINTN V1, V2":                 func(a *arm) { a.word2(frintn, 1, 2) },
	} {
		a := &arm{}
		emit(a)
		if got := strings.TrimSpace(a.s.String()); got != "WORD $"+want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}
