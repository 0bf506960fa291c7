//go:build !amd64

package kernel

func supported() []*set { return []*set{&plain} }
