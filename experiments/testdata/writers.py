"""Writes greedily with what `hone export` wrote, in the programs it is written for.

One JSON object on standard input: kind (transformers, peft, llama.cpp), path (what was exported), base (the
model of an adapter: a model directory or a GGUF file), prompts (token ids), texts (the prompts as text), eos
(token ids that end a text), max_new, plain (llama.cpp's own caches; else they are float32, as everything is in
transformers). One JSON object on standard output: ids, the tokens of the texts, where the program has the
model's tokenizer; texts, of each prompt the ids written, the end of text included, and the
logarithms of their probabilities; or missing, the module that this Python lacks. artifact_texts_test.go calls it.
"""

import json
import os
import sys


def transformers_texts(job):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    torch.set_num_threads(1)
    where = job["base"] if job["kind"] == "peft" else job["path"]
    if where.endswith(".gguf"):  # transformers reads the base model's file itself
        directory, name = os.path.split(where)
        model = AutoModelForCausalLM.from_pretrained(directory, gguf_file=name, dtype=torch.float32)
    else:
        model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32)
    if job["kind"] == "peft":
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["path"])
    model.eval()
    out = {"texts": []}
    if job["kind"] == "transformers":
        tokenizer = AutoTokenizer.from_pretrained(where)
        out["ids"] = [tokenizer(text).input_ids for text in job["texts"]]
    greedy = GenerationConfig(
        do_sample=False, max_new_tokens=job["max_new"], eos_token_id=job["eos"], pad_token_id=job["eos"][0], return_dict_in_generate=True, output_logits=True
    )
    side = 20  # texts that are written side by side
    for first in range(0, len(job["prompts"]), side):
        prompts = job["prompts"][first : first + side]
        longest = max(map(len, prompts))
        ids = torch.tensor([[job["eos"][0]] * (longest - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
        with torch.no_grad():
            written = model.generate(input_ids=ids, attention_mask=mask, generation_config=greedy)
        shares = [torch.log_softmax(step.float(), -1) for step in written.logits]
        for i, text in enumerate(written.sequences[:, longest:].tolist()):
            end = next((j + 1 for j, token in enumerate(text) if token in job["eos"]), len(text))
            out["texts"].append({"ids": text[:end], "logprobs": [shares[j][i, token].item() for j, token in enumerate(text[:end])]})
    return out


def llama_cpp_texts(job):
    import urllib.request
    from concurrent.futures import ThreadPoolExecutor

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = job["base"] or job["path"]
    if job["base"]:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(job["path"], 1.0)]
    side = 4  # texts that are written side by side
    params.n_ctx, params.n_batch, params.n_parallel, params.warmup = 1024 * side, 512, side, False
    params.cpuparams.n_threads = 1
    if not job["plain"]:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(params)

    def ask(path, body):
        request = urllib.request.Request(server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    out = {"texts": [], "ids": [ask("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"] for text in job["texts"]]}

    def write(prompt):
        body = {"prompt": prompt, "n_predict": job["max_new"], "temperature": 0, "repeat_penalty": 1, "n_probs": 1, "cache_prompt": False}
        shares = ask("/completion", body)["completion_probabilities"]
        return {"ids": [s["id"] for s in shares], "logprobs": [s["logprob"] for s in shares]}

    with ThreadPoolExecutor(side) as pool:
        out["texts"] = list(pool.map(write, job["prompts"]))
    return out


def main():
    job = json.load(sys.stdin)
    result, sys.stdout = sys.stdout, sys.stderr  # libraries print
    try:
        out = llama_cpp_texts(job) if job["kind"] == "llama.cpp" else transformers_texts(job)
    except ModuleNotFoundError as e:
        out = {"missing": e.name}
    json.dump(out, result)


main()
