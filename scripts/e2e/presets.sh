#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every preset of configs/router from its file alone: the packaged gateway on the preset's own ports, simulated engines
# in the topology of the system that it stands for (1, 1p1d, 2p1d, 2p3d, 8p8d), completions and chats, streamed and not.
# Each answer is that of a single engine, its headers name a pair, the engines' counters show that KV moved.
#   scripts/e2e/presets.sh              all presets
#   scripts/e2e/presets.sh NAME…        some of them, such as p2p-nccl
# The presets' ports must be free (8088, 9000, 3000, 10001, 9088, 29000, 30001, and those of the engines). Touches
# nothing outside a temporary folder and stops what it started. Exit status: 0 all passed, 1 something failed, 2 usage.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"

for name in "$@"; do
  case $name in
    -h | --help) sed -n '4,12p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) [[ -e $root/configs/router/$name.yml ]] || { sed -n '4,12p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; } ;;
  esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find_java
find_jar
cp "$jar" "$work/gateway.jar" # a build may replace the jar while it runs
counted 'presets' python3 "$here/presets.py" --java "$java" --jar "$work/gateway.jar" --work "$work" "$@"
finish
