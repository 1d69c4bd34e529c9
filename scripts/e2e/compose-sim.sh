#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Compose stack with simulated engines, built and run for real: `docker compose --profile sim up`, the smoke test,
# routing by prefix, hand-over, what the containers may do, and that down.sh leaves nothing.
#   scripts/e2e/compose-sim.sh              compiles inside the image build
#   scripts/e2e/compose-sim.sh --prebuilt   takes the executable jar of router/gateway/target (built when missing)
# Needs a Docker engine that answers and the base images of router/Dockerfile. Uses its own project name and ports.
# Exit status: 0 all passed, 1 something failed.
set -euo pipefail

usage() { sed -n '4,9p' "$0" | sed 's/^# \{0,1\}//'; }
prebuilt=0
case ${1:-} in
  '') ;;
  --prebuilt) prebuilt=1 ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"
cd "$root"

export COMPOSE_PROJECT_NAME=tandem-e2e ROUTER_IMAGE=tandem/router:e2e
unset COMPOSE_PROFILES COMPOSE_FILE
ROUTER_PORT=$(free_port)
MANAGEMENT_PORT=$(free_port)
PREFILL_PORT=$(free_port)
DECODE_PORT=$(free_port)
export ROUTER_PORT MANAGEMENT_PORT PREFILL_PORT DECODE_PORT
url=http://127.0.0.1:$ROUTER_PORT

services() { docker compose "$@" config --services | sort | tr '\n' ' '; }
selects() { # selects "WANTED SERVICES" OPTIONS…
  local wanted=$1 got
  shift
  got=$(services "$@")
  [[ $got == "$wanted " ]] || { printf 'selected: %s\nwanted:   %s\n' "$got" "$wanted"; return 1; }
}

profile_checks() {
  section 'profiles'
  check 'docker compose config, every profile' docker compose --profile '*' config --quiet
  check 'no profile: router and prefill' selects 'prefill router'
  check 'gpu' selects 'prefill router' --profile gpu
  check 'decode' selects 'decode prefill router' --profile decode
  check 'sim: nothing of vLLM' selects 'kv-store router sim-decode sim-prefill' --profile sim
  check 'cpu' selects 'llamacpp-decode llamacpp-prefill router' --profile cpu
  check 'observability' selects 'grafana prometheus router' --profile observability
  check '.env.example names every variable of the Compose file' every_variable_is_listed
  check 'no unpinned image' no_latest_image
  check 'only the router is published beyond loopback' loopback_only
}

