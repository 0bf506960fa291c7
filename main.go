// Command hone fine-tunes small language models with LoRA on the machine at
// hand. Without a command it opens the workbench; every action of the workbench
// is a command too:
//
//	hone                                 # the workbench
//	hone train --model DIR --data FILE   # train, watching a progress line
//	hone compare --run-dir latest        # base against tuned
//	hone help
package main

import (
	"os"

	"hone/internal/cli"
)

// version is set by the build of a release: -ldflags "-X main.version=1.2.3".
var version string

func main() { os.Exit(cli.Main(version)) }
