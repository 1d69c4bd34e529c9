#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the model of tiny_gguf.py in the format of Hugging Face, for vLLM: tiny_hf.py FOLDER [SEED]

The same tokens, merges, chat template and weights: config.json, model.safetensors, tokenizer.json and their
companions. Standard library only.
"""

import json
import pathlib
import random
import struct
import sys

from tiny_gguf import (
    CHAT_TEMPLATE,
    CONTEXT,
    EPSILON,
    FEED_FORWARD,
    HEADS,
    HIDDEN,
    KV_HEADS,
    LAYERS,
    ROPE_BASE,
    SEED,
    SPECIALS,
    vocabulary,
    weights,
)

# How llama.cpp cuts text for the tokenizer "qwen2".
PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def name_of(gguf_name):
    if gguf_name in WHOLE:
        return WHOLE[gguf_name]
    _, layer, part, kind = gguf_name.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.{kind}"


def config(vocabulary_size):
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "vocab_size": vocabulary_size,
        "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": EPSILON,
        "rope_theta": ROPE_BASE,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "use_sliding_window": False,
        "bos_token_id": None,
        "eos_token_id": SPECIALS.index("<|im_end|>"),
        "pad_token_id": 0,
        "torch_dtype": "float32",
    }


def tokenizer(tokens, merges):
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    bytes_of = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": content, **special} for i, content in enumerate(SPECIALS)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": False},
                bytes_of,
            ],
        },
        "post_processor": None,
        "decoder": bytes_of,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [list(pair) for pair in merges],
        },
    }


def safetensors(rows, rng):
    index, data = {}, b""
    for name, dims, values in weights(rows, rng):
        raw = values.tobytes()
        index[name_of(name)] = {"dtype": "F32", "shape": dims[::-1], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    index["__metadata__"] = {"format": "pt"}
    head = json.dumps(index).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def main():
    folder = pathlib.Path(sys.argv[1])
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
    tokens, merges, rows = vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": config(len(tokens)),
        "generation_config.json": {"eos_token_id": SPECIALS.index("<|im_end|>"), "pad_token_id": 0},
        "tokenizer.json": tokenizer(tokens, merges),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": CONTEXT,
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1))
    (folder / "model.safetensors").write_bytes(safetensors(rows, rng))


if __name__ == "__main__":
    main()
