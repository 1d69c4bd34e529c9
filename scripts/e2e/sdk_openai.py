# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Python SDK, unchanged, sends the cases to one server: sdk_openai.py URL CASES.json RECORDS.jsonl

URL is the server's root; raw cases go to it with the standard library's HTTP client.
"""

import http.client
import json
import sys
import urllib.parse

import openai
import sdk_records

url, cases, records = sys.argv[1:4]
client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0, timeout=120)
address = urllib.parse.urlsplit(url)


def raw(case):
    if "body" in case:
        body = json.dumps(case["body"]).encode()
    else:
        body = case["latin1"].encode("latin-1") if "latin1" in case else case.get("text", "").encode()
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    try:
        headers = {"Content-Type": case.get("content_type", "application/json")} if case["method"] == "POST" else {}
        connection.request(case["method"], case["path"], body=body or None, headers=headers)
        response = connection.getresponse()
        data = response.read()
    except OSError as e:
        return {"error": {"class": type(e).__name__, "message": str(e)}}
    finally:
        connection.close()
    try:
        parsed = json.loads(data)
    except ValueError:
        parsed = data.decode("utf-8", "replace")
    answer = {"status": response.status, "body": parsed}
    return {"headers": {k.lower(): v for k, v in response.getheaders()}, "answer": answer}


def models(case):
    return sdk_records.observe(client.models.with_raw_response.list, {})


def method(create):
    return lambda case: sdk_records.observe(create, case["body"])


sdk_records.run(
    f"openai-python {openai.__version__}",
    {
        "completions": method(client.completions.with_raw_response.create),
        "chat": method(client.chat.completions.with_raw_response.create),
        "responses": method(client.responses.with_raw_response.create),
        "models": models,
        "raw": raw,
    },
    cases,
    records,
)
