#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Real engines on loopback, in the background, without a GPU.
#   engines.sh install KIND          what the kind needs (see vllm-cpu.sh and llama-server.sh)
#   engines.sh start KIND [SIDE]     starts all its processes, or one that is down; waits until they serve
#   engines.sh stop [KIND]           ends them
#   engines.sh status                what runs
#   engines.sh url KIND SIDE         base URL of an engine, running or not
#   engines.sh group KIND SIDE       number of the process group of an engine that runs
#   engines.sh signal KIND SIDE NAME [TITLE]    sends KILL, STOP or CONT to all processes of one engine, or to those
#                                    whose command line has the title
# KIND: unified (one vLLM), nixl (vLLM pair, NIXL), nixl-turns (the same, bidirectional), shared (vLLM pair, one
# folder), lmcache (vLLM pair and LMCache's server), llamacpp (llama-server pair, slot files). SIDE: unified, prefill, decode or store.
# E2E_BASE_PORT (18100) is the first of 80 ports. State and logs: ${E2E_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tandem}/run/KIND.
# Exit status: 0 done, 1 an engine did not start, 2 usage, 3 a registry does not answer, 4 this machine cannot.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"

readonly KINDS=(unified nixl nixl-turns shared lmcache llamacpp)
readonly BASE_PORT=${E2E_BASE_PORT:-18100}
readonly MODEL_ID=tandem-sim
readonly START_LIMIT_SECONDS=600

usage() { sed -n '4,16p' "$0" | sed 's/^# \{0,1\}//'; }

sides() {
  case $1 in
    unified) echo unified ;;
    lmcache) echo store prefill decode ;;
    *) echo prefill decode ;;
  esac
}

port_of() { # port_of KIND SIDE
  local offset
  case $1 in
    unified) offset=0 ;;
    nixl) offset=10 ;;
    shared) offset=20 ;;
    lmcache) offset=30 ;;
    llamacpp) offset=40 ;;
    nixl-turns) offset=50 ;;
  esac
  case $2 in
    unified | prefill) ;;
    decode) offset=$((offset + 1)) ;;
    store) offset=$((offset + 2)) ;;
    store-http) offset=$((offset + 3)) ;;
    prefill-channel) offset=$((offset + 4)) ;;
    decode-channel) offset=$((offset + 5)) ;;
    *) usage >&2; exit 2 ;;
  esac
  echo $((BASE_PORT + offset))
}

folder_of() { echo "$cache/run/$1"; }

# The id of an engine's process, if it is still the one that was started: numbers are given out again.
pid_of() {
  local pid began
  [[ -e $(folder_of "$1")/$2.pid ]] || return 0
  read -r pid began <"$(folder_of "$1")/$2.pid"
  if [[ -e /proc/$pid && $(began_at "$pid") != "$began" ]]; then return 0; fi
  echo "$pid"
}
began_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# An engine is a group of processes that has its leader's id; zombies do not count.
alive() {
  local pid
  pid=$(pid_of "$1" "$2")
  [[ -n $pid ]] && group_lives "$pid"
}
group_lives() { ps -eo pgid=,stat= | awk -v group="$1" '$1 == group && $2 !~ /^Z/ { found = 1 } END { exit !found }'; }

health_url() {
  local port
  if [[ $2 == store ]]; then port=$(port_of "$1" store-http); else port=$(port_of "$1" "$2"); fi
  echo "http://127.0.0.1:$port/$([[ $2 == store ]] && echo healthcheck || echo health)"
}

