# SPDX-License-Identifier: Apache-2.0
"""Anthropic's Python SDK, unchanged, sends the cases of /v1/messages: sdk_anthropic.py URL CASES.json RECORDS.jsonl"""

import sys

import anthropic
import sdk_records

url, cases, records = sys.argv[1:4]
client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0, timeout=120)
create = client.messages.with_raw_response.create
sdk_records.run(
    f"anthropic-python {anthropic.__version__}",
    {"messages": lambda case: sdk_records.observe(create, case["body"])},
    cases,
    records,
)