every_variable_is_listed() {
  local name missing=()
  while read -r name; do
    grep -qE "^#?$name=" .env.example || missing+=("$name")
  done < <(grep -ohE '\$\{[A-Z0-9_]+' docker-compose.yml deploy/compose/*.yml | cut -c3- | sort -u)
  ((${#missing[@]} == 0)) || { printf 'missing: %s\n' "${missing[*]}"; return 1; }
}

no_latest_image() { ! docker compose --profile '*' config | grep -E '^ *image:.*(:latest|image: [^:]*)$'; }

loopback_only() {
  docker compose --profile '*' config --format json | python3 -c '
import json, sys
services = json.load(sys.stdin)["services"]
open_ports = [(n, p["published"]) for n, s in services.items() for p in s.get("ports", [])
              if p.get("host_ip") != "127.0.0.1" and n != "router"]
router = [p["target"] for p in services["router"]["ports"] if p.get("host_ip") != "127.0.0.1"]
assert not open_ports and router == [8088], (open_ports, router)'
}

start() {
  section 'docker compose --profile sim up'
  if ((prebuilt)); then
    find_jar
    export ROUTER_JAR=prebuilt
  fi
  local began=$SECONDS
  docker compose --profile sim build --quiet || die 'the image cannot be built'
  say "image built in $((SECONDS - began)) s"
  began=$SECONDS
  if ! docker compose --profile sim up --detach --wait --wait-timeout 180; then
    docker compose --profile '*' ps --all
    docker compose --profile '*' logs --tail 60
    die 'the stack did not become healthy'
  fi
  pass "every service is healthy after $((SECONDS - began)) s"
}

container() { docker compose --profile '*' ps --all --quiet "$1"; }
inspect() { docker inspect --format "$2" "$(container "$1")"; }

confinement_checks() {
  section 'what the containers may do'
  local service
  for service in router sim-prefill sim-decode; do
    check "$service: user 10001, read-only, no capability" confined "$service"
    check "$service: healthy" test "$(inspect "$service" '{{.State.Health.Status}}')" = healthy
  done
  check 'router: resident memory below 400 MiB' memory_below 400
}

confined() {
  local seen
  seen=$(inspect "$1" '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}}')
  [[ $seen =~ ^10001:10001\ true\ \[(CAP_)?ALL\]\ false$ ]] || { echo "$seen"; return 1; }
}

memory_below() {
  local pid kib
  pid=$(inspect router '{{.State.Pid}}')
  kib=$(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")
  say "router: $((kib / 1024)) MiB resident"
  ((kib < $1 * 1024))
}

store_is_used() {
  [[ -n $(find data/kv_cache -type f -newer "$marker" | head -n 1) ]] || { echo 'no new file in data/kv_cache'; return 1; }
}

# What the dashboards draw of a healthy stack must be served; series of failures exist only after the first failure.
metrics_answer() {
  local served series missing=()
  served=$(curl -fsS "http://127.0.0.1:$MANAGEMENT_PORT/metrics" "http://127.0.0.1:$DECODE_PORT/metrics")
  while read -r series; do
    grep -q "^${series}[ {]" <<<"$served" || missing+=("$series")
  done < <(grep -hoE '(tandem_|vllm:)[a-z0-9_]+' configs/grafana/dashboards/*.json | grep -vE 'failures|aborts|retries' | sort -u)
  ((${#missing[@]} == 0)) || { printf 'not served: %s\n' "${missing[*]}"; return 1; }
}

# A worker is taken away and comes back: the router keeps answering, says degraded, and becomes ok again.
decode_may_leave() {
  docker compose --profile sim stop --timeout 5 sim-decode
  local end=$((SECONDS + 40)) code
  while ((SECONDS < end)); do
    if grep -q '"degraded"' <<<"$(curl -sS -m 5 "$url/healthz")"; then break; fi
    sleep 1
  done
  grep -q '"degraded"' <<<"$(curl -sS -m 5 "$url/healthz")" || { curl -sS "$url/healthz"; return 1; }
  code=$(curl -sS -m 60 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
    -d "{\"model\":\"$model\",\"prompt\":\"alone\",\"max_tokens\":2}" "$url/v1/completions")
  docker compose --profile sim start sim-decode
  [[ $code == 200 ]] || { echo "completion without decode: HTTP $code"; return 1; }
  end=$((SECONDS + 60))
  while ((SECONDS < end)); do
    if grep -qE '"status" *: *"ok"' <<<"$(curl -sS -m 5 "$url/healthz")"; then return 0; fi
    sleep 1
  done
  curl -sS "$url/healthz"
  return 1
}

leaves_nothing() {
  scripts/down.sh
  local left
  left=$(docker ps -aq --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
    docker network ls -q --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME)
  [[ -z $left ]] || { echo "left: $left"; return 1; }
}

docker info >/dev/null 2>&1 || die 'no Docker engine answers'
marker=$(mktemp)
trap 'docker compose --profile "*" down --timeout 5 >/dev/null 2>&1 || true; rm -f "$marker"' EXIT

profile_checks
start
confinement_checks
counted 'smoke test' scripts/smoke.sh --url "$url" --pair --wait 60
model=$(curl -fsS "$url/v1/models" | grep -oE '"id" *: *"[^"]+"' | head -n 1 | sed -E 's/.*: *"(.*)"/\1/')
section 'the running stack'
check 'the store lies in data/kv_cache' store_is_used
check 'metrics answer on loopback' metrics_answer
check 'decode may leave and come back' decode_may_leave
section 'scripts/down.sh'
check 'nothing is left' leaves_nothing

finish
