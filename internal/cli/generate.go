package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"hone/experiments"
)

func (a *app) generateCommand() *cobra.Command {
	var (
		experiment experimentFlags
		adapter    string
		maxNew     int
		template   bool
		sampling   experiments.Sampling
	)
	cmd := &cobra.Command{
		Use:   "generate PROMPT",
		Short: "Continue a prompt",
		Long: "Continue PROMPT, which is the model's whole input; with --template it is an event text of which data.prompt makes one, " +
			"or, where data.path has rows of messages, what the user says to the chat template. " +
			"The text ends at the model's EOS or after --max-new tokens.",
		Example: "hone generate --model DIR 'Once upon a time'\nhone generate --adapter runs/slow --template 'Lunch with Zoe at HQ on May 14, 12:30'",
	}
	cmd.RunE = a.command(oneArg("the prompt"), func(ctx context.Context, args []string) error {
		if args[0] == "" {
			return usagef("the prompt is empty")
		}
		if err := errors.Join(atLeast("max-new", maxNew, 0), checkSampling(sampling)); err != nil {
			return err
		}
		g, err := a.openGenerator(ctx, &experiment, adapter)
		if err != nil {
			return err
		}
		defer g.Close()
		text, err := g.Generate(ctx, args[0], template, maxNew, sampling)
		if err != nil {
			return err
		}
		if a.json {
			return a.out.line(text)
		}
		a.out.printf("%s\n", terminalText(text.Text))
		return nil
	})
	experiment.add(cmd, true)
	addAdapter(cmd, &adapter)
	flags := cmd.Flags()
	flags.IntVar(&maxNew, "max-new", 0, "new tokens at most; 0 = eval.max_new")
	flags.BoolVar(&template, "template", false, "PROMPT is an event text: render data.prompt with it")
	flags.Float64Var(&sampling.Temperature, "temperature", 0, "0 = the likeliest token every time")
	flags.Float64Var(&sampling.TopP, "top-p", 1, "draw from the likeliest tokens that hold this share of the probability")
	flags.Uint64Var(&sampling.Seed, "seed", 0, "of the draws at a temperature above 0")
	return cmd
}

func checkSampling(s experiments.Sampling) error {
	if !(s.Temperature >= 0 && s.Temperature <= 100) {
		return usagef("--temperature %g: must be 0 to 100", s.Temperature)
	}
	if !(s.TopP > 0 && s.TopP <= 1) {
		return usagef("--top-p %g: must be above 0 and at most 1", s.TopP)
	}
	return nil
}
