package bench

import (
	"runtime"

	"hone/engine/kernel"
	"hone/engine/llama"
)

// Setting is what a measurement was made of and on: without it a figure says
// nothing.
type Setting struct {
	What    string `json:"what"`  // train, eval, decode, kernel, ui
	Model   string `json:"model"` // name of the shape, or the last part of the path
	Random  bool   `json:"random_weights,omitempty"`
	DType   string `json:"dtype"` // of the frozen weights
	Threads int    `json:"threads"`
	Kernels string `json:"kernels"`
	Why     string `json:"why"` // these kernels, in words
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	OS      string `json:"os"` // with the architecture: linux/amd64
}

// setting describes this process.
func setting(what, model string, random bool, dtype llama.DType, threads int) Setting {
	return Setting{
		What: what, Model: model, Random: random, DType: string(dtype), Threads: threads,
		Kernels: kernel.Active(), Why: kernel.Describe(),
		CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
	}
}
