// Command cmd writes a model with random weights: see package testmodel.
//
//	go run ./internal/testmodel/cmd -preset smollm-360m -out DIR
//	go run ./internal/testmodel/cmd -hidden 64 -layers 2 -heads 4 -kv 2 -ffn 96 -vocab 304 -out DIR
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"hone/internal/testmodel"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testmodel:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	names := slices.Sorted(maps.Keys(testmodel.Presets))
	flags := flag.NewFlagSet("testmodel", flag.ExitOnError)
	preset := flags.String("preset", "tiny", "start from the shape of "+strings.Join(names, ", "))
	out := flags.String("out", "", "directory to write, empty or absent")
	var shape testmodel.Shape
	flags.IntVar(&shape.Hidden, "hidden", 0, "hidden size, instead of the preset's; so are the following")
	flags.IntVar(&shape.Layers, "layers", 0, "number of layers")
	flags.IntVar(&shape.Heads, "heads", 0, "query heads")
	flags.IntVar(&shape.KVHeads, "kv", 0, "key and value heads")
	flags.IntVar(&shape.HeadDim, "head-dim", 0, "size of a head (default hidden/heads)")
	flags.IntVar(&shape.FFN, "ffn", 0, "size of the feed-forward layer")
	flags.IntVar(&shape.Vocab, "vocab", 0, "size of the vocabulary")
	flags.BoolVar(&shape.Tied, "tied", true, "the head is the embedding")
	var options testmodel.Options
	flags.Uint64Var(&options.Seed, "seed", 0, "seed of the weights")
	flags.IntVar(&options.Shards, "shards", 1, "safetensors files")
	flags.StringVar(&options.Tokenizer, "tokenizer", "", "tokenizer.json to copy beside the weights")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() > 0 {
		return fmt.Errorf("want -out DIR and no further arguments")
	}
	base, ok := testmodel.Presets[*preset]
	if !ok {
		return fmt.Errorf("no preset %q: there are %s", *preset, strings.Join(names, ", "))
	}
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "hidden":
			base.Hidden = shape.Hidden
		case "layers":
			base.Layers = shape.Layers
		case "heads":
			base.Heads = shape.Heads
		case "kv":
			base.KVHeads = shape.KVHeads
		case "head-dim":
			base.HeadDim = shape.HeadDim
		case "ffn":
			base.FFN = shape.FFN
		case "vocab":
			base.Vocab = shape.Vocab
		case "tied":
			base.Tied = shape.Tied
		}
	})
	if err := testmodel.Write(*out, base, options); err != nil {
		return err
	}
	fmt.Printf("%s: %d weights\n", *out, base.Parameters())
	return nil
}
