#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real llama.cpp server from Debian's packages, unpacked into a cache folder; the system is not touched.
#   llama-server.sh install            downloads and unpacks it (once; about 15 MB)
#   llama-server.sh run MODEL PORT …   runs it on loopback in the foreground; more arguments are llama-server's own
# Needs a Debian or Ubuntu host with apt; installs nothing and needs no root. Keeps its files in
# ${E2E_CACHE:-${XDG_CACHE_HOME:-~/.cache}/tandem}/llamacpp. Exit status: 3 the package archive does not answer.
set -euo pipefail

readonly SUITE=forky   # the first Debian release that has llama.cpp
HOME_FOLDER=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tandem}/llamacpp
readonly HOME_FOLDER
readonly TREE=$HOME_FOLDER/root

usage() { sed -n '4,8p' "$0" | sed 's/^# \{0,1\}//'; }
say() { printf 'llama-server: %s\n' "$*" >&2; }

private_apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$HOME_FOLDER/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$HOME_FOLDER/state" -o Dir::State::status="$HOME_FOLDER/state/status" -o Dir::Cache="$HOME_FOLDER/cache" \
    -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Install-Recommends=false \
    -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@"
}

install() {
  [[ -x $TREE/usr/bin/llama-server ]] && return
  local address package
  address=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null \
    | sed -nE 's#^(URIs:|deb( +\[[^]]*\])?) +(https?://[^ ]+/debian)/?( .*)?$#\3#p' | head -n 1 || true)
  if [[ -z $address ]]; then
    say 'apt on this machine names no Debian archive: llama.cpp comes from one'
    exit 3
  fi
  mkdir -p "$HOME_FOLDER"/{state/lists/partial,cache/archives/partial}
  : >"$HOME_FOLDER/state/status" # an empty system: apt then names every library that is needed
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$address" \
    "$SUITE" >"$HOME_FOLDER/sources.list"
  private_apt update || { say "the package archive does not answer for $SUITE (lines above)"; exit 3; }
  private_apt install -y --download-only llama.cpp-tools >/dev/null \
    || { say "llama.cpp-tools of $SUITE cannot be downloaded (lines above)"; exit 3; }
  rm -rf "$TREE.part"
  for package in "$HOME_FOLDER"/cache/archives/*.deb; do dpkg-deb -x "$package" "$TREE.part"; done
  rm -rf "$HOME_FOLDER/cache" "$TREE"
  mv "$TREE.part" "$TREE"
  say "installed $(du -sh "$TREE" | cut -f1) in $TREE"
}

run() {
  local model=$1 port=$2 libraries=$TREE/usr/lib/x86_64-linux-gnu backend loader
  shift 2
  backend=sse42
  if grep -qw avx2 /proc/cpuinfo; then backend=haswell; fi
  loader=$(find "$TREE" -name 'ld-linux-x86-64.so.2' | head -n 1)
  GGML_BACKEND_PATH=$(find "$libraries/ggml" -name "libggml-cpu-$backend.so" | head -n 1)
  export GGML_BACKEND_PATH
  exec "$loader" --library-path "$libraries:$libraries/llama:$(dirname "$GGML_BACKEND_PATH")" "$TREE/usr/bin/llama-server" \
    --model "$model" --host 127.0.0.1 --port "$port" --threads 1 "$@"
}

case ${1:-} in
  install) install ;;
  run) shift; run "$@" ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
