package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"unsafe"
)

// Hash identifies the adapter's contents: settings that change its arithmetic,
// names, shapes and values of all tensors.
func (a *Adapter) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "r=%d alpha=%g rslora=%v\n", a.Config.R, a.Config.Alpha, a.Config.RSLoRA)
	if len(a.Config.Alphas) > 0 { // the ranks are in the shapes
		fmt.Fprintf(h, "alphas=%v\n", a.Config.Alphas)
	}
	for _, t := range a.Tensors {
		fmt.Fprintf(h, "%s %v\n", t.Name, t.Shape)
		if len(t.Data) > 0 {
			h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&t.Data[0])), 4*len(t.Data)))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
