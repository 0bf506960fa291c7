#!/usr/bin/env python3
"""Makes a tiny random model of each architecture beside Llama's plain one, with its tokenizer and reference figures.

    python3 -m venv peers && peers/bin/pip install torch==2.8.0 transformers==4.57.6 peft==0.17.1 tokenizers==0.22.2
    peers/bin/python engine/testdata/arch/make_arch.py            # half a minute

Written, in the directory of this script: NAME/ for each of MODELS, a whole model directory (config.json, generation_config.json,
model.safetensors in float32, tokenizer.json) with figures.json, laid out as README.md of ../toy says.

As there, figures are computed in float64 from the float32 weights by transformers' own models, widened where they would drop to
float32 inside. Before that, the untouched library in float32 has to agree.
"""
import math
import os
import shutil
import sys

import torch
import transformers
from transformers import GenerationConfig
from transformers.models.llama import modeling_llama
from transformers.models.mistral import modeling_mistral
from transformers.models.qwen2 import modeling_qwen2
from transformers.models.qwen3 import modeling_qwen3

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../toy")
sys.path.insert(0, f"{HERE}/../../tokenizer/gen")
import json  # noqa: E402

import kinds  # noqa: E402
import make_toy as toy  # noqa: E402

MODULES = {"Llama": modeling_llama, "Mistral": modeling_mistral, "Qwen2": modeling_qwen2, "Qwen3": modeling_qwen3}
LLAMA3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
# The class, what differs from the toy, the tokenizer, and whether full training is among the figures.
MODELS = {
    "llama3": ("Llama", dict(rope_scaling=LLAMA3, rope_theta=500.0, head_dim=16, num_attention_heads=2, num_key_value_heads=1), kinds.llama3, False),
    "llama-bias": ("Llama", dict(rope_scaling=dict(rope_type="linear", factor=2.0), attention_bias=True, mlp_bias=True,
                                 tie_word_embeddings=False), kinds.llama3, True),
    "mistral": ("Mistral", dict(sliding_window=7, head_dim=12, tie_word_embeddings=False), kinds.prepend, False),
    "qwen2": ("Qwen2", dict(rope_theta=1000000.0, sliding_window=7, use_sliding_window=False, max_window_layers=1), kinds.qwen, True),
    "qwen3": ("Qwen3", dict(rope_theta=1000000.0, head_dim=12), kinds.qwen, True),
    "qwen2-window": ("Qwen2", dict(rope_theta=1000000.0, sliding_window=7, use_sliding_window=True, max_window_layers=1), kinds.qwen, False),
}


def scaled(config, f):
    """The inverse frequencies f as rope_scaling changes them, in their own type."""
    s = getattr(config, "rope_scaling", None)
    if s is None:
        return f
    if s["rope_type"] == "linear":
        return f / s["factor"]
    wavelength = 2 * math.pi / f
    original, low, high = s["original_max_position_embeddings"], s["low_freq_factor"], s["high_freq_factor"]
    smooth = (original / wavelength - low) / (high - low)
    between = (1 - smooth) * f / s["factor"] + smooth * f
    return torch.where(wavelength > original / low, f / s["factor"], torch.where(wavelength < original / high, f, between))


