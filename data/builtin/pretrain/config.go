package pretrain

import (
	"bytes"
	_ "embed"
)

//go:embed config.json
var config []byte

// Config returns the config.json of the built-in model: Llama's architecture, 3.7 million parameters.
func Config() []byte { return bytes.Clone(config) }
