//go:build !unix

package tui

import "os"

// capture keeps what is printed through os.Stdout and os.Stderr off the screen.
func capture(p *prints) (terminal *os.File, restore func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read(r)
	}()
	return stdout, func() {
		os.Stdout, os.Stderr = stdout, stderr
		w.Close()
		<-done
		r.Close()
	}, nil
}
