//go:build !amd64 && !arm64

package kernel

import "runtime"

func supported() []*set { return []*set{&plain} }

// pause waits a moment.
func pause(int) { runtime.Gosched() }
