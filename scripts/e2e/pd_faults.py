# SPDX-License-Identifier: Apache-2.0
"""Engines that die, come back and freeze while the gateway serves: a part of pd.py, which has the words."""

import asyncio
import functools
import itertools
import json
import os
import signal
import time
import urllib.request

from pd_lib import Request, engines, plain, process_group, until

# The gateway of this check runs with tandem.engine.answer-silence and stream-silence of 15 s.
SILENCE_SECONDS = 15
ENOUGH = 45
WAYS = {True: "two engines", False: "one engine", None: "whoever can"}


class Faults:
    """Brings faults about."""

    def __init__(self, pair):
        self.pair = pair
        self.check = pair.check
        self.rng = pair.rng("faults")

    def signal(self, side, name, *title):
        engines(self.pair.options.engines, "signal", self.pair.options.kind, side, name, *title)

    def trigger(self, side, number):
        """What sends a signal once, and at once: finding the engine's processes takes longer than a fast one's stream."""
        group = process_group(self.pair.options.engines, self.pair.options.kind, side)
        return functools.cache(lambda: os.killpg(group, number))

    async def start(self, side):
        await asyncio.to_thread(engines, self.pair.options.engines, "start", self.pair.options.kind, side)

    def states(self):
        try:
            with urllib.request.urlopen(self.pair.options.gateway + "/healthz", timeout=5) as answer:
                return json.load(answer)["status"]
        except OSError as e:
            return str(e)

    async def whole_again(self, name):
        took = await until(lambda: self.states() == "ok", 60)
        self.check(f"{name}: the gateway takes it back", took is not None, f"after {took} s")

    async def cut_stream(self, side, number, limit):
        """A long stream; the signal falls after its first chunks. Returns the answer and the time from then to the end."""
        fall = self.trigger(side, number)
        seen = {"chunks": 0, "at": 0.0}

        def on_chunk():
            seen["chunks"] += 1
            if seen["chunks"] == 3:
                fall()
                seen["at"] = time.monotonic()

        request = plain(self.rng, 300, 3500 if self.pair.options.kind == "llamacpp" else 1700, stream=True)
        answer = await asyncio.wait_for(self.pair.gateway.ask(request, on_chunk), limit)
        return answer, time.monotonic() - seen["at"]

    async def served(self, name, split):
        """A fresh request is answered; over two engines, over one, or (None) either way."""
        request = plain(self.rng, 300, 16)
        began = time.monotonic()
        answer = await self.pair.gateway.ask(request)
        took = time.monotonic() - began
        way = "x-tandem-prefill" in answer.headers
        ok = not answer.error and answer.texts and split in (way, None)
        seen = answer.error or f"{took:.1f} s, {WAYS[way]}, attempts {answer.headers.get('x-tandem-attempts')}"
        self.check(f"{name}: a request is served by {WAYS[split]}", ok, seen)
        return request, answer


async def faults(pair):
    rig = Faults(pair)
    await decode_killed(rig)
    await prefill_killed(rig)
    await prefill_frozen(rig)
    await decode_frozen(rig)


async def decode_killed(rig):
    answer, took = await rig.cut_stream("decode", signal.SIGKILL, ENOUGH)
    rig.check("decode killed in a stream: the client is told", bool(answer.error) and answer.texts, f"{answer.error[:120]}; {took:.1f} s")
    request, answer = await rig.served("decode dead", split=False)
    await rig.pair.same_text("decode dead", [request], [answer])
    await rig.start("decode")
    await rig.whole_again("decode on its port again")
    request, answer = await rig.served("decode on its port again", split=True)
    await rig.pair.same_text("decode on its port again", [request], [answer])


async def resume(pair):
    """Streams whose decode engine is killed: with tandem.stream.resume the prefill engine goes on with each of them."""
    rig = Faults(pair)
    die = rig.trigger("decode", signal.SIGKILL)
    running = set()

    async def ask(request):
        chunks = itertools.count(1)

        def on_chunk():
            if next(chunks) == 10:
                running.add(id(request))
                if len(running) == 3:
                    die()

        answer = await pair.gateway.ask(request, on_chunk)
        running.discard(id(request))
        return answer

    requests = [streamed(rig.rng, i, pair.options.stream_tokens) for i in range(10)]
    answers = await asyncio.gather(*map(ask, requests))
    await pair.same_text("decode killed below ten streams", requests, answers)
    whole = [a.usage.completion_tokens == r.body["max_tokens"] for r, a in zip(requests, answers) if a.usage]
    pair.check("decode killed below ten streams: usage is that of whole answers", whole == [True] * 10, f"{sum(whole)} of 10")
    resumed = pair.counter("tandem_resumes_total", 'fate="resumed"')
    pair.check("decode killed below ten streams: others went on", resumed >= 1, f"{resumed:.0f} of 10 streams")


