#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts one vLLM server inside its container, from the variables of configs/model.env.
#   serve-vllm.sh ROLE PORT             ROLE: prefill or decode (for the log only; both run the same engine)
#   serve-vllm.sh ROLE PORT --dry-run   prints the arguments, one per line, and starts nothing
set -euo pipefail

usage() { sed -n '4,6p' "$0" | sed 's/^# \{0,1\}//'; }
say() { printf 'serve-vllm %s: %s\n' "${role:-}" "$*" >&2; }
die() { say "$*"; exit 2; }

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '') usage >&2; exit 2 ;;
esac
role=$1
port=${2:?PORT is missing}

: "${MODEL_ID:=Qwen/Qwen2.5-1.5B-Instruct}"
: "${MODEL_WEIGHTS:=$MODEL_ID}"
: "${MAX_MODEL_LEN:=2048}"
: "${GPU_MEMORY_UTILIZATION:=0.30}"
: "${SWAP_SPACE_GB:=2}"
: "${CPU_OFFLOAD_GB:=0}"
: "${MAX_NUM_SEQS:=8}"
: "${MAX_NUM_BATCHED_TOKENS:=1024}"
: "${DTYPE:=half}"
: "${KV_SHARING:=fs}"
: "${KV_CHUNK_TOKENS:=64}"
: "${ENFORCE_EAGER:=1}"
: "${ENGINE_EXTRA_ARGS:=}"

[[ $SWAP_SPACE_GB =~ ^[0-9]+$ ]] || die "SWAP_SPACE_GB: $SWAP_SPACE_GB (expected: whole GiB)"

# Both names of the hub token, from whichever is set; an empty one would hide a login in the cache.
token=${HF_TOKEN:-${HUGGING_FACE_HUB_TOKEN:-}}
unset HF_TOKEN HUGGING_FACE_HUB_TOKEN
if [[ -n $token ]]; then export HF_TOKEN=$token HUGGING_FACE_HUB_TOKEN=$token; fi

# Engines that share blocks by content hash need the same seed.
export PYTHONHASHSEED=${PYTHONHASHSEED:-0}

# The weights' own name is served too, so that a client may ask for either.
served=("$MODEL_ID")
if [[ $MODEL_WEIGHTS != "$MODEL_ID" ]]; then served+=("$MODEL_WEIGHTS"); fi

arguments=(
  "$MODEL_WEIGHTS"
  --served-model-name "${served[@]}"
  --host 0.0.0.0 --port "$port"
  --dtype "$DTYPE"
  --max-model-len "$MAX_MODEL_LEN"
  --gpu-memory-utilization "$GPU_MEMORY_UTILIZATION"
  --cpu-offload-gb "$CPU_OFFLOAD_GB"
  --max-num-seqs "$MAX_NUM_SEQS"
  --max-num-batched-tokens "$MAX_NUM_BATCHED_TOKENS"
  --enable-prompt-tokens-details
  --disable-access-log-for-endpoints "/health,/metrics,/v1/models"
  --shutdown-timeout 30
)
if [[ $ENFORCE_EAGER == 1 ]]; then arguments+=(--enforce-eager); fi

ram_bytes=$((SWAP_SPACE_GB * 1024 * 1024 * 1024))
case $KV_SHARING in
  fs)
    ((SWAP_SPACE_GB > 0)) || die 'KV_SHARING=fs needs SWAP_SPACE_GB of 1 or more: the folder is filled through host RAM'
    arguments+=(--kv-transfer-config "$(printf '{"kv_connector":"OffloadingConnector","kv_role":"kv_both","kv_connector_extra_config":{"spec_name":"TieringOffloadingSpec","cpu_bytes_to_use":%d,"block_size":%d,"eviction_policy":"lru","secondary_tiers":[{"type":"fs","root_dir":"/data/kv_cache","n_read_threads":8,"n_write_threads":4}]}}' "$ram_bytes" "$KV_CHUNK_TOKENS")")
    ;;
  ram) if ((SWAP_SPACE_GB > 0)); then arguments+=(--kv-offloading-size "$SWAP_SPACE_GB"); fi ;;
  none) ;;
  *) die "KV_SHARING: $KV_SHARING (expected: fs, ram or none)" ;;
esac
# Words, not one argument: the variable holds a piece of a command line.
# shellcheck disable=SC2206
arguments+=($ENGINE_EXTRA_ARGS)

if [[ ${3:-} == --dry-run ]]; then
  printf '%s\n' "${arguments[@]}"
  exit 0
fi

if [[ $KV_SHARING != none ]]; then
  shm_bytes=$(df --output=avail -B1 /dev/shm | tail -n 1)
  ((shm_bytes >= ram_bytes)) \
    || die "/dev/shm has $((shm_bytes >> 20)) MiB, SWAP_SPACE_GB needs $((ram_bytes >> 20)): raise SHM_SIZE in .env"
fi
say "vllm serve ${arguments[*]}"
exec vllm serve "${arguments[@]}"
