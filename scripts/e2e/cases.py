#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the requests of the SDK differential as JSON: cases.py MODEL

A list of {name, api, body}. `api` is what a driver calls: completions, chat, responses, messages, models, or raw (a
request that no SDK would send, or a path that none knows: method, path, and body or text). Each driver sends the cases
whose api its SDK has. Greedy unless a case says otherwise, so that two engines with the same weights say the same.
Standard library only.
"""

import json
import sys

GREEDY = {"temperature": 0}
RIVERS = [{"role": "user", "content": "Name three rivers."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Bern", "Oslo", "Quito"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {
            "type": "object",
            "properties": {"colour": {"enum": ["red", "green"]}, "count": {"enum": [1, 2, 3]}},
            "required": ["colour", "count"],
            "additionalProperties": False,
        },
    },
}
CJK = "Gr\u00fc\u00dfe, \u6771\u4eac\u306e\u5929\u6c17\u306f\uff1f \U0001f680\U0001f469\u200d\U0001f52c caf\u00e9 \ud55c\uad6d\uc5b4"
LONG = " river stone light morning paper window garden silver road winter" * 40
TOO_LONG = " river stone light morning" * 1500


def completions(name, prompt=" river stone light", **more):
    return {"name": f"completions {name}", "api": "completions", "body": {"prompt": prompt, "max_tokens": 12, **GREEDY, **more}}


def chat(name, messages=None, **more):
    body = {"messages": messages or RIVERS, "max_tokens": 12, **GREEDY, **more}
    return {"name": f"chat {name}", "api": "chat", "body": body}


def responses(name, **more):
    body = {"input": "Name three rivers.", "max_output_tokens": 16, "store": False, **GREEDY, **more}
    return {"name": f"responses {name}", "api": "responses", "body": body}


def messages(name, **more):
    return {"name": f"messages {name}", "api": "messages", "body": {"messages": RIVERS, "max_tokens": 12, **GREEDY, **more}}


def raw(name, method, path, **more):
    return {"name": f"raw {name}", "api": "raw", "method": method, "path": path, **more}


def completion_cases():
    usage = {"stream": True, "stream_options": {"include_usage": True}}
    yield completions("plain")
    yield completions("long prompt", LONG)
    yield completions("streamed", stream=True)
    yield completions("streamed with usage", **usage)
    yield completions("streamed, long prompt", LONG + " ocean", **usage)
    yield completions("usage in every chunk", stream=True, stream_options={"include_usage": True, "continuous_usage_stats": True})
    yield completions("n=2", n=2, temperature=0.8, seed=7)
    yield completions("n=2 streamed", n=2, temperature=0.8, seed=7, **usage)
    yield completions("sampled with a seed", temperature=0.9, seed=42, top_p=0.95)
    yield completions("stop", stop=[" mirror", " ocean", " rain", " table", " summer", " green"], max_tokens=200)
    yield completions("stop streamed", stop=[" mirror", " ocean", " rain", " table"], max_tokens=200, **usage)
    yield completions("logprobs", logprobs=3)
    yield completions("logprobs streamed", logprobs=2, stream=True)
    yield completions("echo", echo=True)
    yield completions("echo with logprobs", echo=True, logprobs=1)
    yield completions("token ids", [300, 310, 320, 330])
    yield completions("list of prompts", [" river stone", " light morning paper"])
    yield completions("list of prompts streamed", [" river stone", " light morning paper"], stream=True)
    yield completions("list of token ids", [[300, 310], [320, 330, 340]])
    yield completions("unknown field", unknown_field={"deep": [1, None]})
    yield completions("return_token_ids", return_token_ids=True)
    yield completions("min_tokens", min_tokens=8, ignore_eos=True)
    yield completions("logit_bias", logit_bias={"300": 100})
    yield completions("CJK and emoji", CJK)
    yield completions("CJK and emoji streamed", CJK, **usage)
    yield completions("user and metadata", user="someone")


def chat_cases():
    usage = {"stream": True, "stream_options": {"include_usage": True}}
    yield chat("plain")
    yield chat("streamed", stream=True)
    yield chat("streamed with usage", **usage)
    yield chat("long", [{"role": "system", "content": LONG}, *RIVERS])
    yield chat("long, streamed", [{"role": "system", "content": LONG + " green"}, *RIVERS], **usage)
    yield chat("n=2", n=2, temperature=0.8, seed=7)
    yield chat("n=2 streamed", n=2, temperature=0.8, seed=7, stream=True)
    yield chat("max_completion_tokens", max_tokens=None, max_completion_tokens=5)
    yield chat("stop", stop=[" mirror", " ocean", " rain", " table", " summer"], max_tokens=200)
    yield chat("logprobs", logprobs=True, top_logprobs=3)
    yield chat("logprobs streamed", logprobs=True, top_logprobs=2, stream=True)
    yield chat("CJK and emoji", [{"role": "user", "content": CJK}])
    yield chat("content parts", [{"role": "user", "content": [{"type": "text", "text": "Name a river."}]}])
    yield chat("tools, auto", tools=[WEATHER], tool_choice="auto")
    yield chat("tools, auto, streamed", tools=[WEATHER], tool_choice="auto", stream=True)
    yield chat("tools, none", tools=[WEATHER], tool_choice="none")
    yield chat("tool named", tools=[WEATHER], tool_choice=NAMED, max_tokens=64)
    yield chat("tool named, streamed", tools=[WEATHER], tool_choice=NAMED, max_tokens=64, **usage)
    yield chat("tool required", tools=[WEATHER], tool_choice="required", max_tokens=64)
    yield chat("tool required, streamed", tools=[WEATHER], tool_choice="required", max_tokens=64, stream=True)
    yield chat("tool required, cut short", tools=[WEATHER], tool_choice="required", max_tokens=9)
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Bern"}'}}
    turn = [*RIVERS, {"role": "assistant", "content": None, "tool_calls": [call]}]
    turn += [{"role": "tool", "tool_call_id": "call_1", "content": "Rain."}, {"role": "user", "content": "And Oslo?"}]
    yield chat("tool result", turn, tools=[WEATHER])
    yield chat("json schema", response_format=SCHEMA, max_tokens=64)
    yield chat("json schema, streamed", response_format=SCHEMA, max_tokens=64, stream=True)
    yield chat("json object", response_format={"type": "json_object"}, max_tokens=24)
    yield chat("unknown field", unknown_field="x")


def other_cases(model):
    yield responses("plain")
    yield responses("streamed", stream=True)
    yield responses("instructions", instructions="Answer in one word.")
    yield messages("plain")
    yield messages("streamed", stream=True)
    yield messages("system and stop", system="You are a river.", stop_sequences=[" mirror", " rain"])
    yield messages("long, streamed", system=LONG + " window", stream=True)
    yield messages("CJK and emoji", messages=[{"role": "user", "content": CJK}])
    yield {"name": "models list", "api": "models"}
    yield raw("tokenize", "POST", "/tokenize", body={"model": model, "prompt": CJK, "content": CJK})
    yield raw("tokenize chat", "POST", "/tokenize", body={"model": model, "messages": RIVERS})
    yield raw("detokenize", "POST", "/detokenize", body={"model": model, "tokens": [300, 310, 320]})


def error_cases(model):
    for api in (completions, chat, responses, messages):
        yield api("unknown model", model="no-such-model")
    yield chat("unknown model, streamed", model="no-such-model", stream=True)
    yield completions("too long", TOO_LONG)
    yield completions("too long, streamed", TOO_LONG, stream=True)
    yield chat("too long", [{"role": "user", "content": TOO_LONG}])
    yield messages("too long", messages=[{"role": "user", "content": TOO_LONG}])
    yield completions("max_tokens negative", max_tokens=-3)
    yield completions("max_tokens 0", max_tokens=0)
    yield chat("max_tokens negative", max_tokens=-3)
    yield completions("max_tokens over the context", max_tokens=999999)
    yield completions("temperature as text", temperature="hot")
    yield completions("max_tokens as text", max_tokens="many")
    yield completions("prompt as number", 7)
    yield chat("messages as text", "hello")
    yield chat("no messages", [{"role": "user"}])
    yield chat("unknown role", [{"role": "robot", "content": "x"}])
    yield completions("n=0", n=0)
    yield completions("temperature -1", temperature=-1)
    yield completions("top_p 2", top_p=2)
    yield completions("logprobs 50", logprobs=50)
    yield completions("stream_options without stream", stream_options={"include_usage": True})
    yield chat("stream_options without stream", stream_options={"include_usage": True})
    yield completions("token outside the vocabulary", [999999999])
    # harmless ones: what an engine does with others is for pd.py
    yield completions("KV parameters of a client", kv_transfer_params={"do_remote_prefill": False, "do_remote_decode": False})
    yield completions("KV parameters as text", kv_transfer_params="x")
    yield raw("bad JSON", "POST", "/v1/completions", text='{"model": "' + model + '", "prompt": "x",')
    yield raw("empty body", "POST", "/v1/chat/completions", text="")
    yield raw("JSON array", "POST", "/v1/completions", text="[1, 2]")
    yield raw("not UTF-8", "POST", "/v1/completions", latin1='{"model": "' + model + '", "prompt": "\xff\xfe"}')
    yield raw("text/plain", "POST", "/v1/completions", text='{"prompt": "x"}', content_type="text/plain")
    yield raw("unknown path", "POST", "/v1/no/such/path", body={})
    yield raw("wrong method", "GET", "/v1/chat/completions")
    yield raw("messages: bad JSON", "POST", "/v1/messages", text='{"model":')
    yield raw("no prompt", "POST", "/v1/completions", body={"model": model, "max_tokens": 3})
    yield raw("no model", "POST", "/v1/completions", body={"prompt": " river", "max_tokens": 3, **GREEDY})
    yield raw("embeddings of a text model", "POST", "/v1/embeddings", body={"model": model, "input": "x"})


def main():
    model = sys.argv[1]
    cases = [*completion_cases(), *chat_cases(), *other_cases(model), *error_cases(model)]
    for case in cases:
        if case["api"] in ("completions", "chat", "responses", "messages"):
            case["body"] = {k: v for k, v in {"model": model, **case["body"]}.items() if v is not None}
    names = [case["name"] for case in cases]
    assert len(set(names)) == len(names), "names must differ"
    json.dump(cases, sys.stdout, ensure_ascii=True, indent=1)


if __name__ == "__main__":
    main()
