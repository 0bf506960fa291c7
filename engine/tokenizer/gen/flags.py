"""Writes testdata/flags.json: what the library makes of added tokens with lstrip, rstrip and single_word.

kinds   for some tokenizers of testdata/kinds the tokens that are added to them, and texts with their ids
words   the characters that are part of a word to single_word, as ranges
spaces  those that lstrip takes

Needs the Python package tokenizers, version 0.22.2. Run from engine/tokenizer: python3 gen/flags.py (half a minute)
"""

import itertools
import json
import sys

import tokenizers
from tokenizers import AddedToken, Tokenizer, models

from testdata import VERSION

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

# Texts of the tokens, and what they are: in the second pass, lstrip, rstrip, single_word.
ADDED = [
    ("<l>", "l"), ("<r>", "r"), ("<lr>", "lr"), ("<w>", "w"), ("<wlr>", "wlr"), ("word", "w"), ("<plain>", ""),
    ("<nl>", "nl"), ("<nr>", "nr"), ("nword", "nw"), ("<both>", "lrw"),
]
PARTS = ["a", " ", "\n", "  \t", "\u3000", "é", "_", "-", "日本", "e\u0301", "٣"]
KINDS = ["llama3.json", "qwen.json", "prepend.json", "metaspace.json"]


def texts():
    for token, _ in ADDED:
        for before, after in itertools.product(["", *PARTS], repeat=2):
            yield before + token + after
    for first, second in itertools.product([t for t, _ in ADDED], repeat=2):
        for between in ["", " ", "  \n ", "a", " a "]:
            yield "x " + first + between + second + " y"


def expected(name):
    with open("testdata/kinds/" + name, encoding="utf-8") as f:
        spec = json.load(f)
    size = max(max(spec["model"]["vocab"].values()), *(t["id"] for t in spec["added_tokens"])) + 1
    added = [{
        "id": size + i, "content": text, "single_word": "w" in flags, "lstrip": "l" in flags, "rstrip": "r" in flags,
        "normalized": "n" in flags, "special": i % 2 == 0,
    } for i, (text, flags) in enumerate(ADDED)]
    spec["added_tokens"] += added
    tok = Tokenizer.from_str(json.dumps(spec))
    rows = []
    for text in sorted(set(texts())):
        e = tok.encode(text, add_special_tokens=False)
        rows.append([text, e.ids])
    return {"added": added, "rows": rows}


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def classes():
    tok = Tokenizer(models.BPE())
    tok.add_tokens([AddedToken("<w>", single_word=True, normalized=False), AddedToken("<l>", lstrip=True, normalized=False)])
    word, strip = tok.token_to_id("<w>"), tok.token_to_id("<l>")
    words = [c for c, e in zip(POINTS, tok.encode_batch([chr(c) + "<w>" for c in POINTS])) if word not in e.ids]
    spaces = [c for c, e in zip(POINTS, tok.encode_batch([chr(c) + "<l>" for c in POINTS])) if e.ids == [strip] and e.offsets[0][0] == 0]
    return ranges(words), ranges(spaces)


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit(f"needs tokenizers {VERSION}, this is {tokenizers.__version__}")
    words, spaces = classes()
    with open("testdata/flags.json", "w", encoding="utf-8") as f:
        json.dump({"kinds": {name: expected(name) for name in KINDS}, "words": words, "spaces": spaces}, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
