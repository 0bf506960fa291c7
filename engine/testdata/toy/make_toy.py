#!/usr/bin/env python3
"""Makes the toy models, their tokenizer and their reference figures, in the directory of this script.

    python3 -m venv peers && peers/bin/pip install torch==2.8.0 transformers==4.57.1 peft==0.17.1
    peers/bin/python engine/testdata/toy/make_toy.py            # ten seconds

Written: tokenizer.json; tied/ and untied/, each a whole model directory (config.json,
generation_config.json, model.safetensors in float32, tokenizer.json) with figures.json;
tied/adapter/, a PEFT adapter as PEFT saves it. README.md beside this file lays out figures.json.

The figures are computed in float64 from the float32 weights, by transformers' own Llama with three
places widened that would drop to float32 inside (RMS norm, rotary angles, softmax): see widen().
"""
import json
import math
import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.models.llama import modeling_llama

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
VOCAB, FIELDS, EOS = 304, 3, 2
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PROMPT = "Extract calendar information from: {}\nCalendar JSON:"
LENGTHS = [(4, 1), (12, 28), (3, 10), (9, 13), (1, 8), (6, 25), (7, 10), (5, 15)]  # prompt, completion with EOS
GRADIENT_ROWS = 6  # rows of a raw gradient kept in full training, besides whole vectors


# The model


def widen():
    """Replaces the parts of transformers' Llama that always compute in float32 by the same formulas in the input's type."""

    def norm(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    def rotary(self, x, position_ids):
        dim = self.config.head_dim
        inverse = 1.0 / self.config.rope_theta ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angle = position_ids[:, :, None].double() * inverse
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

    modeling_llama.LlamaRMSNorm.forward = norm
    modeling_llama.LlamaRotaryEmbedding.forward = rotary
    modeling_llama.eager_attention_forward = attention


def make_model(directory, tied, seed):
    """Writes a model of seeded random weights in float32, large enough that attention and predictions are far from uniform."""
    config = LlamaConfig(
        vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=512, rope_theta=10000.0, rms_norm_eps=1e-5,
        tie_word_embeddings=tied, bos_token_id=1, eos_token_id=EOS, pad_token_id=EOS,
    )
    model = LlamaForCausalLM(config).float()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("norm.weight"):
                p.copy_(1 + 0.1 * torch.randn(p.shape, generator=generator))
            elif "embed_tokens" in name or "lm_head" in name:
                p.copy_(0.5 * torch.randn(p.shape, generator=generator))
            else:
                p.copy_(0.2 * torch.randn(p.shape, generator=generator))
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=EOS, pad_token_id=EOS)
    model.save_pretrained(directory)


def load(directory, dtype=torch.float64):
    return LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").to(dtype)


