# SPDX-License-Identifier: Apache-2.0
"""What the checks of a prefill/decode pair share: seeded requests, asking for answers, counters of engines, verdicts."""

import asyncio
import random
import re
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field

import openai
from tiny_gguf import WORDS

MODEL = "tandem-sim"
METRIC = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)")
ASCII_WORDS = [word for word in WORDS if word.isascii()]
SEED = 20261121


def words(rng, count):
    """A prompt of that many tokens: every word with its space is one token of the tiny model."""
    return "".join(" " + word for word in rng.choices(ASCII_WORDS, k=count))


@dataclass
class Request:
    """One request: `api` is completions or chat; `eligible` says whether it may be split over two engines."""

    api: str
    body: dict
    eligible: bool = True

    @property
    def streamed(self):
        return self.body.get("stream", False)


@dataclass
class Answer:
    """What a client saw: the texts of all choices and how they ended, the usage, the headers, and any error."""

    texts: list = field(default_factory=list)
    finishes: list = field(default_factory=list)
    usage: object = None
    headers: dict = field(default_factory=dict)
    error: str = ""
    timings: dict = field(default_factory=dict)

    def said(self):
        return (self.texts, self.finishes, self.error)


class Asker:
    """Asks one server with OpenAI's asynchronous SDK, which may ask again only when the server is not on trial."""

    def __init__(self, url, timeout=180, retries=0):
        self.url = url
        self.client = openai.AsyncOpenAI(base_url=url + "/v1", api_key="none", max_retries=retries, timeout=timeout)

    async def ask(self, request, on_chunk=None):
        answer = Answer()
        try:
            await self._ask(request, answer, on_chunk)
        except openai.APIError as e:
            answer.error = f"{type(e).__name__}: {e}"
        return answer

    async def _ask(self, request, answer, on_chunk):
        resource = self.client.completions if request.api == "completions" else self.client.chat.completions
        raw = await resource.with_raw_response.create(model=MODEL, **request.body)
        answer.headers = {k.lower(): v for k, v in raw.headers.items()}
        parsed = raw.parse()
        if not request.streamed:
            for choice in parsed.choices:
                answer.texts.append(choice.text if request.api == "completions" else choice.message.content)
                answer.finishes.append(choice.finish_reason)
            answer.usage = parsed.usage
            answer.timings = (parsed.model_extra or {}).get("timings", {})
            return
        texts, finishes = {}, {}
        async with parsed:
            async for chunk in parsed:
                for choice in chunk.choices:
                    text = choice.text if request.api == "completions" else choice.delta.content
                    texts[choice.index] = texts.get(choice.index, "") + (text or "")
                    finishes[choice.index] = choice.finish_reason or finishes.get(choice.index)
                answer.texts = [texts[i] for i in sorted(texts)]
                answer.usage = chunk.usage or answer.usage
                if on_chunk:
                    on_chunk()
        answer.finishes = [finishes[i] for i in sorted(finishes)]

    async def ask_all(self, requests, at_a_time):
        """Answers in the order of the requests."""
        gate = asyncio.Semaphore(at_a_time)

        async def one(request):
            async with gate:
                return await self.ask(request)

        return await asyncio.gather(*map(one, requests))


class Engine:
    """Reads the counters of an engine."""

    def __init__(self, url):
        self.url = url

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=30) as answer:
            found = (METRIC.match(line) for line in answer.read().decode().splitlines())
            return [(m[1], m[2] or "", float(m[3])) for m in found if m]

    def value(self, name, label=""):
        """Sum over the series of that name that have the label; 0 when there is none."""
        return sum(v for n, labels, v in self.metrics() if n == name and label in labels)

    def values(self, **wanted):
        """Several sums of one scrape: key = name or (name, label)."""
        rows = self.metrics()
        pairs = {key: (spec, "") if isinstance(spec, str) else spec for key, spec in wanted.items()}
        return {k: sum(v for n, labels, v in rows if n == name and label in labels) for k, (name, label) in pairs.items()}


def grown(before, after):
    return {key: after[key] - before[key] for key in before}


class Verdicts:
    """Prints one line a check and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, ok, seen=""):
        self.passed += bool(ok)
        self.failed += not ok
        print(f"{'PASS' if ok else 'FAIL'}  {name}" + (f" ({seen})" if seen != "" else ""), flush=True)
        return bool(ok)

    def note(self, text):
        print(f"      {text}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


async def until(condition, seconds):
    """Polls until the condition holds; returns the seconds it took, or None when it did not hold in time."""
    began = time.monotonic()
    while time.monotonic() - began <= seconds:
        if await asyncio.to_thread(condition):
            return round(time.monotonic() - began, 1)
        await asyncio.sleep(0.1)
    return None


def engines(script, *arguments):
    """Calls engines.sh, which starts, stops and signals engines."""
    subprocess.run([script, *arguments], check=True, stdin=subprocess.DEVNULL)


def process_group(script, kind, side):
    """The number of the process group of an engine that runs."""
    answer = subprocess.run([script, "group", kind, side], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return int(answer.stdout)


def mixed(rng, count):
    """Requests of all kinds; one in ten may not be split over two engines (several choices, several prompts)."""
    requests, prefix = [], words(rng, 140)
    for number in range(count):
        length = rng.choice([rng.randint(5, 40), rng.randint(100, 200), rng.randint(257, 900)])
        prompt = (prefix if number % 10 == 3 else "") + words(rng, length)
        body = {"max_tokens": rng.randint(1, 40), "temperature": 0}
        if rng.random() < 0.5:
            body["stream"] = True
            if rng.random() < 0.7:
                body["stream_options"] = {"include_usage": True}
        if number % 20 == 5:
            body["stop"] = [" ocean", " rain", " green"]
        eligible = True
        if number % 10 == 9:
            eligible = False
            if number % 20 == 9:
                body |= {"n": 2, "temperature": 0.8, "seed": number}
            else:
                prompt = [prompt, words(rng, 12)]
        if eligible and rng.random() < 0.35:
            turns = [{"role": "system", "content": words(rng, 8)}, {"role": "user", "content": prompt}]
            requests.append(Request("chat", {**body, "messages": turns}))
        elif eligible and number % 10 == 7:
            tokens = [rng.randint(260, 400) for _ in range(length)]
            requests.append(Request("completions", {**body, "prompt": tokens}))
        else:
            requests.append(Request("completions", {**body, "prompt": prompt}, eligible))
    return requests


def plain(rng, length, tokens=24, **more):
    return Request("completions", {"prompt": words(rng, length), "max_tokens": tokens, "temperature": 0, **more})


def generator(seed, name):
    return random.Random(f"{seed} {name}")
