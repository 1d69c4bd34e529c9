#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Looks at this machine before the first start and says what would go wrong, with the arithmetic.
#   scripts/doctor.sh                one engine on the GPU (docker compose up)
#   scripts/doctor.sh --mode MODE    gpu, decode (two engines on one GPU), sim, cpu
#   scripts/doctor.sh --offline      skips the question whether the model hub answers
# Exit status: 0 nothing stands in the way, 1 something does, 2 wrong arguments. Changes nothing.
set -euo pipefail

# What one vLLM process costs besides its share of the GPU; estimates, stated in docs/operations/sizing.md.
readonly CONTEXT_MIB=350       # CUDA context, outside gpu_memory_utilization
readonly ACTIVATION_MIB=300    # activations and workspaces at 2,048 batched tokens, eager
readonly ENGINE_RAM_MIB=3584   # host memory of one vLLM process
readonly SIM_RAM_MIB=2048      # router and two simulated engines
readonly ROUTER_RAM_MIB=1024
readonly COMPOSE_NEEDS=2.24

usage() { sed -n '4,8p' "$0" | sed 's/^# \{0,1\}//'; }

mode=gpu
online=1
while (($# > 0)); do
  case $1 in
    --mode)
      mode=${2:-}
      shift
      ;;
    --offline) online=0 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
case $mode in
  gpu | decode | sim | cpu) ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
problems=0
warnings=0
section() { printf '\n%s\n' "$*"; }
good() { printf '  ok    %s\n' "$*"; }
note() { printf '        %s\n' "$*"; }
warn() { printf '  warn  %s\n' "$*"; warnings=$((warnings + 1)); }
bad() { printf '  FAIL  %s\n' "$*"; problems=$((problems + 1)); }
has() { command -v "$1" >/dev/null 2>&1; }

