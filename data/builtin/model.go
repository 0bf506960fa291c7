package builtin

import (
	"embed"
	"fmt"
	"io/fs"
)

// The directory has config.json and tokenizer.json, which package pretrain makes, and
// model.safetensors once they were trained: all of it is embedded, whatever is there.
//
//go:embed model
var embeddedModel embed.FS

// Model returns the model directory that the program has with it, in the root of a file
// system: config.json, tokenizer.json and model.safetensors. It wraps [fs.ErrNotExist] in a
// program that was built without the weights.
func Model() (fs.FS, error) {
	files, err := fs.Sub(embeddedModel, "model")
	if err == nil {
		_, err = fs.Stat(files, "model.safetensors")
	}
	if err != nil {
		return nil, fmt.Errorf("the built-in model: %w", err)
	}
	return files, nil
}
