#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests of the scripts that need neither Docker nor a GPU: they run with stand-ins for nvidia-smi, docker and curl.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# says NAME WANTED_STATUS PATTERN COMMAND…: ends with the status and prints the pattern
says() {
  local name=$1 wanted=$2 pattern=$3 output code=0
  shift 3
  output=$("$@" 2>&1) || code=$?
  if [[ $code == "$wanted" ]] && grep -qE -- "$pattern" <<<"$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL  %s: status %d (wanted %d), wanted in the output: %s\n%s\n' "$name" "$code" "$wanted" "$pattern" "$output"
  fi
}

# A copy of what the scripts read, so that nothing of this checkout's .env or data matters.
mkdir -p "$work/repo/models" "$work/bin"
cp -r scripts configs docker-compose.yml .env.example "$work/repo/"
cd "$work/repo"

for tool in bash env sed grep awk df du head tail cut cat dirname basename printf tr mkdir cp chmod; do
  ln -s "$(command -v "$tool")" "$work/bin/$tool" 2>/dev/null || true
done

stand_in() { # stand_in NAME: its text from standard input
  { echo '#!/bin/bash'; cat; } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
gpu() { # gpu CAPABILITY DRIVER TOTAL_MIB FREE_MIB
  stand_in nvidia-smi <<<"echo 'NVIDIA Test, $2, $3, $4, $1'"
}
doctor() { env -i PATH="$work/bin" HOME="$work" "${settings[@]+"${settings[@]}"}" bash scripts/doctor.sh "$@"; }
settings=(ROUTER_PORT=28088 MANAGEMENT_PORT=29088 PREFILL_PORT=28010 DECODE_PORT=28020 SWAP_SPACE_GB=0)

says 'a machine with nothing: findings, no crash' 1 'docker is not installed' doctor --offline
says 'without a driver the GPU-less ways are named' 1 'profile sim' doctor --offline
says 'an unknown mode is an argument error' 2 'doctor.sh' doctor --mode turbo

stand_in docker <<'END'
case "$*" in
  'version --format'*) echo 28.2.2 ;;
  'compose version --short') echo "${TEST_COMPOSE:-v2.26.1-4}" ;;
  info*) echo 'Runtimes: io.containerd.runc.v2 nvidia runc' ;;
  ps*) echo "0.0.0.0:${TEST_PORT:-1}->8088/tcp" ;;
esac
END
settings+=(TEST_PORT=28088)
says 'a port of the running stack is no finding' 0 'port 28088 is taken by the running stack' doctor --mode sim
unset 'settings[-1]'
says 'mode sim needs no GPU' 0 '0 problem' doctor --mode sim
settings+=(TEST_COMPOSE=2.20.3)
says 'an old Compose' 1 'Compose 2.20.3 is too old' doctor --mode sim
unset 'settings[-1]'

gpu 7.5 580.95.05 8192 7800
says 'one engine fits 8 GB' 0 '1 engine\(s\) fit the GPU' doctor --offline
says 'two int4 engines fit 8 GB' 0 '2 engine\(s\) fit the GPU' doctor --offline --mode decode
says 'the arithmetic is shown' 0 'share of one engine: 8192 MiB x 0.30 = 2.40 GiB' doctor --offline
settings+=(MODEL_WEIGHTS=Qwen/Qwen2.5-1.5B-Instruct)
says 'fp16 weights do not fit a share of 0.30' 1 'no room for a KV cache' doctor --offline
settings+=(GPU_MEMORY_UTILIZATION=0.55)
says 'fp16 weights fit a share of 0.55' 0 'that holds [0-9]+ tokens' doctor --offline
says 'two shares of 0.55 do not fit' 1 'too little' doctor --offline --mode decode
unset 'settings[-1]' 'settings[-1]'
gpu 7.5 570.10 8192 7800
says 'an old driver' 1 'driver 570.10 is too old' doctor --offline
gpu 7.0 580.10 8192 7800
says 'an old GPU' 1 'vLLM needs 7.5' doctor --offline
gpu 7.5 580.10 8192 1500
says 'a GPU that is in use' 1 'too little' doctor --offline
stand_in curl <<<'printf 403'
gpu 7.5 580.10 8192 7800
says 'a gated model' 1 'asks for a token' doctor
printf 'XXXX' >models/model.gguf
says 'not a GGUF file' 1 'is not a GGUF file' doctor --mode cpu
printf 'GGUF....' >models/model.gguf
says 'a GGUF file' 0 '0 problem' doctor --mode cpu

serve() { env "${settings[@]}" "$@" bash scripts/serve-vllm.sh prefill 8010 --dry-run; }
settings=(MODEL_WEIGHTS=W/AWQ MODEL_ID=W/Name)
says 'both names are served' 0 '^W/AWQ$' serve A=b
says 'SWAP_SPACE_GB is the RAM tier' 0 '"cpu_bytes_to_use":8589934592' serve SWAP_SPACE_GB=8
says 'the shared folder is the second tier' 0 '"type":"fs","root_dir":"/data/kv_cache"' serve A=b
says 'a RAM tier alone' 0 'kv-offloading-size' serve KV_SHARING=ram
says 'an unknown way of sharing' 2 'expected: fs, ram or none' serve KV_SHARING=disk
says 'half a GiB' 2 'expected: whole GiB' serve SWAP_SPACE_GB=0.5
says 'extra arguments are words' 0 '^TRITON_ATTN$' serve ENGINE_EXTRA_ARGS='--attention-backend TRITON_ATTN'
if serve A=b | grep -qE -- '--swap-space|--enable-lmcache|--lmcache-path'; then
  echo 'FAIL  an argument that vLLM no longer has'
  failed=$((failed + 1))
else
  passed=$((passed + 1))
fi
serve KV_SHARING=fs | grep -A1 -- '--kv-transfer-config' | tail -n 1 | "$(command -v python3)" -m json.tool >/dev/null \
  || { echo 'FAIL  the connector configuration is not JSON'; failed=$((failed + 1)); }

says 'folders and .env are made' 0 '.env: made' bash scripts/setup_dirs.sh
echo 'MODEL_ID=mine' >.env
says 'a second run keeps .env' 0 '.env: there' bash scripts/setup_dirs.sh
says 'what .env says stays' 0 '^MODEL_ID=mine$' cat .env
says 'nothing listens: smoke says so' 1 'nothing answers' env -u OPENAI_API_KEY bash scripts/smoke.sh --url http://127.0.0.1:9
says 'the same seed, the same model' 0 same bash -c \
  'python3 scripts/e2e/tiny_gguf.py a.gguf && python3 scripts/e2e/tiny_gguf.py b.gguf && cmp a.gguf b.gguf && echo same'

# Every series of ours that a dashboard or an alert names must be one that docs/metrics.md lists.
cd "$source"
while read -r series; do
  grep -qE "^\\| \`${series%_bucket}\`" docs/metrics.md \
    || { printf 'FAIL  configs name %s, docs/metrics.md does not\n' "$series"; failed=$((failed + 1)); }
done < <(grep -rhoE 'tandem_[a-z0-9_]+' configs/grafana/dashboards configs/prometheus | sort -u)
for dashboard in configs/grafana/dashboards/*.json; do
  python3 -m json.tool "$dashboard" >/dev/null || { echo "FAIL  $dashboard is not JSON"; failed=$((failed + 1)); }
done
passed=$((passed + 1))
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
