#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Engines behind the gateway, without a GPU: installs and starts real ones, runs the suites, says what it cost.
#   scripts/e2e/run.sh all           everything below
#   scripts/e2e/run.sh fast          the part that .ci/run takes: presets, llamacpp, nixl-thin
#   scripts/e2e/run.sh SUITE…        some of them:
#     llamacpp    llama-server alone and as a pair that hands slots over
#     nixl        vLLM pair with NIXL, all checks        nixl-thin   the same, fewer requests, no dead engines
#     nixl-turns  the pair with bidirectional_kv_xfer: conversations
#     shared      vLLM pair over a shared folder         lmcache     vLLM pair over LMCache's server
#     unified     one vLLM                           presets     simulated engines, on the presets' own ports
#   scripts/e2e/run.sh --list        names of the suites
# Everything downloaded stays in ${E2E_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tandem}; a second run downloads nothing.
# Needs Debian or Ubuntu on x86-64 with AVX2, a JDK 21, Python 3.11 with venv, node and npm, curl; 9 GiB of disk and, for
# a vLLM pair, 8 GiB of memory. Exit status: 0 all passed, 1 a suite failed, 2 usage, 3 a registry does not answer,
# 4 this machine cannot.
set -euo pipefail

readonly ALL=(presets llamacpp nixl nixl-turns shared lmcache unified)
readonly FAST=(presets llamacpp nixl-thin)
usage() { sed -n '4,17p' "$0" | sed 's/^# \{0,1\}//'; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"

rows=()
worst=0

# step NAME COMMAND…: runs it, its output on the screen and in a log, and notes result and time
step() {
  local name=$1 log=$cache/log/${1// /-}.log began=$SECONDS code=0 result=passed counts
  shift
  mkdir -p "$cache/log"
  say "== $name"
  "$@" 2>&1 | tee "$log" || code=$?
  case $code in
    0) ;;
    3) result='NO REGISTRY' ;;
    4) result='NOT HERE' ;;
    *) result=FAILED ;;
  esac
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1 || true)
  rows+=("$(printf '%-22s %-12s %5d s  %s' "$name" "$result" $((SECONDS - began)) "$counts")")
  if ((code == 3 || code == 4)); then worst=$code; elif ((code != 0 && worst == 0)); then worst=1; fi
  return "$code"
}

suite() {
  case $1 in
    presets) step presets "$here/presets.sh" ;;
    llamacpp)
      step 'install llama.cpp' "$here/engines.sh" install llamacpp && step llamacpp "$here/llamacpp.sh"
      ;;
    nixl | nixl-thin | nixl-turns | shared | unified)
      step 'install vLLM' "$here/engines.sh" install nixl || return 0
      if [[ $1 == nixl-thin ]]; then step nixl-thin "$here/vllm.sh" nixl --thin; else step "$1" "$here/vllm.sh" "$1"; fi
      ;;
    lmcache)
      step 'install LMCache' "$here/engines.sh" install lmcache && step lmcache "$here/vllm.sh" lmcache
      ;;
  esac || true
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  --list) printf '%s\n' "${ALL[@]}" nixl-thin; exit 0 ;;
  all) wanted=("${ALL[@]}") ;;
  fast) wanted=("${FAST[@]}") ;;
  '') usage >&2; exit 2 ;;
  *) wanted=("$@") ;;
esac
for name in "${wanted[@]}"; do
  [[ " ${ALL[*]} nixl-thin " == *" $name "* ]] || { usage >&2; exit 2; }
done

find_java
step 'gateway' find_jar || true
for name in "${wanted[@]}"; do suite "$name"; done

section 'summary'
printf '  %s\n' "${rows[@]}"
printf '  %-35s %5d s\n' total "$SECONDS"
say "disk: $(du -sh "$cache" 2>/dev/null | cut -f1) in $cache"
exit "$worst"
