#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the gateway with each preset, on the preset's own ports, in front of simulated engines, and asks it.

presets.py --java JAVA --jar JAR --work FOLDER [PRESET…]. All engines run in one process; they are started once.
Closes with "N passed, N failed". Counters are compared as "at least": the gateway may send requests of its own.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

MODEL = "tandem-sim"
ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PATIENCE_SECONDS = 120
SIMULATOR = "dev.tandem.simulator.SimulatorMain"
LAUNCHER = "org.springframework.boot.loader.launch.PropertiesLauncher"
ALONE = "http://127.0.0.1:8900"
ALONE_128 = "http://127.0.0.1:8901"  # the simulator's text depends on the size of blocks
JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
REQUESTS = 8  # of each preset; every other one is a chat, two of four are streamed
EXTERNAL = ("vllm:prompt_tokens_by_source_total", 'source="external_kv_transfer"')
PAIR_LINE = re.compile(r"PD retry attempt 0 .*using prefill=\S+ decode=\S+")


@dataclass
class Preset:
    """What stands around one preset.

    roles counts workers; sessions: each request is of its own session; alone: a single engine for the texts to compare.
    """

    port: int
    management: int
    engines: list
    roles: dict
    environment: dict = field(default_factory=dict)
    sessions: bool = False
    alone: str = ALONE
    names: tuple = ()

    def decodes(self):
        return [url for url, role, _ in self.engines if role == "decode"]


def engine(url, role, *options):
    """An engine: where it listens, what it is, its command line."""
    host, port = url.removeprefix("http://").split(":")
    serve = ["serve", MODEL, "--host", host, "--port", port, "--sim-speed", "instant", "--enable-prompt-tokens-details"]
    return url, role, [*serve, *options]


def transfer(connector, role, **settings):
    return ["--kv-transfer-config", json.dumps({"kv_connector": connector, "kv_role": role, **settings})]


def presets(work):
    store = ["--sim-store", os.path.join(work, "store")]
    shared = [*transfer("OffloadingConnector", "kv_both"), *store]
    single = engine("http://127.0.0.1:8010", "prefill", *shared)
    return {
        "openai-proxy": Preset(8088, 9088, [single], {"prefill": 1}),
        "single-gpu": Preset(
            8088, 9088, [single, engine("http://127.0.0.1:8020", "decode", *shared)], {"prefill": 1, "decode": 1}
        ),
        "lmcache-nixl": Preset(9000, 9088, lmcache(), {"prefill": 2, "decode": 1}),
        "p2p-nccl": Preset(3000, 9088, p2p(2, 3), {"prefill": 2, "decode": 3}),
        "k8s-pd-8x8": cluster(8),
    }


def lmcache():
    """LMCache's xp1d: each prefill engine knows the receiver from its own settings."""

    def pd(role, kv_role):
        peer = {"pd_role": role, "pd_peer_host": "127.0.0.1", "pd_peer_init_port": "7300", "enable_pd": "true"}
        extra = {f"lmcache.{name}": value for name, value in peer.items()}
        return transfer("LMCacheConnectorV1", kv_role, kv_connector_extra_config=extra)

    return [
        engine("http://127.0.0.1:8200", "decode", *pd("receiver", "kv_consumer")),
        engine("http://127.0.0.1:8100", "prefill", *pd("sender", "kv_producer")),
        engine("http://127.0.0.1:8101", "prefill", *pd("sender", "kv_producer")),
    ]


def p2p(prefills, decodes):
    """Engines that register at port 30001 by themselves, every 3 s."""

    def options(role, http, kv):
        extra = {"proxy_ip": "127.0.0.1", "proxy_port": "30001", "http_port": str(http), "send_type": "PUT_ASYNC"}
        config = transfer("P2pNcclConnector", role, kv_port=str(kv), kv_connector_extra_config=extra)
        return ["--sim-version", "0.13.0", *config]

    def row(count, role, kv_role, http, kv):
        return [engine(f"http://127.0.0.1:{http + i}", role, *options(kv_role, http + i, kv + i)) for i in range(count)]

    return row(prefills, "prefill", "kv_producer", 5000, 20001) + row(decodes, "decode", "kv_consumer", 6000, 21001)


