package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hone/data"
	"hone/data/chat"
	"hone/experiments"
)

func (a *app) generateCommand() *cobra.Command {
	var (
		experiment experimentFlags
		adapter    string
		messages   string
		maxNew     int
		template   bool
		sampling   experiments.Sampling
	)
	cmd := &cobra.Command{
		Use:   "generate PROMPT | generate --messages FILE",
		Short: "Continue a prompt, or answer a conversation",
		Long: "Continue PROMPT, which is the model's whole input; with --template it is an event text of which data.prompt makes one, " +
			"or, where data.path has rows of messages, what the user says to the chat template. " +
			"With --messages the assistant answers a whole conversation, a JSON list of {role, content}, rendered by the model's chat template or data.chat_template. " +
			"The text ends at the model's EOS, where the template ends a turn, or after --max-new tokens.",
		Example: "hone generate --model DIR 'Once upon a time'\nhone generate --adapter runs/slow --template 'Lunch with Zoe at HQ on May 14, 12:30'\n" +
			"hone generate --model DIR --messages conversation.json\necho '[{\"role\": \"user\", \"content\": \"hi\"}]' | hone generate --adapter latest --messages -",
	}
	args := func(cmd *cobra.Command, args []string) error {
		switch {
		case messages == "":
			return oneArg("the prompt")(cmd, args)
		case len(args) > 0:
			return usagef("--messages names the whole conversation: PROMPT %q must be left out", args[0])
		case template:
			return usagef("--messages is rendered by the chat template: --template is for a PROMPT")
		}
		return nil
	}
	cmd.RunE = a.command(args, func(ctx context.Context, args []string) error {
		if len(args) > 0 && args[0] == "" {
			return usagef("the prompt is empty")
		}
		if err := errors.Join(atLeast("max-new", maxNew, 0), checkSampling(sampling)); err != nil {
			return err
		}
		var turns []chat.Message
		if messages != "" { // before a model is loaded
			var err error
			if turns, err = readMessages(messages); err != nil {
				return err
			}
		}
		g, err := a.openGenerator(ctx, &experiment, adapter)
		if err != nil {
			return err
		}
		defer g.Close()
		var text experiments.Generation
		if messages != "" {
			text, err = g.Answer(ctx, turns, maxNew, sampling)
		} else {
			text, err = g.Generate(ctx, args[0], template, maxNew, sampling)
		}
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
	flags.StringVar(&messages, "messages", "", "a JSON file of a conversation that ends with a user's turn, to be answered; - is standard input")
	flags.IntVar(&maxNew, "max-new", 0, "new tokens at most; 0 = eval.max_new")
	flags.BoolVar(&template, "template", false, "PROMPT is an event text: render data.prompt with it")
	flags.Float64Var(&sampling.Temperature, "temperature", 0, "0 = the likeliest token every time")
	flags.Float64Var(&sampling.TopP, "top-p", 1, "draw from the likeliest tokens that hold this share of the probability")
	flags.Uint64Var(&sampling.Seed, "seed", 0, "of the draws at a temperature above 0")
	return cmd
}

// readMessages reads a conversation from a file, or from standard input.
func readMessages(path string) ([]chat.Message, error) {
	in, name := io.Reader(os.Stdin), "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading --messages: %w", err)
		}
		defer f.Close()
		in, name = f, path
	}
	text, err := io.ReadAll(io.LimitReader(in, data.MaxMessagesText+1))
	if err != nil {
		return nil, fmt.Errorf("reading --messages: %w", err)
	}
	messages, err := data.ParseMessages(text)
	if err != nil {
		return nil, usage(fmt.Errorf("--messages: %s %w", name, err))
	}
	return messages, nil
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
