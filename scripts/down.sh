#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Stops and removes every container and network of the stack, whichever profiles started them.
#   scripts/down.sh             keeps downloaded weights, metrics and the KV store
#   scripts/down.sh --volumes   removes those too: the named volumes and what lies in data/kv_cache
set -euo pipefail

usage() { sed -n '4,6p' "$0" | sed 's/^# \{0,1\}//'; }
say() { printf 'down: %s\n' "$*"; }

wipe=0
case ${1:-} in
  '') ;;
  --volumes) wipe=1 ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
docker info >/dev/null 2>&1 || { say 'no Docker engine answers; nothing to stop'; exit 1; }

options=(--remove-orphans)
if ((wipe)); then options+=(--volumes); fi
docker compose --profile '*' down "${options[@]}"

if ((wipe)) && [[ -d data/kv_cache ]]; then
  # Engines write as root or as user 10001; where that locks us out, a container of the stack's own image would be
  # needed, so say it instead of leaving half.
  if ! find data/kv_cache -mindepth 1 -delete 2>/dev/null; then
    say 'data/kv_cache holds files of another user: sudo rm -rf data/kv_cache/*'
    exit 1
  fi
  say 'data/kv_cache is empty'
fi

project=$(docker compose --profile '*' config --format json | sed -nE 's/^  "name": "([^"]+)".*/\1/p' | head -n 1)
label=com.docker.compose.project=${project:-tandem}
# config-hash: only what Compose created itself, not a container that somebody ran from an image that Compose built.
left=$(docker ps -aq --filter "label=$label" --filter label=com.docker.compose.config-hash; docker network ls -q --filter "label=$label")
if [[ -n $left ]]; then
  say "still there: $left"
  exit 1
fi
say 'no container and no network is left'
