#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a model file for llama.cpp that is small enough to make on the spot: tiny_gguf.py FILE [SEED]

A Qwen2 with two layers and random weights, about 0.7 MB. It is a real model in every respect but sense: attention is
sharp, so greedy text depends on tokens all over the prompt, and a lost or foreign KV block shows. Words weigh most in
the output, so that what it says is valid UTF-8 and never ends by chance; printable bytes come next, so that a grammar
that allows no word still has one best answer. The same seed gives the same bytes. Standard library only.
tiny_hf.py writes the same weights in the format of Hugging Face.
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
ROPE_BASE = 10000.0
EPSILON = 1e-6
SEED = 20261121
# Standard deviations: scores of about +-2.5 before the softmax, and attention that outweighs the residual.
QUERY_KEY, VALUE_OUTPUT, FEED = 0.2, 0.15, 0.08
WORD_ROW, BYTE_ROW = 1.0, 0.3

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = (
    "river stone light morning paper window garden silver road winter letter music orange bridge candle forest "
    "mirror ocean pencil quiet rain summer table under valley water yellow after because every first green "
    "\u6771\u4eac Gr\u00fc\u00dfe \U0001f680"
).split()
CHAT_TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n# Tools\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{%- for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] or '' }}"
    "{%- if m['tool_calls'] %}{% for c in m['tool_calls'] %}\n<tool_call>\n{{ c['function'] | tojson }}\n</tool_call>"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5


def byte_symbols():
    """The 256 printable characters that byte-level BPE writes for bytes (GPT-2's table)."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    code = {b: b for b in visible} | {b: 256 + i for i, b in enumerate(hidden)}
    return [chr(code[b]) for b in range(256)]


def vocabulary():
    """Tokens, merges, and the rows of the output matrix: standard deviation of each token's row.

    A word is merged from its space on, letter by letter, so that every word with a space before it is one token.
    """
    symbols = byte_symbols()
    tokens, merges = [*SPECIALS, *symbols], []
    words = ["".join(symbols[b] for b in f" {word}".encode()) for word in WORDS]
    for word in words:
        for end in range(1, len(word)):
            if word[: end + 1] not in tokens:
                merges.append((word[:end], word[end]))
                tokens.append(word[: end + 1])
    printable = set(symbols[32:127])
    rows = [WORD_ROW if t in words else BYTE_ROW if t in printable else 0.0 for t in tokens]
    return tokens, merges, rows


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


def metadata(tokens, merges):
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
        entry("qwen2.rope.freq_base", F32, ROPE_BASE),
        entry("qwen2.attention.layer_norm_rms_epsilon", F32, EPSILON),
        entry("tokenizer.ggml.model", STRING, "gpt2"),
        entry("tokenizer.ggml.pre", STRING, "qwen2"),
        entries("tokenizer.ggml.tokens", STRING, tokens),
        entries("tokenizer.ggml.token_type", I32, kinds),
        entries("tokenizer.ggml.merges", STRING, [f"{left} {right}" for left, right in merges]),
        entry("tokenizer.ggml.eos_token_id", U32, 2),
        entry("tokenizer.ggml.bos_token_id", U32, 0),
        entry("tokenizer.ggml.padding_token_id", U32, 0),
        entry("tokenizer.ggml.add_bos_token", BOOL, False),
        entry("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def weights(rows, rng):
    """Yields (name, dimensions with the innermost first, values)."""

    def normal(name, dims, deviation):
        count = dims[0] * (dims[1] if len(dims) > 1 else 1)
        return name, dims, array.array("f", (rng.gauss(0.0, deviation) for _ in range(count)))

    def ones(name):
        return name, [HIDDEN], array.array("f", [1.0] * HIDDEN)

    yield normal("token_embd.weight", [HIDDEN, len(rows)], 1.0)
    yield ones("output_norm.weight")
    output = array.array("f", (rng.gauss(0.0, 1.0) * deviation for deviation in rows for _ in range(HIDDEN)))
    yield "output.weight", [HIDDEN, len(rows)], output
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield ones(block + "attn_norm.weight")
        yield ones(block + "ffn_norm.weight")
        for part, width, deviation in (
            ("q", HIDDEN, QUERY_KEY),
            ("k", KV_WIDTH, QUERY_KEY),
            ("v", KV_WIDTH, VALUE_OUTPUT),
        ):
            yield normal(f"{block}attn_{part}.weight", [HIDDEN, width], deviation)
            yield normal(f"{block}attn_{part}.bias", [width], deviation)
        yield normal(block + "attn_output.weight", [HIDDEN, HIDDEN], VALUE_OUTPUT)
        yield normal(block + "ffn_gate.weight", [HIDDEN, FEED_FORWARD], FEED)
        yield normal(block + "ffn_up.weight", [HIDDEN, FEED_FORWARD], FEED)
        yield normal(block + "ffn_down.weight", [FEED_FORWARD, HIDDEN], FEED)


def padded(data):
    return data + bytes(-len(data) % 32)


def main():
    path = sys.argv[1]
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
    tokens, merges, rows = vocabulary()
    keys = metadata(tokens, merges)
    index, data = b"", b""
    count = 0
    for name, dims, values in weights(rows, rng):
        index += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", 0, len(data))
        data += padded(values.tobytes())
        count += 1
    head = b"GGUF" + struct.pack("<IQQ", 3, count, len(keys)) + b"".join(keys) + index
    with open(path, "wb") as file:
        file.write(padded(head) + data)


if __name__ == "__main__":
    main()
