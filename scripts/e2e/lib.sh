# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the end-to-end scripts share; sourced, never run.
# shellcheck disable=SC2034 # variables are read by the scripts that source this

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${E2E_CACHE:-$HOME/.cache/tandem}
passed=0
failed=0
pids=()

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { say "$*"; exit 1; }
section() { printf '\n== %s\n' "$*"; }
pass() { printf 'PASS  %s\n' "$*"; passed=$((passed + 1)); }
fail() {
  printf 'FAIL  %s\n' "$1"
  shift
  if (($# > 0)); then printf '      %s\n' "$@"; fi
  failed=$((failed + 1))
}

# check NAME COMMAND…: one check per command, its output shown when it fails
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then pass "$name"; else fail "$name" "$(tail -n 30 <<<"$output")"; fi
}

# counted NAME COMMAND…: a command that closes with "N passed, N failed"; its counts join ours
counted() {
  local name=$1 output code=0 line
  shift
  section "$name"
  output=$("$@" 2>&1) || code=$?
  printf '%s\n' "$output"
  line=$(grep -oE '^[0-9]+ passed, [0-9]+ failed' <<<"$output" | tail -n 1 || true)
  if [[ -z $line ]]; then
    fail "$name: ended with $code before its last line"
    return
  fi
  passed=$((passed + ${line%% *}))
  line=${line#*, }
  failed=$((failed + ${line%% *}))
}

# A free port below the range that the system hands out by itself.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  printf '%d' "$port"
}

# wait_for URL SECONDS [PID]: until URL answers 200; gives up early when PID has ended
wait_for() {
  local end=$((SECONDS + $2))
  while ((SECONDS < end)); do
    if curl -fsS -o /dev/null -m 5 "$1" 2>/dev/null; then return 0; fi
    if [[ -n ${3:-} ]] && ! kill -0 "$3" 2>/dev/null; then return 1; fi
    sleep 0.3
  done
  return 1
}

# Ends what this script started, by process id.
stop_all() {
  local pid
  for pid in "${pids[@]+"${pids[@]}"}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]+"${pids[@]}"}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}

# A JDK or JRE of at least 21: $java
find_java() {
  local candidate
  for candidate in "${JAVA_HOME:-/none}/bin/java" /usr/lib/jvm/*25*/bin/java /usr/lib/jvm/*21*/bin/java java; do
    if "$candidate" -version 2>&1 | grep -qE 'version "(2[1-9]|[3-9][0-9])'; then
      java=$candidate
      return
    fi
  done
  die 'no Java 21 or newer is installed'
}

# The executable jar of the gateway: $jar; built when it is missing.
find_jar() {
  local found
  found=$(find "$root/router/gateway/target" -maxdepth 1 -name 'tandem-gateway-*-exec.jar' 2>/dev/null | head -n 1)
  if [[ -z $found ]]; then
    say 'building the gateway'
    (cd "$root" && ./mvnw -B -q -pl router/gateway -am package -DskipTests) >&2
    found=$(find "$root/router/gateway/target" -maxdepth 1 -name 'tandem-gateway-*-exec.jar' | head -n 1)
  fi
  [[ -n $found ]] || die 'the build made no executable jar'
  jar=$found
}

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}