command_of() { # command_of KIND SIDE: fills $command
  local kind=$1 side=$2 port connector=
  port=$(port_of "$kind" "$side")
  case $kind in
    llamacpp)
      mkdir -p "$(folder_of llamacpp)/slots"
      # 32-bit and without flash attention, sums do not depend on what else is in a batch: greedy text can be compared
      command=("$here/llama-server.sh" run "$(folder_of llamacpp)/tiny.gguf" "$port" --alias "$MODEL_ID" --ctx-size 16384
        --parallel 4 --metrics --slots --slot-save-path "$(folder_of llamacpp)/slots" --cache-type-k f32
        --cache-type-v f32 --flash-attn off --cache-ram 0 --no-ui)
      return
      ;;
    nixl | nixl-turns)
      export UCX_TLS=tcp,self UCX_NET_DEVICES=lo VLLM_NIXL_SIDE_CHANNEL_HOST=127.0.0.1
      VLLM_NIXL_SIDE_CHANNEL_PORT=$(port_of "$kind" "$side-channel")
      export VLLM_NIXL_SIDE_CHANNEL_PORT
      local turns=false
      if [[ $kind == nixl-turns ]]; then turns=true; fi
      connector='{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_buffer_device":"cpu","kv_connector_extra_config":{"bidirectional_kv_xfer":'$turns'}}'
      ;;
    shared)
      mkdir -p "$(folder_of shared)/kv"
      connector='{"kv_connector":"ExampleConnector","kv_role":"kv_both","kv_connector_extra_config":{"shared_storage_path":"'$(folder_of shared)/kv'"}}'
      ;;
    lmcache)
      connector='{"kv_connector":"LMCacheMPConnector","kv_role":"kv_both","kv_connector_extra_config":{"lmcache.mp.host":"tcp://127.0.0.1","lmcache.mp.port":'$(port_of lmcache store)'}}'
      ;;
  esac
  if [[ $side == store ]]; then
    command=("$here/vllm-cpu.sh" run-store "$port" "$(port_of lmcache store-http)")
    return
  fi
  command=("$here/vllm-cpu.sh" run "$([[ $kind == lmcache ]] && echo lmcache || echo vllm)" "$port")
  if [[ -n $connector ]]; then command+=(--kv-transfer-config "$connector"); fi
  if [[ $kind == lmcache ]]; then command+=(--disable-hybrid-kv-cache-manager); fi
}

launch() { # launch KIND SIDE
  local kind=$1 side=$2 folder command
  folder=$(folder_of "$kind")
  mkdir -p "$folder"
  if alive "$kind" "$side"; then return 0; fi
  (
    command_of "$kind" "$side"
    exec setsid "${command[@]}" >"$folder/$side.log" 2>&1 </dev/null
  ) &
  # setsid forks only when it leads a group; in a script without job control it does not, so the id is the engine's.
  echo "$! $(began_at $!)" >"$folder/$side.pid"
}

await() { # await KIND SIDE
  local kind=$1 side=$2 began=$SECONDS told=$SECONDS url log
  url=$(health_url "$kind" "$side")
  log=$(folder_of "$kind")/$side.log
  until curl -fsS -o /dev/null -m 5 "$url" 2>/dev/null; do
    if ! alive "$kind" "$side"; then
      tail -n 25 "$log" >&2
      die "$kind $side ended while it started (log: $log)"
    fi
    if ((SECONDS - began > START_LIMIT_SECONDS)); then die "$kind $side does not serve after $START_LIMIT_SECONDS s (log: $log)"; fi
    if ((SECONDS - told >= 20)); then
      told=$SECONDS
      say "$kind $side: $((SECONDS - began)) s, $(grep -oE '\] .{0,70}' "$log" | tail -n 1 || true)"
    fi
    sleep 0.5
  done
  say "$kind $side serves on $(engine_url "$kind" "$side") after $((SECONDS - began)) s"
}

engine_url() { echo "http://127.0.0.1:$(port_of "$1" "$2")"; }

# The first request with logprobs compiles for up to 70 s (vLLM 0.32.0 on CPU); both engines do it at a time.
warm() {
  local kind=$1 side began=$SECONDS asked=()
  shift
  for side in "$@"; do
    [[ $side == store ]] && continue
    curl -fsS -o /dev/null -m 300 -H 'Content-Type: application/json' \
      -d "{\"model\":\"$MODEL_ID\",\"prompt\":\" river\",\"max_tokens\":2,\"logprobs\":1}" \
      "$(engine_url "$kind" "$side")/v1/completions" &
    asked+=($!)
  done
  local pid
  for pid in "${asked[@]+"${asked[@]}"}"; do wait "$pid" || die "$kind: the first request with logprobs failed"; done
  say "$kind: first requests with logprobs answered after $((SECONDS - began)) s"
}

