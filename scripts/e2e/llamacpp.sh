#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real engine behind the gateway: llama.cpp with a tiny model, first as one worker, then as a pair with the connector
# `plain`; against each the smoke test, and against the pair the README's examples and OpenAI's Python and Node SDKs.
#   scripts/e2e/llamacpp.sh             GGUF=FILE takes another model; E2E_CACHE holds what is downloaded
# Touches nothing outside the cache folder and stops what it started. Exit status: 0 all passed, 1 something failed.
set -euo pipefail

case ${1:-} in
  '') ;;
  -h | --help) sed -n '4,7p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
  *) sed -n '4,7p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"

readonly MODEL_ID=tandem-sim   # the name that the README's examples ask for
work=$(mktemp -d)
trap 'stop_all; rm -rf "$work"' EXIT

engine() { # engine NAME PORT
  "$here/llama-server.sh" run "$gguf" "$2" --alias "$MODEL_ID" --ctx-size 8192 --parallel 2 --metrics --no-ui \
    >"$work/$1.log" 2>&1 &
  pids+=($!)
  wait_for "http://127.0.0.1:$2/health" 60 $! || { tail -n 20 "$work/$1.log" >&2; die "llama-server $1 did not start"; }
}

gateway() { # gateway NAME VARIABLE=VALUE…
  local name=$1 port management
  shift
  port=$(free_port)
  management=$(free_port)
  url=http://127.0.0.1:$port
  env "$@" ROUTER_PORT="$port" MANAGEMENT_PORT="$management" "$java" -Xmx256m -jar "$jar" >"$work/gateway-$name.log" 2>&1 &
  gateway_pid=$!
  pids+=("$gateway_pid")
  wait_for "$url/healthz" 300 "$gateway_pid" \
    || { tail -n 40 "$work/gateway-$name.log" >&2; die "the gateway ($name) did not become healthy"; }
}

stop_gateway() {
  kill "$gateway_pid" 2>/dev/null || true
  wait "$gateway_pid" 2>/dev/null || true
}

# The same prompt at temperature 0 through the gateway and straight from an engine must give the same text.
same_text() { # same_text PATH BODY ENGINE_PORT
  local through direct
  through=$(curl -fsS -m 60 -H 'Content-Type: application/json' -d "$2" "$url$1" | text_of)
  direct=$(curl -fsS -m 60 -H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:$3$1" | text_of)
  [[ -n $through && $through == "$direct" ]] || { printf 'gateway: %s\nengine:  %s\n' "$through" "$direct"; return 1; }
}
text_of() { python3 -c 'import json, sys; c = json.load(sys.stdin)["choices"][0]; print(c.get("text") or c["message"]["content"])'; }

greedy_checks() { # greedy_checks ENGINE_PORT
  check 'completion: text of the engine' same_text /v1/completions \
    "{\"model\":\"$MODEL_ID\",\"prompt\":\"A river is\",\"max_tokens\":16,\"temperature\":0}" "$1"
  check 'chat: text of the engine' same_text /v1/chat/completions \
    "{\"model\":\"$MODEL_ID\",\"messages\":[{\"role\":\"user\",\"content\":\"Gr\u00fc\u00dfe, \u6771\u4eac \ud83d\ude80\"}],\"max_tokens\":16,\"temperature\":0}" "$1"
}

python_sdk() {
  local venv=$cache/openai-python
  if [[ ! -x $venv/bin/python ]] || ! "$venv/bin/python" -c 'import openai' 2>/dev/null; then
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" -q install openai; } >/dev/null 2>&1; then
      say 'SKIP  Python SDK: it cannot be installed here'
      rm -rf "$venv"
      return
    fi
  fi
  python=$venv/bin/python
  counted 'OpenAI SDK for Python' env OPENAI_BASE_URL="$url/v1" OPENAI_API_KEY=none "$python" "$here/sdk_openai.py"
}

node_sdk() {
  local folder=$cache/openai-node
  command -v node >/dev/null || { say 'SKIP  Node SDK: node is not installed'; return; }
  if [[ ! -d $folder/node_modules/openai ]]; then
    mkdir -p "$folder"
    npm --prefix "$folder" install --silent --no-fund --no-audit openai >/dev/null 2>&1 \
      || { say 'SKIP  Node SDK: it cannot be installed here'; rm -rf "$folder"; return; }
  fi
  cp "$here/sdk_openai.mjs" "$folder/"
  node_folder=$folder
  counted 'OpenAI SDK for Node' env OPENAI_BASE_URL="$url/v1" OPENAI_API_KEY=none node "$folder/sdk_openai.mjs"
}

find_java
find_jar
section 'llama-server'
"$here/llama-server.sh" install || die 'llama.cpp cannot be had from the package archive'
gguf=${GGUF:-$work/tiny.gguf}
if [[ ! -f $gguf ]]; then python3 "$here/tiny_gguf.py" "$gguf"; fi
first=$(free_port)
engine first "$first"
second=$(free_port)
engine second "$second"
say "two servers on ports $first and $second"

gateway unified UNIFIED_URLS="http://127.0.0.1:$first"
counted 'one worker: smoke test' "$root/scripts/smoke.sh" --url "$url"
greedy_checks "$first"
stop_gateway

gateway pair PREFILL_URLS="http://127.0.0.1:$first" DECODE_URLS="http://127.0.0.1:$second" KV_CONNECTOR=plain
counted 'pair, connector plain: smoke test' "$root/scripts/smoke.sh" --url "$url"
greedy_checks "$second"
python=python3
node_folder=
python_sdk
node_sdk
if [[ -f $root/README.md ]]; then
  counted "README's examples" env EXAMPLE_PYTHON="$python" EXAMPLE_NODE_FOLDER="$node_folder" \
    python3 "$here/readme_examples.py" "$root/README.md" "$url"
fi
stop_gateway

finish
