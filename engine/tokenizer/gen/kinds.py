"""Writes testdata/kinds/: a small tokenizer of each kind that model families bring, and what the library makes of some texts.

llama3.json     as Llama 3: its pattern, then bytes; ignore_merges; a template that asks for BOS
qwen.json       as Qwen2 and Qwen3: NFC, the pattern with single digits, then bytes
prepend.json    as Llama 2, Mistral 0.1, TinyLlama: characters with bytes for what is missing (byte_fallback), a normalizer
                that puts U+2581 before the text and for every space, no pre-tokenizer
scores.json     as prepend.json, with the merges that transformers makes of SentencePiece's scores: every way in which two tokens
                make a third
metaspace.json  as Mistral 0.3: the same vocabulary behind the Metaspace pre-tokenizer
split.json      as metaspace.json, but cut at every sign of a space
expected.json   for each of them texts with ids, character offsets and decoded text
nfc.json        the characters that NFC changes, and what it composes two characters to: [text, composed]

Needs the Python package tokenizers, version 0.22.2. Run from engine/tokenizer: python3 gen/kinds.py
"""

import json
import os
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from testdata import CORPUS, LLAMA3, TEXTS, VERSION

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
SPACE = "\u2581"
SPECIALS = ["<|pad|>", "<|begin|>", "<|end|>"]
# What Unicode 16 composes and Python may not know yet.
NEWER = [
    "\U000105d2\u0307", "\U000105da\u0307", "\U00011382\U000113c9", "\U00011384\U000113bb", "\U0001138b\U000113c2", "\U00011390\U000113c9",
    "\U000113c2\U000113c2", "\U000113c2\U000113b8", "\U000113c2\U000113c9", "\U0001611e\U0001611e", "\U0001611e\U00016129", "\U0001611e\U0001611f",
    "\U00016129\U0001611f", "\U0001611e\U00016120", "\U0001611e\U0001611e\U0001611f", "\U00016d67\U00016d67", "\U00016d63\U00016d67\U00016d67",
]
# Beside the texts of testdata.py: compositions that NFC makes and leaves, spaces and their sign, bytes as text, long runs.
MORE = [
    "caf\u0065\u0301 na\u0069\u0308ve", "\u212b\u2126\u00c5", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u0344\u0958\u2adc\ufb2a", "q\u0323\u0307 q\u0307\u0323",
    "\u0301 starts", "a\u0301\u0301\u0301", "e\u0301<|end|>e\u0301", "12345 67 8,900.10", "٣٤٥٦", "\u2581", "\u2581a \u2581", "a\u2581b", "<0x41>", "<0xE6>\u00e6",
    " <s>x</s> y", "<s> a", "</s>a", "a</s>  b</s>", "x\ty\nz", "日本 日本", "🎉 🎉", "\x00", "ÿ", "Zoë", "नमस्ते दुनिया", "שלום עולם", "مرحبا بالعالم", "สวัสดี", "Γειά σου",
    "don't DON'T we'LL", "def f(x):\n    return x  # \u00bd\n", "{\"a\": [1, 2], \"b\": null}", "   leading", "trailing   ", "\n\nnew", "a  b   c    d",
]


def bytes_level(specials, split, size, normalizer=None):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tok = Tokenizer(models.BPE())
    if normalizer:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), byte_level])
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=sorted(byte_level.alphabet()), show_progress=False))
    return json.loads(tok.to_str())


def template(spec, token):
    id = spec["model"]["vocab"][token]
    return json.loads(processors.TemplateProcessing(single=f"{token} $A", special_tokens=[(token, id)]).__getstate__())


def llama3(size=400):
    spec = bytes_level(SPECIALS, LLAMA3, size)
    spec["model"]["ignore_merges"] = True
    spec["model"]["vocab"]["Ġinformation!"] = size  # no merge leads here, nor does a piece of text
    spec["model"]["vocab"]["ĠMonday"] = size + 1
    spec["post_processor"] = {"type": "Sequence", "processors": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}, template(spec, "<|begin|>")]}
    return spec


def qwen(size=400):
    spec = bytes_level(SPECIALS, QWEN, size, normalizers.NFC())
    spec["model"]["continuing_subword_prefix"] = spec["model"]["end_of_word_suffix"] = ""
    spec["post_processor"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return spec


def fallback(size=440):
    """Trained behind Metaspace, so that merges stay within words; the byte tokens are ordinary tokens, as in the models."""
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    specials = ["<unk>", "<s>", "</s>"]
    tok.train_from_iterator(CORPUS[:5], trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials + [f"<0x{b:02X}>" for b in range(256)], show_progress=False))
    spec = json.loads(tok.to_str())
    spec["added_tokens"] = [t for t in spec["added_tokens"] if t["content"] in specials]
    spec["post_processor"] = template(spec, "<s>")
    spec["decoder"] = json.loads(decoders.Sequence([
        decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]).__getstate__())
    return spec


def prepend(size=440):
    spec = fallback(size)
    spec["normalizer"] = json.loads(normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)]).__getstate__())
    spec["pre_tokenizer"] = None
    return spec


def scores(size=440):
    """The tokens' ranks are those of their first merges; of one token's merges that of the longest left part is first."""
    spec = prepend(size)
    vocab, merges = spec["model"]["vocab"], []
    for left, right in spec["model"]["merges"]:
        token = left + right
        if not merges or "".join(merges[-1]) != token:
            merges += [[token[:i], token[i:]] for i in range(len(token) - 1, 0, -1) if token[:i] in vocab and token[i:] in vocab]
    spec["model"]["merges"] = merges
    return spec


def metaspace(size=440):
    spec = fallback(size)
    spec["pre_tokenizer"] = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}
    return spec


def expected(spec):
    tok = Tokenizer.from_str(json.dumps(spec))
    rows = []
    for text in TEXTS + MORE:
        e = tok.encode(text, add_special_tokens=False)
        row = {"text": text, "ids": e.ids, "decoded": tok.decode(e.ids, skip_special_tokens=False)}
        if row["decoded"] == text:
            row["char_offsets"] = e.offsets
        rows.append(row)
    return rows


def compositions():
    """Every character that the library's NFC changes, and of every character with a decomposition in two, those two."""
    nfc, pairs = normalizers.NFC(), []
    for c in map(chr, POINTS):
        if nfc.normalize_str(c) != c:
            pairs.append([c, nfc.normalize_str(c)])
        parts = unicodedata.decomposition(c)
        if parts and "<" not in parts and " " in parts:
            text = "".join(chr(int(p, 16)) for p in parts.split())
            pairs.append([text, nfc.normalize_str(text)])
    return pairs + [[text, nfc.normalize_str(text)] for text in NEWER]


def write(name, value):
    os.makedirs("testdata/kinds", exist_ok=True)
    with open("testdata/kinds/" + name, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit(f"needs tokenizers {VERSION}, this is {tokenizers.__version__}")
    specs = {"llama3.json": llama3(), "qwen.json": qwen(), "prepend.json": prepend(), "scores.json": scores(), "metaspace.json": metaspace()}
    # The same vocabulary cut at every sign of a space, which other files ask for.
    split = metaspace()
    split["pre_tokenizer"].update(prepend_scheme="always", split=True)
    specs["split.json"] = split
    for name, spec in specs.items():
        write(name, spec)
    write("nfc.json", compositions())
    write("expected.json", {name: expected(spec) for name, spec in specs.items()})


if __name__ == "__main__":
    main()