async def hung(pair):
    """Both engines serve whole requests; then the core of one stands still, and its health check still answers.

    The gateway of this check runs with tandem.health.stall of 4 s.
    """
    rig = Faults(pair)
    requests = [plain(rig.rng, 60, 1800) for _ in range(4)]
    began = time.monotonic()
    answers = await pair.gateway.ask_all(requests, 4)
    took = time.monotonic() - began
    ejected = pair.counter("tandem_ejections_total", 'role="unified"')
    pair.check("engines that work: long whole answers are waited for", ejected == 0 and took > 4, f"{took:.1f} s")
    await pair.same_text("engines that work", requests, answers)
    requests = [plain(rig.rng, 60, 24) for _ in range(6)]
    rig.signal("decode", "STOP", "EngineCore")
    try:
        answers = await asyncio.wait_for(pair.gateway.ask_all(requests, 6), ENOUGH)
        moved = pair.counter("tandem_retries_total", "")
        pair.check("engine core frozen: whole answers are served elsewhere", moved >= 2, f"{moved:.0f} of 6 moved")
    except asyncio.TimeoutError:
        pair.check("engine core frozen: whole answers are served elsewhere", False, f"no end within {ENOUGH} s")
    finally:
        rig.signal("decode", "CONT", "EngineCore")
    await rig.whole_again("engine core thawed")
    await pair.same_text("engine core frozen", requests, answers)


def streamed(rng, number, tokens):
    length, tokens = 60 + 30 * number, tokens + 20 * number
    if number % 2:
        return plain(rng, length, tokens, stream=True, stream_options={"include_usage": True})
    request = plain(rng, length, tokens, stream=True, stream_options={"include_usage": True})
    body = {key: value for key, value in request.body.items() if key != "prompt"}
    return Request("chat", {**body, "messages": [{"role": "user", "content": request.body["prompt"]}]})


async def prefill_killed(rig):
    rig.signal("prefill", "KILL")
    await rig.served("prefill just killed", split=None)
    await rig.start("prefill")
    await rig.whole_again("prefill on its port again")
    request, answer = await rig.served("prefill on its port again", split=True)
    await rig.pair.same_text("prefill on its port again", [request], [answer])


async def prefill_frozen(rig):
    rig.signal("prefill", "STOP")
    request = plain(rig.rng, 300, 16)
    began = time.monotonic()
    try:
        answer = await asyncio.wait_for(rig.pair.gateway.ask(request), ENOUGH)
        seen = answer.error or f"answered after {time.monotonic() - began:.1f} s"
        rig.check("prefill frozen: the request in flight ends", True, seen)
        took = await until(lambda: rig.states() == "degraded", 30)
        rig.check("prefill frozen: taken out", took is not None, f"after {took} s")
        await rig.served("prefill frozen", split=False)
    except asyncio.TimeoutError:
        rig.check("prefill frozen: the request in flight ends", False, f"no end within {ENOUGH} s")
    finally:
        rig.signal("prefill", "CONT")
    await rig.whole_again("prefill thawed")
    request, answer = await rig.served("prefill thawed", split=True)
    await rig.pair.same_text("prefill thawed", [request], [answer])


async def decode_frozen(rig):
    try:
        answer, took = await rig.cut_stream("decode", signal.SIGSTOP, ENOUGH)
        rig.check("decode frozen in a stream: the client is told", bool(answer.error), f"{answer.error[:120]}; {took:.1f} s")
    except asyncio.TimeoutError:
        rig.check("decode frozen in a stream: the client is told", False, f"no end within {ENOUGH} s")
    finally:
        rig.signal("decode", "CONT")
    await rig.whole_again("decode thawed")
    request, answer = await rig.served("decode thawed", split=True)
    await rig.pair.same_text("decode thawed", [request], [answer])
    await rig.pair.idle("faults")
