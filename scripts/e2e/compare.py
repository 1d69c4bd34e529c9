#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what SDKs made of an engine's own answers with what they made of the same requests through the gateway.

compare.py --engine NAME --rules differences.json DIRECT.jsonl THROUGH.jsonl

Everything must be equal: text, usage, log probabilities, finish reasons, tool calls, classes and bodies of errors,
headers. A difference is allowed only by a rule of the rules file; a rule has a reason and says how often it was used.
A stream is folded before it is compared, because engines put a varying number of tokens into a chunk: texts, arguments
and log probabilities are joined, everything else is kept. Closes with "N passed, N failed", a case being one of them.
Exit status: 0 no difference without a rule, 1 otherwise. Standard library only.
"""

import argparse
import fnmatch
import json
import re
import sys

ABSENT = "(absent)"
JOINED = {"content", "text", "arguments", "reasoning", "reasoning_content", "partial_json", "thinking", "delta", "refusal"}


# --- streams ---


def fold(chunks):
    """One object that says what a stream said, whatever the cuts between its chunks."""
    chunks = [chunk if isinstance(chunk, dict) else {"not an object": chunk} for chunk in chunks]
    if any("type" in chunk for chunk in chunks):
        return fold_events(chunks)
    folded = {"envelope": {}, "choices": {}, "usage": [], "usage_in": "no chunk"}
    with_usage = 0
    for chunk in chunks:
        for key, value in chunk.items():
            if key == "choices":
                for choice in value:
                    join(folded["choices"].setdefault(str(choice["index"]), {}), choice)
            elif key == "usage":
                with_usage += value is not None
                folded["usage"] = value if value is not None else folded["usage"]
            else:
                add(folded["envelope"].setdefault(key, []), value)
    if with_usage:
        folded["usage_in"] = "one chunk" if with_usage == 1 else "several chunks"
    return folded


def fold_events(events):
    """Events of /v1/responses and /v1/messages: their kinds in order, and the fields of each kind joined."""
    order, kinds, numbers = [], {}, []
    for event in events:
        event = dict(event)
        numbers.append(event.pop("sequence_number", None))
        kind = event.get("type")
        if not order or order[-1] != kind:
            order.append(kind)
        join(kinds.setdefault(kind, {}), event)
    counted = [n for n in numbers if n is not None]
    return {"order": order, "events": kinds, "numbers rise": counted == sorted(set(counted))}


def join(into, piece):
    for key, value in piece.items():
        old = into.get(key)
        if isinstance(value, dict):
            into[key] = old if isinstance(old, dict) else {}
            join(into[key], value)
        elif key in JOINED and isinstance(value, str) and isinstance(old, str):
            into[key] = old + value
        elif key == "tool_calls" and isinstance(value, list):
            calls = into[key] = old if isinstance(old, dict) else {}
            for call in value:
                join(calls.setdefault(str(call.get("index")), {}), call)
        elif isinstance(value, list) and isinstance(old, list):
            into[key] = old + value
        elif value is not None or key not in into:
            into[key] = json.loads(json.dumps(value))


def add(values, value):
    if value not in values:
        values.append(value)


# --- differences ---


def differences(direct, through, path=""):
    """Yields (path, direct, through) for every leaf that differs."""
    if isinstance(direct, dict) and isinstance(through, dict):
        for key in sorted({*direct, *through}):
            yield from differences(direct.get(key, ABSENT), through.get(key, ABSENT), f"{path}.{key}" if path else key)
    elif isinstance(direct, list) and isinstance(through, list) and len(direct) == len(through):
        for i, (one, other) in enumerate(zip(direct, through)):
            yield from differences(one, other, f"{path}[{i}]")
    elif direct != through or type(direct) is not type(through):
        yield path, direct, through


class Rule:
    """One allowed difference: where it may be (`path`, `cases`, `engines`), and what either side must look like."""

    def __init__(self, number, spec):
        unknown = {*spec} - {"id", "path", "cases", "engines", "direct", "through", "tolerance", "reason"}
        if unknown or not spec.get("reason") or not spec.get("path"):
            raise SystemExit(f"rule {number}: unknown {sorted(unknown)}, or no reason, or no path")
        self.spec, self.name, self.used = spec, spec["id"], 0
        self.path = re.compile(spec["path"])

    def allows(self, engine, case, path, direct, through):
        spec = self.spec
        if engine not in spec.get("engines", [engine]) or not self.path.fullmatch(path):
            return False
        if not any(fnmatch.fnmatchcase(case, glob) for glob in spec.get("cases", ["*"])):
            return False
        if "tolerance" in spec:
            numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (direct, through))
            return numbers and abs(direct - through) <= spec["tolerance"]
        return looks_like(spec.get("direct"), direct) and looks_like(spec.get("through"), through)


def looks_like(pattern, value):
    """A pattern is a regular expression for the value as JSON text; the word absent stands for no value at all."""
    if pattern is None:
        return True
    if value is ABSENT:
        return "absent" in pattern.split("|")
    return re.fullmatch(pattern, json.dumps(value, ensure_ascii=False), re.S) is not None


def load(file):
    records = {}
    with open(file) as lines:
        for line in lines:
            record = json.loads(line)
            key = (record.pop("sdk"), record.pop("case"))
            if "chunks" in record:
                record["stream"] = fold(record.pop("chunks"))
            record["headers"] = {k.lower(): v for k, v in record.get("headers", {}).items()}
            records[key] = record
    return records


def short(value):
    text = value if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + "..."


def main():
    parser = argparse.ArgumentParser(description="Compares answers of an engine with those through the gateway.")
    parser.add_argument("--engine", required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("direct")
    parser.add_argument("through")
    arguments = parser.parse_args()
    with open(arguments.rules) as file:
        rules = [Rule(i, spec) for i, spec in enumerate(json.load(file)["rules"], 1)]
    direct, through = load(arguments.direct), load(arguments.through)
    failed = 0
    for key in [*direct, *(k for k in through if k not in direct)]:
        unlisted = []
        for path, one, other in differences(direct.get(key, ABSENT), through.get(key, ABSENT)):
            rule = next((r for r in rules if r.allows(arguments.engine, key[1], path, one, other)), None)
            if rule:
                rule.used += 1
            else:
                unlisted.append((path, one, other))
        failed += bool(unlisted)
        for path, one, other in unlisted:
            print(f"FAIL  {key[0]}: {key[1]}: {path}\n      direct:  {short(one)}\n      through: {short(other)}")
    print(f"{len(direct)} records of {len({sdk for sdk, _ in direct})} SDKs; allowed differences:")
    for rule in rules:
        print(f"  {rule.used:6d}  {rule.name}: {rule.spec['reason']}")
    total = len({*direct, *through})
    if total == 0:
        print("FAIL  no record")
        failed = 1
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
