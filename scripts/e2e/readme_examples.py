#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the examples of a Markdown file against a running router: readme_examples.py FILE URL

An example is a fenced block that asks port 8088: `bash`, `sh`, `console` and `shell` blocks whose command is curl,
`python`, and `javascript`, `js` and `mjs` blocks. localhost:8088 and 127.0.0.1:8088 become URL. A command runs after
the assignments that stand before it in its block; it must end with 0, print something and no error object.
EXAMPLE_PYTHON names a Python that has the package openai, EXAMPLE_NODE_FOLDER a folder whose node_modules has it;
without them these blocks are skipped.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.M | re.S)
LOCAL = re.compile(r"(http://)?\b(localhost|127\.0\.0\.1):8088\b")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
LIMIT_SECONDS = 120


def examples(text):
    for match in BLOCK.finditer(text):
        language, body = match.group(2).lower(), match.group(3)
        if LOCAL.search(body):
            yield text[: match.start()].count("\n") + 1, language, re.sub(f"^{match.group(1)}", "", body, flags=re.M)


def curl_commands(body):
    """The curl commands of a shell block, each with its continuation lines, open quotes and the assignments before it."""
    prelude, command = "", ""
    for line in body.splitlines():
        line = re.sub(r"^\$ ", "", line) if not command else line
        command += line + "\n"
        if line.rstrip().endswith("\\") or command.count("'") % 2:
            continue
        if LOCAL.search(command) and re.search(r"\bcurl\b", command):
            yield prelude + command
        elif ASSIGNMENT.match(command):
            prelude += command
        command = ""


def run(name, arguments, **options):
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL, **options
        )
        output = done.stdout
        ok = done.returncode == 0 and output.strip() and not re.search(r'^\s*\{\s*"error"', output, re.M)
        seen = (output + done.stderr)[-600:]
    except subprocess.TimeoutExpired:
        ok, seen = False, f"no end within {LIMIT_SECONDS} s"
    print(f"{'PASS' if ok else 'FAIL'}  {name}" + ("" if ok else "\n      " + seen.replace("\n", "\n      ")), flush=True)
    return bool(ok)


def main():
    path, url = sys.argv[1:3]
    python, node_folder = os.environ.get("EXAMPLE_PYTHON"), os.environ.get("EXAMPLE_NODE_FOLDER")
    environment = dict(os.environ, OPENAI_API_KEY=os.environ.get("OPENAI_API_KEY", "none"))
    results = []
    for line, language, body in examples(pathlib.Path(path).read_text()):
        if language in ("bash", "sh", "shell", "console"):
            for command in map(lambda c: LOCAL.sub(url, c), curl_commands(body)):
                title = " ".join(command[command.index("curl") :].split())[:70]
                results.append(run(f"line {line}: {title}", ["bash", "-c", "set -o pipefail; " + command]))
        elif language == "python" and python:
            results.append(run(f"line {line}: python", [python, "-c", LOCAL.sub(url, body)], env=environment))
        elif language in ("javascript", "js", "mjs") and node_folder:
            with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=node_folder) as file:
                file.write(LOCAL.sub(url, body))
                file.flush()
                results.append(run(f"line {line}: javascript", ["node", file.name], env=environment))
    if not results:
        print("FAIL  no example found")
        results.append(False)
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
