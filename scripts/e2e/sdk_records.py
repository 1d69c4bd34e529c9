# SPDX-License-Identifier: Apache-2.0
"""What the Python drivers of the SDK differential share: they send every case and note what the SDK made of the answer.

A record is one line of JSON: {sdk, case, headers, answer} or {…, chunks} of a stream, or {…, error}; a stream that
breaks has chunks and error. compare.py reads them.
"""

import inspect
import json
import os
import sys


def as_json(value):
    """What the SDK parsed, as JSON: objects of the SDK keep the fields that they do not know."""
    return value.model_dump(mode="json", exclude_unset=True) if hasattr(value, "model_dump") else value


def error_of(error):
    known = {name: getattr(error, name, None) for name in ("status_code", "code", "param", "type", "message", "body")}
    return {"class": type(error).__name__, **known}


def headers_of(error):
    response = getattr(error, "response", None)
    return dict(response.headers.items()) if response is not None else {}


def send(create, body):
    """Calls an SDK's method with a body of the API: what its signature does not have goes along as an extra field."""
    known = inspect.signature(create).parameters
    extra = {k: v for k, v in body.items() if k not in known}
    return create(**{k: v for k, v in body.items() if k in known}, **({"extra_body": extra} if extra else {}))


def observe(create, body):
    """Sends a case with a method of `client.….with_raw_response`; returns the record's part that was seen.

    An engine may close an idle connection in the moment in which it is used again. Where E2E_RECONNECT says so, such a
    case is sent once more; the gateway gets no second chance.
    """
    seen = observe_once(create, body)
    if "E2E_RECONNECT" in os.environ and seen.get("error", {}).get("class") == "APIConnectionError":
        seen = observe_once(create, body)
    return seen


def observe_once(create, body):
    seen = {}
    try:
        raw = send(create, body)
        seen["headers"] = dict(raw.headers.items())
        parsed = raw.parse()
        if body.get("stream"):
            seen["chunks"] = []
            with parsed:
                for chunk in parsed:
                    seen["chunks"].append(as_json(chunk))
        else:
            seen["answer"] = as_json(parsed)
    except Exception as e:  # whatever the SDK raises is what it made of the answer
        seen["error"] = error_of(e)
        seen.setdefault("headers", headers_of(e))
    return seen


def run(sdk, methods, cases_file, out_file):
    """Sends the cases whose api is a key of `methods`, in their order, one at a time."""
    with open(cases_file) as file:
        cases = [case for case in json.load(file) if case["api"] in methods]
    with open(out_file, "w") as out:
        for number, case in enumerate(cases, 1):
            record = {"sdk": sdk, "case": case["name"], **methods[case["api"]](case)}
            out.write(json.dumps(record, ensure_ascii=True, default=str) + "\n")
            if number % 40 == 0:
                print(f"{sdk}: {number} of {len(cases)} cases", file=sys.stderr, flush=True)
    print(f"{sdk}: {len(cases)} cases", file=sys.stderr, flush=True)