def cluster(size):
    """The pods: an address of its own for each, all prefill workers on port 8000, all decode workers on 8200."""
    nixl = ["--block-size", "128", *transfer("NixlConnector", "kv_both")]
    prefills = [f"http://127.0.1.{i + 1}:8000" for i in range(size)]
    decodes = [f"http://127.0.2.{i + 1}:8200" for i in range(size)]
    return Preset(
        10001,
        29000,
        [*(engine(url, "prefill", *nixl) for url in prefills), *(engine(url, "decode", *nixl) for url in decodes)],
        {"prefill": size, "decode": size},
        {"PREFILL_URLS": ",".join(prefills), "DECODE_URLS": ",".join(decodes)},
        sessions=True,
        alone=ALONE_128,
        names=("vllm_router_",),
    )


class Verdicts:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, good, seen=""):
        print(f"{'PASS' if good else 'FAIL'}  {name}", flush=True)
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"      {seen}", flush=True)


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def until(what, condition, process):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (urllib.error.URLError, OSError, ValueError):
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"{what}: not within {PATIENCE_SECONDS} s")


def ask(base, number, chat, stream, session):
    """Returns text and headers of one answer; the prompt has some 500 tokens that no other one begins with."""
    prompt = f"question {number} " + "the quick brown fox jumps over the lazy dog and runs away " * 35
    said = {"messages": [{"role": "user", "content": prompt}]} if chat else {"prompt": prompt}
    body = {"model": MODEL, "max_tokens": 24, "temperature": 0, "ignore_eos": True, "stream": stream, **said}
    headers = {"Content-Type": "application/json", **({"x-session-id": f"session-{number}"} if session else {})}
    path = "/v1/chat/completions" if chat else "/v1/completions"
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return text_of(answer.read().decode(), stream), answer.headers


def text_of(answer, stream):
    if not stream:
        return said_in(json.loads(answer)["choices"][0])
    events = [line[6:] for line in answer.splitlines() if line.startswith("data: ")]
    if events[-1:] != ["[DONE]"]:
        raise ValueError(f"no end: {answer[-300:]}")
    return "".join(said_in(choice) for event in events[:-1] for choice in json.loads(event)["choices"])


def said_in(choice):
    return choice.get("text") or (choice.get("delta") or choice.get("message") or {}).get("content") or ""


