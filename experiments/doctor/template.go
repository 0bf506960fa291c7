package doctor

import (
	"errors"
	"fmt"

	"hone/data"
	"hone/engine/trace"
	"hone/experiments"
	"hone/runs"
)

// runTemplate compares the chat template that a run of conversations was trained
// with with what its experiment finds now, and with that of the run that it began
// from.
func (e *examination) runTemplate(c experiments.Config, info runs.RunInfo) {
	trained := info.Hashes[experiments.HashChatTemplate]
	if trained == "" {
		return
	}
	e.could(trace.PromptDrift)
	source, hash, err := experiments.ChatTemplate(c)
	switch {
	case err != nil:
		e.find(trace.PromptDrift, trace.Note, 0.5, "", "the run's chat template was not looked at: "+firstLine(err.Error()))
		return
	case hash != trained:
		e.find(trace.PromptDrift, trace.Warning, 0.95, "Bring the template back that the run was trained with: it cannot go on with another, and what is asked with another is not what was learned.",
			fmt.Sprintf("the chat template, or a token that it names, has changed since the run began: its hash is %.12s, was %.12s", hash, trained))
		return
	}
	if c.LoRA.InitAdapter == "" {
		return
	}
	for _, dir := range []string{c.LoRA.InitAdapter, runs.AdapterDir(c.LoRA.InitAdapter)} {
		at, before, ok := runAround(dir)
		if !ok {
			continue
		}
		first, err := runs.ReadInfo(at)
		if err != nil || first.Hashes[experiments.HashChatTemplate] == "" {
			return
		}
		if was, _, err := experiments.ChatTemplate(before); err == nil {
			e.templates(was, source)
		}
		return
	}
}

// ownTemplate compares the chat template that a model directory brings along with
// that of the run in whose directory it lies.
func (e *examination) ownTemplate(path string) {
	dir, c, ok := runAround(path)
	if !ok {
		return
	}
	info, err := runs.ReadInfo(dir)
	if err != nil || info.Hashes[experiments.HashChatTemplate] == "" {
		return
	}
	trained, _, err := experiments.ChatTemplate(c)
	if err != nil {
		return // the run itself says so
	}
	e.could(trace.PromptDrift)
	own := experiments.Default()
	own.Model.Path = path
	switch asked, _, err := experiments.ChatTemplate(own); {
	case errors.Is(err, data.ErrNoChatTemplate):
		e.find(trace.PromptDrift, trace.Warning, 0.9, "Put the run's template beside the model as chat_template.jinja.", "the run was trained on conversations, and the model brings no chat template along: whoever asks it makes one up")
	case err == nil:
		e.templates(trained, asked)
	}
}

func (e *examination) templates(trained, asked string) {
	if f, ok := trace.ComparePrompts(trained, asked); ok {
		f.Evidence = append([]string{"the chat templates differ"}, f.Evidence...)
		e.add(f)
	}
}