def widen():
    """As toy.widen, for every architecture."""

    def norm(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    def rotary(self, x, position_ids):
        config = self.config
        dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        f = 1.0 / config.rope_theta ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angle = position_ids[:, :, None].double() * scaled(config, f)
        angle = torch.cat((angle, angle), dim=-1)
        return angle.cos().to(x.dtype), angle.sin().to(x.dtype)

    def attention(module, query, key, value, attention_mask, scaling, dropout=0.0, **kwargs):
        key = modeling_llama.repeat_kv(key, module.num_key_value_groups)
        value = modeling_llama.repeat_kv(value, module.num_key_value_groups)
        scores = query @ key.transpose(2, 3) * scaling
        if attention_mask is not None:
            scores = scores + attention_mask[:, :, :, : key.shape[-2]]
        weights = torch.softmax(scores, dim=-1)
        return (weights @ value).transpose(1, 2).contiguous(), weights

    for name, module in MODULES.items():
        getattr(module, name + "RMSNorm").forward = norm
        getattr(module, name + "RotaryEmbedding").forward = rotary
        module.eager_attention_forward = attention


def make_model(directory, family, changes, vocab, eos, seed):
    settings = dict(
        vocab_size=vocab, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=512, rope_theta=10000.0, rms_norm_eps=1e-5, tie_word_embeddings=True, bos_token_id=1, eos_token_id=eos,
    )
    settings.update(changes)
    config = getattr(transformers, family + "Config")(**settings)
    model = getattr(transformers, family + "ForCausalLM")(config).float()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            scale = 0.5 if "embed_tokens" in name or "lm_head" in name else 0.2
            if name.endswith("norm.weight"):
                p.copy_(1 + 0.2 * torch.randn(p.shape, generator=generator))
            else:
                p.copy_(scale * torch.randn(p.shape, generator=generator))
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=eos, pad_token_id=eos)
    model.save_pretrained(directory)


def loader(family):
    cls = getattr(transformers, family + "ForCausalLM")

    def load(directory, dtype=torch.float64):
        return cls.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").to(dtype)

    return load


def figures(name, seed, full):
    directory = f"{HERE}/{name}"
    model = toy.load(directory).eval()
    examples = toy.make_examples(model, seed + 1)
    out = dict(
        tied=model.config.tie_word_embeddings, parameters=sum(p.numel() for p in model.parameters()), fields=toy.FIELDS, modules=toy.MODULES,
        examples=examples, forward=toy.forward_figures(model, examples, [0, 1, 3, 5]), trajectories={},
    )
    lora = dict(r=4, alpha=8, modules=toy.MODULES, rslora=False, b_init="cos")
    # The base with the adapter that lora_terms starts from.
    out["adapter"] = toy.forward_figures(toy.with_lora(toy.load(directory), **lora).eval(), examples, [1, 3])
    runs = dict(lora_terms=dict(steps=3, lr=5e-3, weight_decay=0.01, clip=1.0, weights=(1, 0.2, 0.1, 0.05), lora=lora))
    if full:
        runs["full_ce"] = dict(steps=2, lr=1e-3, weight_decay=1.0, clip=1.0, weights=(1, 0, 0, 0))
    for run, settings in runs.items():
        out["trajectories"][run], _ = toy.trajectory(directory, examples, run, **settings)
    with open(f"{directory}/figures.json", "w") as f:
        f.write(toy.compact(out) + "\n")


def main():
    torch.set_num_threads(1)
    plain = {}
    for seed, (name, (family, changes, tokenizer, _)) in enumerate(MODELS.items(), 11):
        directory = f"{HERE}/{name}"
        shutil.rmtree(directory, ignore_errors=True)
        spec = tokenizer()
        vocab = max([*spec["model"]["vocab"].values(), *(t["id"] for t in spec["added_tokens"])]) + 1
        make_model(directory, family, changes, vocab, toy.EOS, seed)
        with open(f"{directory}/tokenizer.json", "w", encoding="utf-8") as f:
            json.dump(spec, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")
        with torch.no_grad():
            plain[name] = loader(family)(directory, torch.float32).eval()(torch.arange(3, 40)[None]).logits
    widen()
    for seed, (name, (family, _, _, full)) in enumerate(MODELS.items(), 11):
        directory = f"{HERE}/{name}"
        toy.load = loader(family)
        toy.VOCAB = json.load(open(f"{directory}/config.json"))["vocab_size"]
        with torch.no_grad():
            wide = toy.load(directory).eval()(torch.arange(3, 40)[None]).logits
        gap = (wide - plain[name]).abs().max().item()
        print(f"{name}: widened against the library in float32, largest logit difference {gap:.2g}", flush=True)
        assert gap < 1e-4
        figures(name, seed, full)


if __name__ == "__main__":
    main()
