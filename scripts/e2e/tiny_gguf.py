#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a model file for llama.cpp that is small enough to make on the spot: tiny_gguf.py FILE [SEED]

A Qwen2 with two layers and random weights, about 0.5 MB. It is a real model in every respect but sense: greedy text
depends on every token of the prompt, so a lost or foreign KV block shows. Output rows of raw bytes are zero, so that
what it says consists of words and is valid UTF-8. The same seed gives the same bytes. Standard library only.
"""

import array
import random
import struct
import sys

CONTEXT = 4096
HIDDEN = 64
FEED_FORWARD = 128
LAYERS = 2
HEADS = 2
KV_HEADS = 1
KV_WIDTH = HIDDEN // HEADS * KV_HEADS

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = (
    "river stone light morning paper window garden silver road winter letter music orange bridge candle forest "
    "mirror ocean pencil quiet rain summer table under valley water yellow after because every first green"
).split()
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5


def byte_symbols():
    """The 256 printable characters that byte-level BPE writes for bytes (GPT-2's table)."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    code = {b: b for b in visible} | {b: 256 + i for i, b in enumerate(hidden)}
    return [chr(code[b]) for b in range(256)]


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def scalar(kind, value):
    form = {U32: "<I", F32: "<f", BOOL: "<?"}
    return text(value) if kind == STRING else struct.pack(form[kind], value)


def entry(key, kind, value):
    return text(key) + struct.pack("<I", kind) + scalar(kind, value)


def entries(key, kind, values):
    body = b"".join(text(v) for v in values) if kind == STRING else struct.pack(f"<{len(values)}i", *values)
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(values)) + body


def metadata(tokens):
    kinds = [3] * len(SPECIALS) + [1] * (len(tokens) - len(SPECIALS))
    return [
        entry("general.architecture", STRING, "qwen2"),
        entry("general.name", STRING, "tiny"),
        entry("qwen2.context_length", U32, CONTEXT),
        entry("qwen2.embedding_length", U32, HIDDEN),
        entry("qwen2.block_count", U32, LAYERS),
        entry("qwen2.feed_forward_length", U32, FEED_FORWARD),
        entry("qwen2.attention.head_count", U32, HEADS),
        entry("qwen2.attention.head_count_kv", U32, KV_HEADS),
        entry("qwen2.rope.freq_base", F32, 10000.0),
        entry("qwen2.attention.layer_norm_rms_epsilon", F32, 1e-6),
        entry("tokenizer.ggml.model", STRING, "gpt2"),
        entry("tokenizer.ggml.pre", STRING, "qwen2"),
        entries("tokenizer.ggml.tokens", STRING, tokens),
        entries("tokenizer.ggml.token_type", I32, kinds),
        entries("tokenizer.ggml.merges", STRING, ["\u0120 t"]),
        entry("tokenizer.ggml.eos_token_id", U32, 2),
        entry("tokenizer.ggml.bos_token_id", U32, 0),
        entry("tokenizer.ggml.padding_token_id", U32, 0),
        entry("tokenizer.ggml.add_bos_token", BOOL, False),
        entry("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def weights(vocabulary, first_word, rng):
    """Yields (name, dimensions with the innermost first, values)."""

    def normal(name, dims, deviation=0.08):
        count = dims[0] * (dims[1] if len(dims) > 1 else 1)
        return name, dims, array.array("f", (rng.gauss(0.0, deviation) for _ in range(count)))

    def ones(name):
        return name, [HIDDEN], array.array("f", [1.0] * HIDDEN)

    yield normal("token_embd.weight", [HIDDEN, vocabulary], 1.0)
    yield ones("output_norm.weight")
    name, dims, output = normal("output.weight", [HIDDEN, vocabulary], 1.0)
    output[: first_word * HIDDEN] = array.array("f", [0.0] * (first_word * HIDDEN))
    yield name, dims, output
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield ones(block + "attn_norm.weight")
        yield ones(block + "ffn_norm.weight")
        for part, width in (("q", HIDDEN), ("k", KV_WIDTH), ("v", KV_WIDTH)):
            yield normal(f"{block}attn_{part}.weight", [HIDDEN, width])
            yield normal(f"{block}attn_{part}.bias", [width])
        yield normal(block + "attn_output.weight", [HIDDEN, HIDDEN])
        yield normal(block + "ffn_gate.weight", [HIDDEN, FEED_FORWARD])
        yield normal(block + "ffn_up.weight", [HIDDEN, FEED_FORWARD])
        yield normal(block + "ffn_down.weight", [FEED_FORWARD, HIDDEN])


def padded(data):
    return data + bytes(-len(data) % 32)


def main():
    path = sys.argv[1]
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 20261121)
    plain = SPECIALS + byte_symbols() + ["\u0120t"]
    tokens = plain + ["\u0120" + word for word in WORDS]
    keys = metadata(tokens)
    index, data = b"", b""
    count = 0
    for name, dims, values in weights(len(tokens), len(plain), rng):
        index += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", 0, len(data))
        data += padded(values.tobytes())
        count += 1
    head = b"GGUF" + struct.pack("<IQQ", 3, count, len(keys)) + b"".join(keys) + index
    with open(path, "wb") as file:
        file.write(padded(head) + data)


if __name__ == "__main__":
    main()
