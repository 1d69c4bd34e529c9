# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the end-to-end scripts share; sourced, never run.
# shellcheck disable=SC2034 # variables are read by the scripts that source this

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tandem}
export PYTHONDONTWRITEBYTECODE=1   # the checkout stays as it is
passed=0
failed=0
pids=()
work=   # a folder of the script that sources this, for what it writes

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
  output=$(mktemp)
  "$@" 2>&1 | tee "$output" || code=$?
  line=$(grep -oE '^[0-9]+ passed, [0-9]+ failed' "$output" | tail -n 1 || true)
  rm -f "$output"
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

# The executable jar of the gateway: $jar; built when it is missing or older than a source.
find_jar() {
  local found
  found=$(find "$root/router/gateway/target" -maxdepth 1 -name 'tandem-gateway-*-exec.jar' 2>/dev/null | head -n 1) || true
  # the time of its last change on this disk: the one of its content is the same in every build
  if [[ -z $found || -n $(find "$root"/router/*/src/main "$root"/router/*/pom.xml -type f -newermt "$(stat -c @%Z "$found")" | head -n 1) ]]; then
    say 'building the gateway'
    (cd "$root" && ./mvnw -B -q -pl router/gateway -am package -DskipTests) >&2
    found=$(find "$root/router/gateway/target" -maxdepth 1 -name 'tandem-gateway-*-exec.jar' | head -n 1)
  fi
  [[ -n $found ]] || die 'the build made no executable jar'
  jar=$found
}

# gateway NAME VARIABLE=VALUE…: starts one on free ports: $url, $management_url, $gateway_pid; needs $work and $jar
gateway() {
  local name=$1 port management
  shift
  port=$(free_port)
  management=$(free_port)
  url=http://127.0.0.1:$port
  management_url=http://127.0.0.1:$management
  # from a copy: a build may replace the jar while it runs
  cp "$jar" "$work/gateway.jar"
  env "$@" ROUTER_PORT="$port" MANAGEMENT_PORT="$management" "$java" -Xmx256m -jar "$work/gateway.jar" >"$work/gateway-$name.log" 2>&1 &
  gateway_pid=$!
  pids+=("$gateway_pid")
  wait_for "$url/healthz" 300 "$gateway_pid" \
    || { tail -n 40 "$work/gateway-$name.log" >&2; die "the gateway ($name) did not become healthy"; }
}

stop_gateway() {
  kill "$gateway_pid" 2>/dev/null || true
  wait "$gateway_pid" 2>/dev/null || true
}

# clients: the SDKs, unchanged, at the versions below: $python has openai and anthropic, $node_folder has openai
readonly OPENAI_PYTHON=3.54.0 ANTHROPIC_PYTHON=2.10.0 OPENAI_NODE=6.49.0
clients() {
  local venv=$cache/sdk-python-$OPENAI_PYTHON-$ANTHROPIC_PYTHON
  python=$venv/bin/python
  if [[ ! -e $venv/.complete ]]; then
    python3 -c 'import ensurepip' 2>/dev/null || die "Python's venv is missing (Debian: apt-get install python3-venv)"
    say "installing the Python SDKs into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" -q --disable-pip-version-check install "openai==$OPENAI_PYTHON" "anthropic==$ANTHROPIC_PYTHON" >&2 \
      || die 'the Python SDKs cannot be installed: PyPI does not answer (lines above)'
    touch "$venv/.complete"
  fi
  node_folder=$cache/sdk-node-$OPENAI_NODE
  command -v node >/dev/null || die 'node is not installed (Debian: apt-get install nodejs npm)'
  if [[ ! -e $node_folder/.complete ]]; then
    say "installing the Node SDK into $node_folder"
    mkdir -p "$node_folder"
    npm --prefix "$node_folder" install --silent --no-fund --no-audit "openai@$OPENAI_NODE" >&2 \
      || die 'the Node SDK cannot be installed: the npm registry does not answer (lines above)'
    touch "$node_folder/.complete"
  fi
}

# differential ENGINE DIRECT_URL: every case by every SDK, straight to the engine and through $url; needs clients, $work
differential() {
  local engine=$1 direct=$2 scripts=$root/scripts/e2e side target folder=$work/records began=$SECONDS
  rm -rf "$folder"
  mkdir -p "$folder"
  python3 "$scripts/cases.py" tandem-sim >"$folder/cases.json"
  cp "$scripts/sdk_openai.mjs" "$node_folder/"
  for side in direct through; do
    if [[ $side == direct ]]; then
      target=$direct
      export E2E_RECONNECT=1
    else
      target=$url
      unset E2E_RECONNECT
    fi
    "$python" "$scripts/sdk_openai.py" "$target" "$folder/cases.json" "$folder/python.$side" || return 1
    "$python" "$scripts/sdk_anthropic.py" "$target" "$folder/cases.json" "$folder/anthropic.$side" || return 1
    node "$node_folder/sdk_openai.mjs" "$target" "$folder/cases.json" "$folder/node.$side" || return 1
  done
  java_records "$direct" "$folder" || return 1
  for side in direct through; do
    cat "$folder"/{python,anthropic,node,java}."$side" >"$folder/$side.jsonl"
  done
  say "the SDKs asked $(wc -l <"$folder/direct.jsonl") times each way in $((SECONDS - began)) s"
  python3 "$scripts/compare.py" --engine "$engine" --rules "$scripts/differences.json" "$folder/direct.jsonl" "$folder/through.jsonl"
}

# OpenAI's Java SDK is a test of the gateway's module: java_records DIRECT_URL FOLDER
java_records() {
  local log=$2/maven.log
  if ! (cd "$root" && E2E_DIRECT=$1 E2E_THROUGH=$url E2E_RECORDS=$2 E2E_RECORD_ONLY=1 ./mvnw -B -ntp -Preal-engines \
    -pl router/gateway -am verify -Dcheckstyle.skip -Dspotless.check.skip -Dtest=NoUnitTest \
    -Dsurefire.failIfNoSpecifiedTests=false -Dit.test=SdkDifferentialIT -Dfailsafe.failIfNoSpecifiedTests=false) >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    say 'the Java SDK could not be run (lines above)'
    return 1
  fi
  say "openai-java: $(wc -l <"$2/java.through") cases"
}

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}
