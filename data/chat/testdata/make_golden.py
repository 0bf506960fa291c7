"""Writes golden.json beside it: what transformers renders of the templates here,
and for generation.jinja ids and assistant mask with the toy tokenizer.

    python data/chat/testdata/make_golden.py      (transformers 4.57, jinja2 3.1)

The templates have the structure of well-known ones; they are not copies.
"""
import datetime
import json
import pathlib

import transformers.utils.chat_template_utils as utils
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
TOY = HERE.parents[2] / "engine/testdata/toy/tied/tokenizer.json"

CONVERSATIONS = {
    "one": [("user", "Lunch with Zoe at HQ"), ("assistant", '{"action": "Lunch", "attendees": ["Zoe"]}')],
    "system": [("system", "  Answer as JSON. "), ("user", "hi\n"), ("assistant", " hello ")],
    "many": [("system", "Be brief."), ("user", "a?"), ("assistant", "1"), ("user", "b?"), ("assistant", "2 \"é\" <b> 'q'")],
    "thinking": [("user", "why?"), ("assistant", "<think>\nso\n</think>\n\nbecause")],
    "empty": [("user", ""), ("assistant", "")],
    "twice": [("user", "a"), ("user", "b"), ("assistant", "c")],
}

class Day(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)

utils.datetime = Day
out = []
for path in sorted((HERE / "templates").glob("*.jinja")):
    tok = PreTrainedTokenizerFast(tokenizer_file=str(TOY), bos_token="<|begin|>" if path.stem in ("llama3", "mistral") else None,
                                  eos_token="<|im_end|>" if path.stem != "mistral" else "</s>")
    tok.chat_template = path.read_text()
    for name, turns in CONVERSATIONS.items():
        messages = [{"role": r, "content": c} for r, c in turns]
        case = {"template": path.stem, "name": name, "messages": turns}
        try:
            case["text"] = tok.apply_chat_template(messages, tokenize=False)
            case["prompt"] = tok.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
        except Exception as e:
            case["error"] = str(e)
        if path.stem == "generation":
            enc = tok.apply_chat_template(messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
            case["ids"], case["mask"] = enc["input_ids"], enc["assistant_masks"]
        out.append(case)
(HERE / "golden.json").write_text("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in out) + "\n]\n")
