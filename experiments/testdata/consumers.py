"""Opens what `hone export` wrote with the programs it is written for.

One JSON object on standard input: kind, path, base (a model directory, or a GGUF file of the base
model), rows (token ids), from (first position compared of each row), vocab, plain (the
token of a letter), texts, chats (conversations for the assistant to answer). One JSON object on standard
output: logits up to a constant, a list of rows of [positions][vocab]; ids, the tokens of the texts; rendered, the chats by the model's
template; or missing, the module that this Python lacks. artifact_consumers_test.go calls it where HONE_EXPORT_PYTHON names a Python.
"""

import json
import sys


def transformers_model(job):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    directory = job["base"] if job["kind"] == "peft" else job["path"]
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    if job["kind"] == "peft":
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["path"])
    model.eval()
    logits = []
    with torch.no_grad():
        for ids, first in zip(job["rows"], job["from"]):
            logits.append(model(torch.tensor([ids])).logits[0, first:].tolist())
    out = {"logits": logits}
    if job["kind"] == "transformers":
        tokenizer = AutoTokenizer.from_pretrained(directory)
        out["ids"] = [tokenizer(text).input_ids for text in job["texts"]]
        out["eos"] = [model.generation_config.eos_token_id]
    return out


def llama_cpp(job):
    import urllib.request

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = job["path"]
    if job["kind"] == "llama.cpp lora":
        params.model.path = job["base"]
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(job["path"], 1.0)]
    params.n_ctx, params.n_batch, params.n_parallel, params.warmup = 512, 512, 1, False
    params.cpuparams.n_threads = 2
    params.use_jinja = True
    # float32 throughout, so that only the weights differ: flash attention on a CPU has halves inside
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    server = xllamacpp.Server(params)
    logits = []
    for ids, first in zip(job["rows"], job["from"]):
        row = []
        for end in range(first + 1, len(ids) + 1):
            # The server shows no probabilities beside an end of text or a part of a character, so a plain
            # letter is chosen; they are those of before the choice.
            ask = {"prompt": ids[:end], "n_predict": 1, "n_probs": job["vocab"], "temperature": 0, "logit_bias": [[job["plain"], 1000]]}
            answer = server.handle_completions(ask)
            position = [0.0] * job["vocab"]
            for p in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
                position[p["id"]] = p["logprob"]
            row.append(position)
        logits.append(row)
    def post(path, body):
        request = urllib.request.Request(server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    tokens = [post("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"] for text in job["texts"]]
    rendered = [post("/apply-template", {"messages": messages})["prompt"] for messages in job["chats"]]
    return {"logits": logits, "ids": tokens, "rendered": rendered}


def tensorboard(job):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(job["path"])
    events.Reload()
    return {"scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}}


def main():
    job = {key: [] if value is None else value for key, value in json.load(sys.stdin).items()}  # Go's empty lists
    work = {"transformers": transformers_model, "peft": transformers_model, "tensorboard": tensorboard}.get(job["kind"], llama_cpp)
    result, sys.stdout = sys.stdout, sys.stderr  # libraries print
    try:
        out = work(job)
    except ModuleNotFoundError as e:
        out = {"missing": e.name}
    json.dump(out, result)


main()
