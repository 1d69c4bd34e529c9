# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Python SDK against a running gateway: OPENAI_BASE_URL=http://…/v1 OPENAI_API_KEY=none python sdk_openai.py"""

import asyncio

import openai

client = openai.OpenAI(max_retries=0, timeout=60)
counts = {True: 0, False: 0}


def check(name, question):
    try:
        answer = question()
        ok, seen = bool(answer), answer
    except Exception as e:  # every surprise is a failed check
        ok, seen = False, f"{type(e).__name__}: {e}"
    counts[ok] += 1
    print(f"{'PASS' if ok else 'FAIL'}  {name}" + ("" if ok else f"\n      {seen}"), flush=True)


def question(text="Name three rivers."):
    return [{"role": "user", "content": text}]


def streamed_text():
    with client.chat.completions.create(
        model=model, messages=question(), max_tokens=16, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    words = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    return len(chunks) > 2 and words and chunks[-1].usage.completion_tokens > 0


def stream_left_early():
    stream = client.completions.create(model=model, prompt="Go on and on.", max_tokens=1000, stream=True)
    next(iter(stream))
    stream.close()
    return client.completions.create(model=model, prompt="Still there?", max_tokens=4).choices[0].text


def many_at_once():
    async def ask():
        async with openai.AsyncOpenAI(max_retries=0, timeout=60) as many:
            calls = (many.completions.create(model=model, prompt=f"Number {i}.", max_tokens=4) for i in range(16))
            return await asyncio.gather(*calls)

    return all(a.choices[0].text for a in asyncio.run(ask()))


def refused(path):
    try:
        client.post(path, body={}, cast_to=object)
    except openai.NotFoundError as e:
        return e.status_code == 404 and e.body
    return False


model = client.models.list().data[0].id
check("models", lambda: model)
check("completion", lambda: client.completions.create(model=model, prompt="A river is", max_tokens=8).choices[0].text)
check("chat", lambda: client.chat.completions.create(model=model, messages=question(), max_tokens=8).usage.total_tokens)
check("chat, streamed with usage", streamed_text)
check("stream closed by the client", stream_left_early)
check("16 requests at once", many_at_once)
check("unknown path is a NotFoundError", lambda: refused("/no/such/path"))
print(f"{counts[True]} passed, {counts[False]} failed")
raise SystemExit(counts[False] > 0)