# Value of a variable: the shell (to try one), then .env, then configs/model.env, then the default.
setting() {
  local name=$1 fallback=$2 file line
  if [[ -n ${!name:-} ]]; then
    printf '%s' "${!name}"
    return
  fi
  for file in .env configs/model.env; do
    [[ -r $file ]] || continue
    line=$(grep -E "^$name=" "$file" | tail -n 1 || true)
    line=${line#*=}
    if [[ -n $line ]]; then
      printf '%s' "$line"
      return
    fi
  done
  printf '%s' "$fallback"
}

# at_least 2.26.1-4 2.24: compares the first two numbers of versions
at_least() {
  local have want
  IFS=.- read -r -a have <<<"${1#v}"
  IFS=. read -r -a want <<<"$2"
  ((have[0] > want[0] || (have[0] == want[0] && ${have[1]:-0} >= ${want[1]:-0})))
}

gib() { awk -v mib="$1" 'BEGIN { printf "%.2f GiB", mib / 1024 }'; }

check_docker() {
  section 'Docker'
  if ! has docker; then
    bad 'docker is not installed'
    note 'https://docs.docker.com/engine/install'
    return
  fi
  local server compose
  if server=$(docker version --format '{{.Server.Version}}' 2>/dev/null) && [[ -n $server ]]; then
    good "engine $server answers"
  else
    bad 'no Docker engine answers: is it started, and may this user talk to it (group docker)?'
  fi
  if compose=$(docker compose version --short 2>/dev/null) && [[ -n $compose ]]; then
    if at_least "$compose" "$COMPOSE_NEEDS"; then
      good "Compose $compose"
    else
      bad "Compose $compose is too old: $COMPOSE_NEEDS is needed"
    fi
  else
    bad 'the Compose plugin is not installed (docker compose version)'
  fi
}

check_ports() {
  section 'Ports'
  local wanted=("ROUTER_PORT:$(setting ROUTER_PORT 8088)" "MANAGEMENT_PORT:$(setting MANAGEMENT_PORT 9088)"
    "PREFILL_PORT:$(setting PREFILL_PORT 8010)")
  if [[ $mode == decode || $mode == sim ]]; then wanted+=("DECODE_PORT:$(setting DECODE_PORT 8020)"); fi
  local pair name port ours=''
  if has docker; then ours=$(docker ps --filter label=com.docker.compose.project=tandem --format '{{.Ports}}' 2>/dev/null || true); fi
  for pair in "${wanted[@]}"; do
    name=${pair%%:*}
    port=${pair#*:}
    if [[ $ours == *":$port->"* ]]; then
      good "port $port is taken by the running stack ($name)"
    elif (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      bad "port $port is taken: stop what listens there, or set $name in .env"
    else
      good "port $port is free ($name)"
    fi
  done
}

check_folders() {
  section 'Folders and disk'
  if [[ -d data/kv_cache && -w data/kv_cache ]]; then
    good 'data/kv_cache is there'
  elif [[ -d data/kv_cache ]]; then
    warn 'data/kv_cache belongs to another user; the engines can use it, you cannot clear it without sudo'
  else
    warn 'data/kv_cache is missing; Docker would make it as root: scripts/setup_dirs.sh'
  fi
  local need_gib=2 free_gib
  case $mode in
    gpu | decode) need_gib=30 ;; # vLLM's image about 20, weights 1 to 3, the store
    cpu) need_gib=5 ;;
  esac
  free_gib=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
  if ((free_gib >= need_gib)); then
    good "$free_gib GiB of disk are free, about $need_gib are needed"
  else
    bad "$free_gib GiB of disk are free, about $need_gib are needed"
  fi
  if grep -qi microsoft /proc/version 2>/dev/null && [[ $PWD == /mnt/* ]]; then
    warn 'this folder is on a Windows drive: the KV store will be slow; clone inside the Linux file system'
  fi
}

check_ram() {
  section 'Host memory'
  if [[ ! -r /proc/meminfo ]]; then
    warn 'no /proc/meminfo: free memory is unknown'
    return
  fi
  local free_mib need_mib tier swap
  free_mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
  swap=$(setting SWAP_SPACE_GB 2)
  tier=$((swap * 1024))
  case $mode in
    gpu)
      need_mib=$((ROUTER_RAM_MIB + ENGINE_RAM_MIB + tier))
      note "1 engine x ($(gib $ENGINE_RAM_MIB) + $swap GiB SWAP_SPACE_GB) + router $(gib $ROUTER_RAM_MIB) = $(gib $need_mib)"
      ;;
    decode)
      need_mib=$((ROUTER_RAM_MIB + 2 * (ENGINE_RAM_MIB + tier)))
      note "2 engines x ($(gib $ENGINE_RAM_MIB) + $swap GiB SWAP_SPACE_GB) + router $(gib $ROUTER_RAM_MIB) = $(gib $need_mib)"
      ;;
    sim)
      need_mib=$SIM_RAM_MIB
      note "router and two simulated engines: $(gib $need_mib)"
      ;;
    cpu)
      local file
      file=models/$(setting GGUF_FILE model.gguf)
      need_mib=$((ROUTER_RAM_MIB + 512))
      if [[ -r $file ]]; then need_mib=$((need_mib + $(du -kL "$file" | cut -f1) / 1024)); fi
      note "router + llama.cpp + the model file: $(gib $need_mib)"
      ;;
  esac
  if ((free_mib >= need_mib)); then
    good "$(gib "$free_mib") are available"
  else
    bad "$(gib "$free_mib") are available: lower SWAP_SPACE_GB or close something"
  fi
}

# weights_mib NAME: GiB of known weights in MiB; a folder is measured; empty when unknown
weights_mib() {
  case $1 in
    *Qwen2.5-1.5B-Instruct-AWQ | *Qwen2.5-1.5B-Instruct-GPTQ-Int4) echo 1096 ;;
    *Qwen2.5-1.5B-Instruct) echo 2944 ;;
    *Qwen2.5-0.5B-Instruct) echo 942 ;;
    *Qwen3-0.6B) echo 1137 ;;
    *Llama-3.1-8B-Instruct) echo 15317 ;;
    *Mistral-7B-Instruct-v0.3) echo 13825 ;;
    /models/*) if [[ -d models/${1#/models/} ]]; then du -smL "models/${1#/models/}" | cut -f1; fi ;;
  esac
}

# kv_kib NAME: KiB of KV cache per token at 16 bits; empty when unknown
kv_kib() {
  case $1 in
    *Qwen2.5-1.5B*) echo 28 ;;
    *Qwen2.5-0.5B*) echo 12 ;;
    *Qwen3-0.6B*) echo 112 ;;
    *Llama-3.1-8B* | *Mistral-7B*) echo 128 ;;
  esac
}

check_gpu() {
  section 'GPU'
  if ! has nvidia-smi; then
    bad 'nvidia-smi is missing: no NVIDIA driver, so vLLM cannot run here'
    note 'without a GPU: docker compose --profile sim up, or --profile cpu'
    return
  fi
  local line name driver total free capability
  if ! line=$(nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free,compute_cap \
    --format=csv,noheader,nounits 2>/dev/null | sed -n 1p) || [[ -z $line ]]; then
    bad 'nvidia-smi finds no GPU: the driver is not loaded'
    return
  fi
  IFS=, read -r name driver total free capability <<<"$line"
  driver=${driver// /} total=${total// /} free=${free// /} capability=${capability// /}
  good "$name, compute capability $capability, $(gib "$total"), $(gib "$free") free"
  check_driver "$driver"
  if ! at_least "$capability" 7.5; then bad "compute capability $capability: vLLM needs 7.5"; fi
  if ! grep -qiE 'nvidia|cdi' <<<"$(docker info 2>/dev/null)"; then
    bad 'Docker knows no NVIDIA runtime: install nvidia-container-toolkit and restart Docker'
  fi
  check_vram "$total" "$free"
}

check_driver() {
  local image need=580
  image=$(setting VLLM_IMAGE vllm/vllm-openai:v0.32.0-cu129)
  if [[ $image == *cu129* ]]; then need=575; fi
  if at_least "$1" "$need"; then
    good "driver $1; $image needs $need"
  else
    bad "driver $1 is too old for $image, which needs $need"
  fi
}

check_vram() {
  local total=$1 free=$2 engines=1 share weights weights_name kv_per_token budget kv used
  if [[ $mode == decode ]]; then engines=2; fi
  share=$(setting GPU_MEMORY_UTILIZATION 0.30)
  weights_name=$(setting MODEL_WEIGHTS "$(setting MODEL_ID Qwen/Qwen2.5-1.5B-Instruct)")
  weights=$(weights_mib "$weights_name")
  kv_per_token=$(kv_kib "$weights_name")
  budget=$(awk -v t="$total" -v u="$share" 'BEGIN { print int(t * u) }')
  used=$((engines * (budget + CONTEXT_MIB)))
  note "share of one engine: $total MiB x $share = $(gib "$budget")"
  note "all engines: $engines x ($(gib "$budget") + context $(gib $CONTEXT_MIB)) = $(gib "$used") of $(gib "$free") free"
  if ((used > free)); then
    bad "the GPU has $((used - free)) MiB too little: lower GPU_MEMORY_UTILIZATION, or free the GPU"
  else
    good "$engines engine(s) fit the GPU, $((free - used)) MiB to spare"
  fi
  if [[ -z $weights ]]; then
    warn "size of $weights_name is unknown: no statement about its KV cache"
    return
  fi
  kv=$((budget - weights - ACTIVATION_MIB))
  note "KV cache of one engine: $(gib "$budget") - weights $(gib "$weights") - activations $(gib $ACTIVATION_MIB) = $(gib "$kv")"
  if ((kv <= 0)); then
    bad "$weights_name leaves no room for a KV cache: raise GPU_MEMORY_UTILIZATION or take smaller weights"
    return
  fi
  if [[ -z $kv_per_token ]]; then return; fi
  local tokens=$((kv * 1024 / kv_per_token)) longest
  longest=$(setting MAX_MODEL_LEN 2048)
  if ((tokens < longest)); then
    bad "that holds $tokens tokens, fewer than MAX_MODEL_LEN=$longest"
  else
    good "that holds $tokens tokens, $((tokens / longest)) requests of MAX_MODEL_LEN=$longest"
  fi
}

check_model() {
  section 'Model'
  local weights file
  if [[ $mode == cpu ]]; then
    file=models/$(setting GGUF_FILE model.gguf)
    if [[ ! -r $file ]]; then
      bad "$file is missing: put a GGUF file there, or set GGUF_FILE in .env"
    elif [[ $(head -c 4 "$file") != GGUF ]]; then
      bad "$file is not a GGUF file"
    else
      good "$file"
    fi
    return
  fi
  weights=$(setting MODEL_WEIGHTS "$(setting MODEL_ID Qwen/Qwen2.5-1.5B-Instruct)")
  if [[ $weights == /models/* ]]; then
    if [[ -r models/${weights#/models/}/config.json ]]; then
      good "$weights is there"
    else
      bad "models/${weights#/models/}/config.json is missing"
    fi
    return
  fi
  if ((!online)); then
    note "not asked: whether $weights can be downloaded (--offline)"
    return
  fi
  if ! has curl; then
    warn "curl is missing: not asked whether $weights can be downloaded"
    return
  fi
  local token status headers=()
  token=$(setting HUGGING_FACE_HUB_TOKEN '')
  if [[ -n $token ]]; then headers=(-H "Authorization: Bearer $token"); fi
  status=$(curl -s -o /dev/null -m 10 -w '%{http_code}' ${headers[@]+"${headers[@]}"} \
    "https://huggingface.co/$weights/resolve/main/config.json" || true)
  case $status in
    200 | 302 | 307) good "$weights can be downloaded" ;;
    401 | 403) bad "$weights asks for a token: set HUGGING_FACE_HUB_TOKEN in .env and accept the model's licence" ;;
    404) bad "$weights does not exist on the hub" ;;
    *) warn "the model hub does not answer ($status): needed for the first start only" ;;
  esac
}

printf 'Tandem, mode %s\n' "$mode"
check_docker
check_ports
check_folders
check_ram
if [[ $mode == gpu || $mode == decode ]]; then check_gpu; fi
if [[ $mode != sim ]]; then check_model; fi

section 'Result'
printf '  %d problem(s), %d warning(s)\n' "$problems" "$warnings"
((problems == 0))
