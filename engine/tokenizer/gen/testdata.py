"""Writes testdata/: two small tokenizers trained here, and what the library makes of some texts.

digits.json  cut as SmolLM cuts (digits one by one, then the GPT-2 pattern), merges as pairs, a
             vocabulary that lacks most bytes
llama.json   cut as Llama 3 cuts, merges as strings, ignore_merges, a template that asks for BOS
expected.json  for each of them texts with ids, character offsets and decoded text

Needs the Python package tokenizers, version 0.22.2. Run from engine/tokenizer: python3 gen/testdata.py
"""

import json
import sys

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

VERSION = "0.22.2"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

CORPUS = [
    "Extract calendar information from: Lunch with Zoë at the café on 14th April 2024, 12:30 pm.\nCalendar JSON:",
    "It's our team's weekly meeting; we'll talk about the new calendar and they've asked for more.",
    '{"action": "Meeting", "date": "05/04/2024", "time": "10:30 AM", "attendees": null, "location": "Room 7"}',
    '{"action": "Call", "date": null, "time": null, "attendees": ["Ann", "Bob"], "duration": "15 mins"}',
    "Don't forget: I'm free on Monday,  Tuesday   and\tFriday...\r\n\r\nSee you there!  ",
    "El niño llegará mañana; 日本語の会議は三月です。Встреча в понедельник 🎉",
] * 8

TEXTS = [
    "", " ", "  ", "a", " a", "  a", "a ", "a  ", "\n", "\n\n", " \n", "\n ", "\r\n\r\n", "\t\tx", "a\n  b\n\n c",
    "Lunch with Zoë at the café on 14th April 2024, 12:30 pm.", "The calendar's date: 05/04/2024 (Monday)",
    "it's IT'S it'ſ it'Ve they'LL we'd 'tis 'S 'ſ '' 'l 'r don't", "1234567 12 3 ½ ² ٣٤ Ⅷ ৫a1b22c333d4444",
    "x\u00a0y\u3000z\u2028w\u0085v", "a\u0301e\u0308 \u200d👩\u200d👩\u200d👧 🎉🎉", "日本語の会議は三月です。",
    "Встреча в понедельник", "niño mañana", "...!!!???", " ...\n\n!", "-foo (bar) [baz]\n", "$100 £5 €7",
    "<|begin|>Lunch<|end|>", "<|begin|><|begin|>", "<|begin", "a<|end|>b <|end|>\n", "<|end|>more<|end|>mor",
    "lost\x00bytes\x01in\x7fit", "\x00\x01\x02", "Σίσυφος", "ﬁ ﬂ", "a" * 100, " " * 50, "ab" * 60 + " 12" * 20,
    "appointment appointments", " meeting-meetings", "{\"a\": null}", "\ufeffBOM", "\ufffd \ufffd", "e\u0301",
]

ADDED = [
    tokenizers.AddedToken("<|begin|>", special=True, normalized=False),
    tokenizers.AddedToken("<|end|>", special=True, normalized=False),
    tokenizers.AddedToken("<|end|>more", special=False, normalized=False),
]


def train(name, pre, alphabet):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer, tok.decoder = pre, decoders.ByteLevel()
    specials = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)
    tok.train_from_iterator(CORPUS, trainer)
    tok.add_tokens(ADDED)
    return json.loads(tok.to_str())


def expected(spec):
    tok = Tokenizer.from_str(json.dumps(spec))
    rows = []
    for text in TEXTS:
        e = tok.encode(text, add_special_tokens=False)
        row = {"text": text, "ids": e.ids, "decoded": tok.decode(e.ids, skip_special_tokens=False)}
        # Where bytes are lost the library's offsets are shifted; ours are tested apart.
        if row["decoded"] == text:
            row["char_offsets"] = e.offsets
        rows.append(row)
    return rows


def write(name, value):
    with open("testdata/" + name, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit(f"needs tokenizers {VERSION}, this is {tokenizers.__version__}")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = train("digits", pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level]), [])

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = pre_tokenizers.Split(Regex(LLAMA3), "isolated")
    llama = train("llama", pre_tokenizers.Sequence([split, byte_level]), sorted(byte_level.alphabet()))
    begin = llama["model"]["vocab"]["<|begin|>"]
    llama["post_processor"] = json.loads(
        processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", begin)]).__getstate__()
    )
    model = llama["model"]
    model["ignore_merges"] = True
    model["merges"] = [" ".join(m) for m in model["merges"]]
    # Whole words that no merge leads to, behind all other ids.
    top = max(t["id"] for t in llama["added_tokens"])
    top = max(top, max(model["vocab"].values()))
    for t in llama["added_tokens"]:
        model["vocab"][t["content"]] = t["id"]
    for i, word in enumerate(["Ġappointment", "appointment", "é", "ĠĠĠĠĠ"]):
        model["vocab"].setdefault(word, top + 1 + i)

    for name, spec in ("digits", digits), ("llama", llama):
        write(name + ".json", spec)
    write("expected.json", {"digits.json": expected(digits), "llama.json": expected(llama)})


if __name__ == "__main__":
    main()
