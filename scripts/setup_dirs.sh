#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the folders that Compose mounts, so that they belong to you and not to root, and .env from .env.example.
# Changes nothing that exists. Run it once after cloning.
#   scripts/setup_dirs.sh
set -euo pipefail

usage() { sed -n '4,6p' "$0" | sed 's/^# \{0,1\}//'; }

case ${1:-} in
  '') ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
for folder in data/kv_cache data/results models; do
  if [[ -d $folder ]]; then
    echo "$folder: there"
  else
    mkdir -p "$folder"
    echo "$folder: made"
  fi
done
if [[ -e .env ]]; then
  echo '.env: there'
else
  cp .env.example .env
  chmod 600 .env # it may come to hold a token
  echo '.env: made from .env.example'
fi
