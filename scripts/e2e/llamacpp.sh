#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# llama.cpp behind the gateway, with a tiny model. One server: smoke test, greedy text, the README's examples. Two with
# connector plain: the same. A pair: the SDKs of OpenAI (Python, Node, Java) and Anthropic, each case straight to the engine
# and through the gateway; hand-over by slot files, proven by the engine's counters; 200 streams; engines that are killed,
# restarted and frozen; streams that survive the death of their engine.
#   scripts/e2e/llamacpp.sh             E2E_CACHE holds what is downloaded, E2E_BASE_PORT is where ports begin
# Touches nothing outside the cache folder and stops what it started. Exit status: 0 all passed, 1 something failed,
# 3 a registry does not answer.
set -euo pipefail

case ${1:-} in
  '') ;;
  -h | --help) sed -n '4,9p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
  *) sed -n '4,9p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"

readonly MODEL_ID=tandem-sim   # the name that the README's examples ask for
work=$(mktemp -d)
trap 'stop_all; "$here/engines.sh" stop llamacpp; rm -rf "$work"' EXIT

# The same prompt at temperature 0 through the gateway and straight from an engine must give the same text.
same_text() { # same_text PATH BODY ENGINE_URL
  local through direct
  through=$(curl -fsS -m 60 -H 'Content-Type: application/json' -d "$2" "$url$1" | text_of)
  direct=$(curl -fsS -m 60 -H 'Content-Type: application/json' -d "$2" "$3$1" | text_of)
  [[ -n $through && $through == "$direct" ]] || { printf 'gateway: %s\nengine:  %s\n' "$through" "$direct"; return 1; }
}
text_of() { python3 -c 'import json, sys; c = json.load(sys.stdin)["choices"][0]; print(c.get("text") or c["message"]["content"])'; }

greedy_checks() { # greedy_checks ENGINE_URL
  check 'completion: text of the engine' same_text /v1/completions \
    "{\"model\":\"$MODEL_ID\",\"prompt\":\"A river is\",\"max_tokens\":16,\"temperature\":0}" "$1"
  check 'chat: text of the engine' same_text /v1/chat/completions \
    "{\"model\":\"$MODEL_ID\",\"messages\":[{\"role\":\"user\",\"content\":\"Gr\u00fc\u00dfe, \u6771\u4eac \ud83d\ude80\"}],\"max_tokens\":16,\"temperature\":0}" "$1"
}

find_java
find_jar
clients
section 'llama-server'
"$here/engines.sh" start llamacpp || exit $?
first=$("$here/engines.sh" url llamacpp prefill)
second=$("$here/engines.sh" url llamacpp decode)
pair=(--prefill "$first" --decode "$second" --engines "$here/engines.sh" --kind llamacpp)

gateway unified UNIFIED_URLS="$first"
counted 'one worker: smoke test' "$root/scripts/smoke.sh" --url "$url"
greedy_checks "$first"
counted "one worker: README's examples" env EXAMPLE_PYTHON="$python" EXAMPLE_NODE_FOLDER="$node_folder" \
  python3 "$here/readme_examples.py" "$root/README.md" "$url"
stop_gateway

gateway plain PREFILL_URLS="$first" DECODE_URLS="$second" KV_CONNECTOR=plain
counted 'plain pair: smoke test' "$root/scripts/smoke.sh" --url "$url"
counted "plain pair: README's examples" env EXAMPLE_PYTHON="$python" EXAMPLE_NODE_FOLDER="$node_folder" \
  python3 "$here/readme_examples.py" "$root/README.md" "$url"
stop_gateway

gateway pair PREFILL_URLS="$first" DECODE_URLS="$second" TANDEM_DISAGG_MINPROMPTTOKENS=1
counted 'pair: SDKs, decode engine against gateway' differential llamacpp "$second"
stop_gateway

gateway faults PREFILL_URLS="$first" DECODE_URLS="$second" TANDEM_ENGINE_ANSWERSILENCE=15s TANDEM_ENGINE_STREAMSILENCE=15s
counted 'pair: smoke test' "$root/scripts/smoke.sh" --url "$url"
greedy_checks "$second"
counted 'pair: hand-over, clients that leave, 200 streams, dead and frozen engines' \
  "$python" "$here/pd.py" connector slots aborts crowd faults --gateway "$url" "${pair[@]}" --requests 100
stop_gateway

# Sums of 32 bits are the same on both engines, so that the other one says what the dead one would have said. The streams
# are long, since this engine is much faster than their reader: it must not have ended them before it is killed.
for mode in on text; do
  gateway "resume-$mode" PREFILL_URLS="$first" DECODE_URLS="$second" TANDEM_DISAGG_MINPROMPTTOKENS=1 TANDEM_STREAM_RESUME="$mode"
  counted "pair: decode killed below streams, resume $mode" \
    "$python" "$here/pd.py" resume --gateway "$url" --management "$management_url" "${pair[@]}" --stream-tokens 2400
  stop_gateway
  "$here/engines.sh" start llamacpp decode
done

finish