install() {
  case $1 in
    llamacpp) "$here/llama-server.sh" install ;;
    lmcache) "$here/vllm-cpu.sh" install-lmcache ;;
    *) "$here/vllm-cpu.sh" install ;;
  esac
}

start() { # start KIND [SIDE]
  local kind=$1 side wanted
  if [[ -n ${2:-} ]]; then wanted=("$2"); else read -ra wanted <<<"$(sides "$kind")"; fi
  install "$kind"
  mkdir -p "$(folder_of "$kind")"
  if [[ $kind == llamacpp ]]; then python3 "$here/tiny_gguf.py" "$(folder_of llamacpp)/tiny.gguf"; fi
  for side in "${wanted[@]}"; do
    launch "$kind" "$side"
    # vLLM's LMCache client wants its server at once.
    if [[ $side == store ]]; then await "$kind" store; fi
  done
  for side in "${wanted[@]}"; do await "$kind" "$side"; done
  warm "$kind" "${wanted[@]}"
}

stop_kind() {
  local side pid end
  for side in $(sides "$1"); do
    pid=$(pid_of "$1" "$side")
    [[ -n $pid ]] || continue
    if group_lives "$pid"; then
      kill -CONT -- "-$pid" 2>/dev/null || true
      kill -TERM -- "-$pid" 2>/dev/null || true
    fi
  done
  for side in $(sides "$1"); do
    pid=$(pid_of "$1" "$side")
    [[ -n $pid ]] || continue
    end=$((SECONDS + 15))
    while group_lives "$pid" && ((SECONDS < end)); do sleep 0.2; done
    kill -KILL -- "-$pid" 2>/dev/null || true
    rm -f "$(folder_of "$1")/$side.pid"
  done
  rm -rf "$(folder_of "$1")/slots" "$(folder_of "$1")/kv"
}

status() {
  local kind side pid serves
  printf '%-10s %-8s %-8s %-24s %s\n' kind side pid url state
  for kind in "${KINDS[@]}"; do
    for side in $(sides "$kind"); do
      pid=$(pid_of "$kind" "$side")
      [[ -n $pid ]] || continue
      serves=starting
      if ! alive "$kind" "$side"; then
        serves=ended
      elif curl -fsS -o /dev/null -m 5 "$(health_url "$kind" "$side")" 2>/dev/null; then
        serves=serves
      fi
      printf '%-10s %-8s %-8s %-24s %s\n' "$kind" "$side" "$pid" "$(engine_url "$kind" "$side")" "$serves"
    done
  done
}

known() { [[ " ${KINDS[*]} " == *" ${1:-} "* ]] || { usage >&2; exit 2; }; }
running() { # running KIND SIDE
  known "$1"
  alive "$1" "$2" || die "$1 $2 does not run"
}

case ${1:-} in
  install) known "${2:-}"; install "$2" ;;
  start) known "${2:-}"; start "$2" "${3:-}" ;;
  stop)
    if [[ -n ${2:-} ]]; then
      known "$2"
      stop_kind "$2"
    else
      for kind in "${KINDS[@]}"; do stop_kind "$kind"; done
    fi
    ;;
  status) status ;;
  url) known "${2:-}"; engine_url "$2" "${3:?side}" ;;
  group)
    running "${2:-}" "${3:?side}"
    pid_of "$2" "$3"
    ;;
  signal)
    running "${2:-}" "${3:?side}"
    if [[ -n ${5:-} ]]; then
      pkill "-${4:?signal}" -g "$(pid_of "$2" "$3")" -f "$5"
    else
      kill "-${4:?signal}" -- "-$(pid_of "$2" "$3")"
    fi
    ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