def make_tokenizer(path):
    """Byte-level BPE over the events of events/train.jsonl, with SmolLM's way of splitting text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    texts = []
    for line in open(f"{HERE}/events/train.jsonl", encoding="utf-8"):
        row = json.loads(line)
        texts += [PROMPT.format(row["event_text"]), " " + json.dumps(row["output"], ensure_ascii=False)]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCAB, special_tokens=SPECIALS, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False,
    ))
    assert tokenizer.get_vocab_size() == VOCAB and tokenizer.token_to_id("<|im_end|>") == EOS
    tokenizer.save(path)


# Examples


def make_examples(model, seed):
    """Ragged token sequences. Completions are sampled from the model itself, so that products of probabilities are not negligible."""
    generator = torch.Generator().manual_seed(seed)
    examples = []
    for prompt, completion in LENGTHS:
        ids = torch.randint(3, VOCAB, (prompt,), generator=generator).tolist()
        for _ in range(completion - 1):
            with torch.no_grad():
                logits = model(torch.tensor([ids])).logits[0, -1]
            logits[EOS] = -math.inf
            ids.append(torch.multinomial(torch.softmax(logits / 0.5, -1), 1, generator=generator).item())
        # Up to three fields of one to four tokens, between structure tokens; the shortest example has one field, the fifth none.
        classes, field = [-1] * prompt + [0], 1
        while len(classes) < prompt + completion - 1:
            if field <= FIELDS and prompt > 1:
                width = int(torch.randint(1, 5, (1,), generator=generator))
                classes += [field] * width
                field += 1
            classes.append(0)
        classes = classes[: prompt + completion - 1] + [0]
        examples.append(dict(ids=ids + [EOS], prompt=prompt, classes=classes))
    return examples


# Figures


def forward_figures(model, examples, indices):
    out = []
    for index in indices:
        ids = examples[index]["ids"]
        with torch.no_grad():
            o = model(torch.tensor([ids]), output_hidden_states=True)
            log_p = torch.log_softmax(o.logits[0], -1)
            sequence, margin = list(ids), math.inf
            for _ in range(12):
                top = model(torch.tensor([sequence])).logits[0, -1].topk(2)
                margin = min(margin, (top.values[0] - top.values[1]).item())
                sequence.append(top.indices[0].item())
        out.append(dict(
            example=index,
            token_nll=[-log_p[t, ids[t + 1]].item() for t in range(len(ids) - 1)],
            last_logits=rounded(o.logits[0, -1]),
            hidden_norms=[h[0, -1].norm().item() for h in o.hidden_states],
            greedy=sequence[len(ids):], greedy_margin=margin,
        ))
    return out


def losses(logits, batch):
    """The four terms of the entity extraction loss over one batch, each a scalar tensor."""
    ce, structure, fields, confidence = [], [], [], []
    for b, e in enumerate(batch):
        n = len(e["ids"])
        log_p = torch.log_softmax(logits[b, e["prompt"] - 1: n - 1], -1)
        targets = torch.tensor(e["ids"][e["prompt"]:])
        classes = torch.tensor(e["classes"][e["prompt"]:])
        picked = log_p[torch.arange(len(targets)), targets]
        ce.append(-picked)
        structure.append(1 - picked[classes == 0].exp())
        confidence.append(log_p.max(-1).values.exp())
        for f in range(1, FIELDS + 1):
            if (classes == f).any():
                fields.append(1 - picked[classes == f].sum().exp())
    return torch.cat(ce).mean(), torch.cat(structure).mean(), torch.stack(fields).mean(), 1 - torch.cat(confidence).mean()


def with_lora(model, r, alpha, modules, rslora, b_init):
    model = get_peft_model(model, LoraConfig(
        r=r, lora_alpha=alpha, lora_dropout=0.0, target_modules=modules, use_rslora=rslora, task_type="CAUSAL_LM",
    )).double()
    for name, p in model.named_parameters():
        if "lora_" not in name:
            continue
        layer = int(name.split(".layers.")[1].split(".")[0])
        module = MODULES.index(name.split(".lora_")[0].split(".")[-1])
        i = torch.arange(p.shape[0], dtype=torch.float64)[:, None]
        j = torch.arange(p.shape[1], dtype=torch.float64)[None, :]
        if "lora_A" in name:
            p.data = math.sqrt(1 / p.shape[1]) * torch.sin(1 + 0.37 * i + 0.11 * j + 0.05 * layer + 0.9 * module)
        elif b_init == "cos":
            p.data = 0.05 * math.sqrt(1 / r) * torch.cos(2 + 0.23 * i + 0.31 * j + 0.07 * layer + 0.5 * module)
        else:
            p.data = torch.zeros_like(p)
    return model


def plain_name(name):
    return name.removeprefix("base_model.model.model.").replace(".default", "")


def raw_gradient(grad, full, batch):
    """A gradient as numbers: whole for adapters and vectors, some rows of a matrix in full training.

    Of a matrix over the vocabulary, rows of tokens that the batch has are among them.
    """
    rows = list(range(grad.shape[0]))
    if full and grad.dim() == 2:
        rows = [round(k * (grad.shape[0] - 1) / (GRADIENT_ROWS - 1)) for k in range(GRADIENT_ROWS)]
        if grad.shape[0] == VOCAB:
            rows = sorted(set(rows + batch[1]["ids"][:GRADIENT_ROWS] + batch[1]["ids"][-GRADIENT_ROWS:]))
    return dict(shape=list(grad.shape), rows=rows, values=rounded(grad[rows].flatten()))


def trajectory(directory, examples, name, steps, lr, weight_decay, clip, weights, lora=None, batch_size=4):
    full = lora is None
    model = load(directory)
    if not full:
        model = with_lora(model, **lora)
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    # Matrices decay, vectors (the weights of norms) do not; LoRA has matrices only.
    groups = [
        dict(params=[p for p in parameters if p.dim() > 1], weight_decay=weight_decay),
        dict(params=[p for p in parameters if p.dim() == 1], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, betas=(0.9, 0.999), eps=1e-8)
    log = []
    for step in range(steps):
        rows = [(step * batch_size + k) % len(examples) for k in range(batch_size)]
        batch = [examples[r] for r in rows]
        longest = max(len(e["ids"]) for e in batch)
        ids = torch.tensor([e["ids"] + [0] * (longest - len(e["ids"])) for e in batch])
        mask = torch.tensor([[1] * len(e["ids"]) + [0] * (longest - len(e["ids"])) for e in batch])
        terms = losses(model(input_ids=ids, attention_mask=mask).logits, batch)
        loss = sum(w * t for w, t in zip(weights, terms))
        optimizer.zero_grad()
        loss.backward()
        grads = {plain_name(n): p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
        norm = torch.nn.utils.clip_grad_norm_(parameters, clip).item()
        optimizer.step()
        entry = dict(
            step=step + 1, rows=rows, loss=loss.item(), ce=terms[0].item(), json=terms[1].item(), field=terms[2].item(),
            confidence=terms[3].item(), grad_norm=norm, tokens=sum(len(e["ids"]) for e in batch),
            target_tokens=sum(len(e["ids"]) - e["prompt"] for e in batch),
            grad_norms={n: g.norm().item() for n, g in grads.items()},
        )
        if step < 2:
            entry["gradients"] = {n: raw_gradient(g, full, batch) for n, g in grads.items() if "layers.1." not in n}
        log.append(entry)
        print(name, {k: v for k, v in entry.items() if k not in ("grad_norms", "gradients")}, flush=True)
    figures = dict(
        method="full" if full else "lora", lora=lora, batch_size=batch_size, lr=lr, weight_decay=weight_decay, betas=[0.9, 0.999],
        eps=1e-8, clip=clip, weights=dict(zip(("ce", "json", "field", "confidence"), weights)),
        trainable=sum(p.numel() for p in parameters), steps=log,
        final_norms={plain_name(n): p.detach().norm().item() for n, p in model.named_parameters() if p.requires_grad},
    )
    return figures, model


def save_adapter(model, directory, base):
    """Saves with PEFT, in float32 as PEFT users have it, and leaves the float32 values in the model."""
    model.peft_config["default"].base_model_name_or_path = base
    for name, p in model.named_parameters():
        if "lora_" in name:
            p.data = p.data.float()
    model.save_pretrained(directory, save_embedding_layers=False)
    os.remove(f"{directory}/README.md")
    return model.double().eval()


# Files


def rounded(tensor):
    """Ten digits: more than float32 has, and half the size."""
    return [float(f"{x:.10g}") for x in tensor.tolist()]


def compact(value, indent=0):
    """JSON with one line a list of numbers."""
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{pad}{json.dumps(k)}: {compact(v, indent + 1)}" for k, v in value.items()) + "\n" + " " * indent + "}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(pad + compact(v, indent + 1) for v in value) + "\n" + " " * indent + "]"
    return json.dumps(value, separators=(",", ":"))


def variant(name, tied, seed):
    directory = f"{HERE}/{name}"
    shutil.rmtree(directory, ignore_errors=True)
    make_model(directory, tied, seed)
    shutil.copyfile(f"{HERE}/tokenizer.json", f"{directory}/tokenizer.json")
    model = load(directory).eval()
    examples = make_examples(model, seed + 1)
    figures = dict(
        tied=tied, parameters=sum(p.numel() for p in model.parameters()), fields=FIELDS, modules=MODULES,
        examples=examples, forward=forward_figures(model, examples, [0, 1, 3, 4]), trajectories={},
    )
    everything = dict(r=4, alpha=8, modules=MODULES, rslora=False)
    runs = dict(
        lora_ce=dict(steps=6, lr=5e-3, weight_decay=0.0, clip=1.0, weights=(1, 0, 0, 0), lora=dict(everything, b_init="zero")),
        lora_terms=dict(steps=6, lr=5e-3, weight_decay=0.01, clip=1.0, weights=(1, 0.2, 0.1, 0.05), lora=dict(everything, b_init="cos")),
        lora_qv_rslora=dict(steps=6, lr=5e-3, weight_decay=0.1, clip=0.5, weights=(1, 0, 0, 0),
                            lora=dict(r=2, alpha=8, modules=["q_proj", "v_proj"], rslora=True, b_init="zero")),
        full_ce=dict(steps=4, lr=1e-3, weight_decay=1.0, clip=1.0, weights=(1, 0, 0, 0)),
    )
    if not tied:  # LoRA differs from the tied model in the head only: one trajectory shows it
        runs = {k: runs[k] for k in ("lora_terms", "full_ce")}
    for run, settings in runs.items():
        figures["trajectories"][run], trained = trajectory(directory, examples, run, **settings)
        if run == "lora_ce":
            tuned = save_adapter(trained, f"{directory}/adapter", "toy-tied")
            figures["adapter"] = forward_figures(tuned, examples, [1, 3])
    with open(f"{directory}/figures.json", "w") as f:
        f.write(compact(figures) + "\n")


def main():
    torch.set_num_threads(1)
    plain = {}
    make_tokenizer(f"{HERE}/tokenizer.json")
    # Before widening, the untouched library in float32: the widened figures must agree with it to float32's precision.
    for name, tied, seed in (("tied", True, 1), ("untied", False, 2)):
        make_model(f"{HERE}/{name}", tied, seed)
        with torch.no_grad():
            plain[name] = load(f"{HERE}/{name}", torch.float32).eval()(torch.arange(3, 40)[None]).logits
    widen()
    for name, tied, seed in (("tied", True, 1), ("untied", False, 2)):
        variant(name, tied, seed)
        with torch.no_grad():
            wide = load(f"{HERE}/{name}").eval()(torch.arange(3, 40)[None]).logits
        gap = (wide - plain[name]).abs().max().item()
        print(f"{name}: widened against the library in float32, largest logit difference {gap:.2g}")
        assert gap < 1e-4


if __name__ == "__main__":
    main()