def counter(url, name, label):
    lines = [line for line in get(url + "/metrics").splitlines() if line.startswith(name + "{") and label in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def moved(preset):
    return sum(counter(url, *EXTERNAL) for url in preset.decodes())


def workers_up(preset):
    workers = json.loads(get(f"http://127.0.0.1:{preset.port}/healthz"))["workers"]
    return len(workers) == len(preset.engines) and all(worker["state"] == "up" for worker in workers)


def busy(ports):
    found = []
    for host, port in sorted(ports):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                found.append(f"{host}:{port}")
    return found


def start_engines(options, chosen):
    lines = {line[0]: line[2] for preset in chosen.values() for line in preset.engines}
    command = [options.java, *JVM, "-Xmx512m", f"-Dloader.main={SIMULATOR}", "-cp", options.jar, LAUNCHER]
    command += engine(ALONE, "alone")[2]
    for line in [engine(ALONE_128, "alone", "--block-size", "128")[2], *lines.values()]:
        command += ["--sim-next", *line]
    environment = {**os.environ, "VLLM_NIXL_SIDE_CHANNEL_PORT": "0", "VLLM_NIXL_SIDE_CHANNEL_HOST": "127.0.0.1"}
    log = open(os.path.join(options.work, "engines.log"), "w")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    for url in [ALONE, ALONE_128, *lines]:
        until(f"engine {url}", lambda at=url: get(at + "/health") is not None, process)
    return process


def start_gateway(options, name, preset):
    log = os.path.join(options.work, f"gateway-{name}.log")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("TANDEM_", "ROUTER_"))},
        "TANDEM_PRESET": f"file:{ROOT}/configs/router/{name}.yml",
        "LOGGING_LEVEL_DEV_TANDEM_GATEWAY_PIPELINE": "DEBUG",
        **preset.environment,
    }
    command = [options.java, *JVM, "-Xmx256m", "-jar", options.jar]
    with open(log, "w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    return process, log


def run(options, name, preset, verdicts):
    process, log = start_gateway(options, name, preset)
    try:
        until(f"{name}: {len(preset.engines)} workers up", lambda: workers_up(preset), process)
        verdicts.check(f"{name}: {len(preset.engines)} workers up, on the preset's ports", True)
        answers(name, preset, verdicts)
        metrics(name, preset, verdicts)
        if preset.decodes():
            said = PAIR_LINE.search(open(log).read())
            verdicts.check(f"{name}: the log tells of each decision, as vllm-router's did", said, "no line")
    except (SystemExit, OSError, ValueError) as failure:
        verdicts.check(f"{name}: runs", False, f"{failure}\n{open(log).read()[-3000:]}")
    finally:
        process.terminate()
        process.wait()


def answers(name, preset, verdicts):
    before = moved(preset)
    wrong, pairs = [], []
    for number in range(REQUESTS * (3 if preset.sessions else 1)):
        shape = (number, number % 2 == 1, number % 4 > 1, preset.sessions)
        text, headers = ask(f"http://127.0.0.1:{preset.port}", *shape)
        expected, _ = ask(preset.alone, *shape)
        if not text or text != expected:
            wrong.append(f"{shape}: {text!r} instead of {expected!r}")
        pairs.append((headers.get("x-tandem-prefill"), headers.get("x-tandem-decode")))
    verdicts.check(f"{name}: {len(pairs)} answers are those of a single engine", not wrong, wrong[:3])
    if not preset.decodes():
        return
    whole = [pair for pair in pairs if not all(pair)]
    verdicts.check(f"{name}: each names a prefill and a decode worker", not whole, pairs)
    for side, role in enumerate(("prefill", "decode")):
        used, all_of_them = len({pair[side] for pair in pairs}), preset.roles[role]
        good = used >= min(2, all_of_them)
        verdicts.check(f"{name}: {used} of {all_of_them} {role} workers took part", good, pairs)
    tokens = moved(preset) - before
    each = f"{name}: KV of {tokens / len(pairs):.0f} tokens a request came to decode"
    verdicts.check(each, tokens >= 256 * len(pairs), tokens)


def metrics(name, preset, verdicts):
    text = get(f"http://127.0.0.1:{preset.management}/metrics")
    missing = [start for start in ("tandem_requests_total", *preset.names) if f"\n{start}" not in f"\n{text}"]
    verdicts.check(f"{name}: metrics on port {preset.management}", not missing, missing)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--java", required=True)
    parser.add_argument("--jar", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("preset", nargs="*")
    options = parser.parse_args()
    known = presets(options.work)
    chosen = {name: known[name] for name in (options.preset or known)}
    verdicts = Verdicts()
    ports = {tuple_of(ALONE), tuple_of(ALONE_128)}
    for preset in chosen.values():
        ports |= {("127.0.0.1", preset.port), ("127.0.0.1", preset.management)}
        ports |= {tuple_of(url) for url, _, _ in preset.engines}
    taken = busy(ports)
    if taken:
        raise SystemExit(f"ports of the presets are in use: {', '.join(taken)}")
    engines = start_engines(options, chosen)
    try:
        for name, preset in chosen.items():
            run(options, name, preset, verdicts)
    finally:
        engines.terminate()
        engines.wait()
    print(f"\n{verdicts.passed} passed, {verdicts.failed} failed")
    sys.exit(1 if verdicts.failed else 0)


def tuple_of(url):
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


if __name__ == "__main__":
    main()
