"""Writes kquants.json: random blocks of ggml's types and the values that gguf-py (the Python package of llama.cpp) says
they hold, both in base64, the values as float32. pip install gguf numpy; python make_kquants.py > kquants.json
"""

import base64
import json

import numpy as np
from gguf import GGMLQuantizationType as Q
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize

# Where a block keeps its halves, so that none is NaN or infinite.
HALVES = {Q.Q4_K: [0, 2], Q.Q5_K: [0, 2], Q.Q6_K: [208], Q.Q5_0: [0], Q.Q5_1: [0, 2]}

random = np.random.default_rng(7)
out = {}
for kind, places in HALVES.items():
    values, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (3, size), dtype=np.uint8)
    for at in places:
        halves = (random.standard_normal(3) * 0.01).astype(np.float16)
        blocks[:, at : at + 2] = halves.view(np.uint8).reshape(3, 2)
    decoded = dequantize(blocks, kind).astype(np.float32)
    out[kind.name] = {
        "type": int(kind),
        "blocks": base64.b64encode(blocks.tobytes()).decode(),
        "values": base64.b64encode(decoded.tobytes()).decode(),
    }
print(json.dumps(out, indent=1))
