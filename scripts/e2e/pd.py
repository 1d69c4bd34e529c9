#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks a real prefill/decode pair behind a running gateway: pd.py CHECK… --gateway URL --prefill URL --decode URL

  connector  what the gateway found out about its workers by itself, with connector auto
  nixl     mixed requests: text of an engine that computes alone, hand-over by the decode engine's counters, no KV
           block left held on the prefill engine, the same after clients that leave at random moments
  store    prompts of 300 tokens over a shared store: the decode engine loads at least 128 of them
  slots    llama.cpp: the decode engine evaluates at most 2 tokens of a prompt of 500, and nothing is mixed up
  turns    conversations on engines with bidirectional_kv_xfer: prefill reads the last turn (needs --management)
  aborts   clients that leave: the engines notice
  crowd    200 streams at a time
  resume   streams whose decode engine is killed, with tandem.stream.resume (as faults, and --management)
  hung     the core of an engine stands still below whole answers (two engines with the role unified; as resume)
  faults   engines that are killed, restarted and frozen (needs --engines and --kind)

The engine "that computes alone" is the prefill engine, asked directly: it never receives KV from anyone, which its
counters confirm. Everything random comes from --seed. Closes with "N passed, N failed". Needs the package openai.
"""

import argparse
import asyncio
import json
import sys
import urllib.request

import pd_faults
from pd_lib import SEED, Asker, Engine, Request, Verdicts, generator, grown, mixed, plain, until, words

EXTERNAL = ("vllm:prompt_tokens_by_source_total", 'source="external_kv_transfer"')
LOCAL = ("vllm:prompt_tokens_by_source_total", 'source="local_compute"')
TRANSFERS = "vllm:nixl_xfer_time_seconds_count"
EXPIRED = "vllm:nixl_num_kv_expired_reqs_total"
TOO_LATE = "vllm:nixl_num_notifications_after_expiry_total"
HELD = "vllm:kv_cache_usage_perc"
LEASE_LIMIT_SECONDS = 150  # the engine gives blocks back 72 s after a decode leg that never came


class Pair:
    """The gateway and both engines, and what to do with them."""

    def __init__(self, options):
        self.options = options
        self.gateway = Asker(options.gateway)
        # an engine closes kept connections by itself, llama-server after 100 requests
        self.alone = Asker(options.prefill, retries=3)
        self.prefill = Engine(options.prefill)
        self.decode = Engine(options.decode)
        self.verdicts = Verdicts()
        self.check = self.verdicts.check

    def rng(self, name):
        return generator(self.options.seed, name)

    async def same_text(self, name, requests, answers, at_a_time=4):
        expected = await self.alone.ask_all(requests, at_a_time)
        wrong = [i for i, (a, e) in enumerate(zip(answers, expected)) if a.said() != e.said()]
        for i in wrong[:5]:
            self.verdicts.note(f"request {i} {requests[i].api} {str(requests[i].body)[:160]}")
            self.verdicts.note(f"  through: {answers[i].said()}\n        alone:   {expected[i].said()}")
        self.check(f"{name}: {len(requests)} answers are those of an engine alone", not wrong, f"{len(wrong)} differ")

    def counter(self, name, label):
        return Engine(self.options.management).value(name, label)

    async def idle(self, name):
        """All requests have left both engines."""
        took = await until(lambda: self.running() == 0, 20)
        self.check(f"{name}: no request runs on either engine", took is not None, f"after {took} s")

    def running(self):
        names = ("vllm:num_requests_running", "vllm:num_requests_waiting", "llamacpp:requests_processing")
        return sum(engine.value(name) for engine in (self.prefill, self.decode) for name in names)


async def nixl(pair):
    rng = pair.rng("nixl")
    await free(pair, "the leg that told auto who moves the blocks", LEASE_LIMIT_SECONDS)
    requests = mixed(rng, pair.options.requests)
    received = pair.prefill.values(tokens=EXTERNAL)
    before = pair.decode.values(transfers=TRANSFERS, external=EXTERNAL, local=LOCAL)
    leases = pair.prefill.values(expired=EXPIRED, late=TOO_LATE)
    answers = await pair.gateway.ask_all(requests, 4)
    await pair.idle("hand-over")
    after = grown(before, pair.decode.values(transfers=TRANSFERS, external=EXTERNAL, local=LOCAL))
    eligible = [a for r, a in zip(requests, answers) if r.eligible]
    split = sum("x-tandem-prefill" in a.headers for a in eligible)
    pair.check("hand-over: the gateway says so in eligible answers", split >= 0.99 * len(eligible), f"{split} of {len(eligible)}")
    pair.check(
        "hand-over: transfers counted by the decode engine, >= 99 % of eligible requests",
        after["transfers"] >= 0.99 * len(eligible),
        f"{after['transfers']:.0f} of {len(eligible)}; {after['external']:.0f} tokens came, {after['local']:.0f} computed there",
    )
    await free(pair, "hand-over", 15)
    expired = grown(leases, pair.prefill.values(expired=EXPIRED, late=TOO_LATE))
    pair.check("hand-over: no lease ran out", not any(expired.values()), expired)
    await pair.same_text("hand-over", requests, answers)
    await poison(pair)
    await leave(pair, rng)
    await free(pair, "after clients that left", LEASE_LIMIT_SECONDS)
    pair.verdicts.note(f"leases that ran out since the start: {pair.prefill.value(EXPIRED):.0f}")
    again = mixed(rng, 20)
    await pair.same_text("after clients that left", again, await pair.gateway.ask_all(again, 4))
    computed = grown(received, pair.prefill.values(tokens=EXTERNAL))["tokens"]
    pair.check("the prefill engine received KV from nobody", computed == 0, f"{computed:.0f} tokens")


async def poison(pair):
    """Parameters that kill vLLM 0.32.0 when they reach it (a KeyError ends its engine core)."""
    for params in ({"do_remote_prefill": True, "remote_engine_id": "x"}, {"do_remote_prefill": True, "do_remote_decode": True}):
        request = plain(pair.rng("poison"), 40, 8, extra_body={"kv_transfer_params": params})
        answer = await pair.gateway.ask(request)
        del request.body["extra_body"]
        await pair.same_text("KV parameters of a client", [request], [answer])
    alive = [engine.metrics() for engine in (pair.prefill, pair.decode)]
    pair.check("KV parameters of a client: both engines live", all(alive))


async def free(pair, name, seconds):
    took = await until(lambda: pair.prefill.value(HELD) == 0, seconds)
    seen = f"after {took} s" if took is not None else f"{pair.prefill.value(HELD):.4f} of the cache is held"
    pair.check(f"{name}: no KV block is held on the prefill engine", took is not None, seen)
    took = await until(lambda: pair.decode.value(HELD) == 0, seconds)
    pair.check(f"{name}: none on the decode engine", took is not None, f"after {took} s")


async def leave(pair, rng):
    """Clients close their connections at random moments: before, during and after the hand-over."""
    count = pair.options.aborts
    gate = asyncio.Semaphore(4)
    reached = {"cut": 0, "done": 0}

    async def one(request, patience):
        async with gate:
            try:
                await asyncio.wait_for(pair.gateway.ask(request), patience)
                reached["done"] += 1
            except TimeoutError:
                reached["cut"] += 1
            except asyncio.TimeoutError:  # Python 3.10
                reached["cut"] += 1

    # how long an answer takes here, so that most clients leave inside theirs, on fast machines and slow ones
    began = asyncio.get_running_loop().time()
    await pair.gateway.ask(plain(pair.rng("pace"), 400, 400))
    whole = asyncio.get_running_loop().time() - began
    work = []
    for number in range(count):
        request = plain(rng, rng.randint(20, 900), rng.randint(300, 900), stream=number % 3 != 0)
        work.append(one(request, rng.uniform(0.005, min(1.2, whole))))
    await asyncio.gather(*work)
    pair.check(f"{count} clients left", reached["cut"] >= 0.5 * count, f"{reached['done']} of them were answered before")
    took = await until(lambda: pair.running() == 0, 20)
    pair.check("clients that left: their requests end on both engines", took is not None, f"after {took} s")


async def aborts(pair):
    await leave(pair, pair.rng("aborts"))
    again = [plain(pair.rng("after aborts"), 100)]
    await pair.same_text("after clients that left", again, await pair.gateway.ask_all(again, 1))


async def store(pair):
    """One request at a time, so that the counters tell of it."""
    rng = pair.rng("store")
    requests = [
        plain(rng, 300, 16, **({"stream": True, "stream_options": {"include_usage": True}} if i % 2 else {}))
        for i in range(pair.options.requests)
    ]
    answers, loaded = [], []
    for request in requests:
        before = pair.decode.value(*EXTERNAL)
        answers.append(await pair.gateway.ask(request))
        loaded.append(pair.decode.value(*EXTERNAL) - before)
    few = [tokens for tokens in loaded if tokens < 128]
    pair.check(
        f"{len(requests)} prompts of 300 tokens: the decode engine loads >= 128 of each",
        not few,
        f"{min(loaded):.0f} to {max(loaded):.0f} tokens; {len(few)} below 128",
    )
    cached = [a.usage.prompt_tokens_details.cached_tokens for a in answers if a.usage and a.usage.prompt_tokens_details]
    pair.check("the answers' usage has what prefill found", len(cached) == len(answers) and max(cached) < 128, f"up to {max(cached, default=0)}")
    await pair.same_text("shared store", requests, answers)


async def connector(pair):
    """What the gateway found out about its workers by itself."""
    with urllib.request.urlopen(pair.options.gateway + "/healthz", timeout=30) as answer:
        found = [worker.get("connector") for worker in json.load(answer)["workers"]]
    wanted = {"nixl": "nixl", "llamacpp": "llamacpp-slot"}.get(pair.options.kind, "shared-cache")
    pair.check(f"connector auto: both workers speak {wanted}", found == [wanted] * 2, found)


async def turns(pair):
    """Conversations: from the second turn on prefill reads what decode has computed in the one before."""
    conversations, length = 8, 4
    rng = pair.rng("turns")
    received = pair.prefill.values(tokens=EXTERNAL)
    chats = [[{"role": "user", "content": words(rng, 120)}] for _ in range(conversations)]
    asked = []
    for turn in range(length):
        requests = [turn_of(chat, name) for name, chat in enumerate(chats)]
        answers = await pair.gateway.ask_all(requests, 4)
        asked += [(plain_turn(r), a) for r, a in zip(requests, answers)]
        for chat, answer in zip(chats, answers):
            chat.append({"role": "assistant", "content": answer.texts[0]})
            chat.append({"role": "user", "content": words(rng, 20)})
    came = grown(received, pair.prefill.values(tokens=EXTERNAL))["tokens"]
    due = conversations * (length - 1)
    read = pair.counter("tandem_turns_total", 'turn="read"')
    changed = pair.counter("tandem_turns_total", 'turn="changed"')
    pair.check("conversations: turns read back", read >= 0.8 * due, f"{read:.0f} of {due}; {changed:.0f} began otherwise")
    pair.check("conversations: tokens that prefill got from decode", came >= 64 * read, f"{came:.0f}")
    await pair.same_text("conversations", [r for r, _ in asked], [a for _, a in asked])
    changed_one = turn_of([{"role": "user", "content": words(rng, 120)}], 0)
    answer = await pair.gateway.ask(changed_one)
    await pair.same_text("another history", [plain_turn(changed_one)], [answer])
    now = pair.counter("tandem_turns_total", 'turn="changed"')
    pair.check("another history: noticed", now == changed + 1, f"{now:.0f} after {changed:.0f}")


def turn_of(chat, name):
    # 100 tokens of an answer are more than the engine's threshold of 64
    body = {"messages": list(chat), "temperature": 0, "max_tokens": 100}
    return Request("chat", {**body, "extra_body": {"ignore_eos": True, "conversation_id": f"c{name}"}})


def plain_turn(request):
    # what the prefill engine has read from the other one stays out of sight of another salt
    return Request("chat", {**request.body, "extra_body": {"ignore_eos": True, "cache_salt": "alone"}})


async def slots(pair):
    rng = pair.rng("slots")
    evaluated = "llamacpp:prompt_tokens_total"
    counts, requests, answers = [], [], []
    for i in range(8):
        requests.append(plain(rng, 500, 16, stream=i % 2 == 1))
        before = pair.decode.value(evaluated)
        answers.append(await pair.gateway.ask(requests[-1]))
        counts.append(pair.decode.value(evaluated) - before)
    pair.check("prompts of 500 tokens: the decode engine evaluates <= 2", max(counts) <= 2, f"{[int(c) for c in counts]}")
    await pair.same_text("slots, one at a time", requests, answers)
    # four at a time, as many as there are slots
    requests = [plain(rng, rng.randint(260, 520), 24, stream=i % 2 == 1) for i in range(pair.options.requests)]
    requests[::10] = [
        Request("chat", {"messages": [{"role": "user", "content": r.body["prompt"]}], "max_tokens": 16, "temperature": 0})
        for r in requests[::10]
    ]
    before = pair.decode.value(evaluated)
    answers = await pair.gateway.ask_all(requests, 4)
    total = pair.decode.value(evaluated) - before
    split = sum("x-tandem-prefill" in a.headers for a in answers)
    pair.check("slots, four at a time: handed over", split >= 0.99 * len(answers), f"{split} of {len(answers)}")
    pair.verdicts.note(f"prompt tokens that the decode engine evaluated: {total:.0f} for {len(answers)} requests")
    texts = {a.texts[0] for a in answers if a.texts}
    pair.check("their answers differ from each other, so a mix-up would show", len(texts) >= 0.9 * len(answers), len(texts))
    await pair.same_text("slots, four at a time", requests, answers)
    await pair.idle("slots")


async def crowd(pair):
    rng = pair.rng("crowd")
    requests = [plain(rng, rng.randint(10, 120), 24, stream=True) for _ in range(200)]
    answers = await pair.gateway.ask_all(requests, len(requests))
    errors = [a.error for a in answers if a.error]
    pair.check("200 streams at a time: all end well", not errors, errors[:3])
    await pair.same_text("200 streams at a time", requests, answers, 8)
    await pair.idle("200 streams at a time")


CHECKS = {"connector": connector, "nixl": nixl, "store": store, "slots": slots, "turns": turns, "aborts": aborts, "crowd": crowd}
CHECKS["faults"] = pd_faults.faults
CHECKS["resume"] = pd_faults.resume
CHECKS["hung"] = pd_faults.hung


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="+", choices=CHECKS)
    for name in ("gateway", "prefill", "decode"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--aborts", type=int, default=50)
    parser.add_argument("--stream-tokens", type=int, default=600, help="tokens of the shortest stream that survives")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--management", help="URL of the gateway's metrics")
    parser.add_argument("--engines", help="path of engines.sh")
    parser.add_argument("--kind", help="the kind of engines that runs")
    options = parser.parse_args()
    print(f"      seed {options.seed}", flush=True)

    async def run():
        pair = Pair(options)
        for check in options.checks:
            await CHECKS[check](pair)
        return pair.verdicts.close()

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
