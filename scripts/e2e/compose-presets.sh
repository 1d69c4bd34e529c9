#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Compose files of deploy/compose, run for real with simulated engines that get vLLM's own command lines and variables:
# engines are found or register, requests are handed over, and down.sh leaves nothing.
#   scripts/e2e/compose-presets.sh              all of them
#   scripts/e2e/compose-presets.sh NAME…        some of them: lmcache-nixl p2p-nccl
# Needs a Docker engine that answers and the router's image (scripts/e2e/compose-sim.sh builds tandem/router:e2e).
# Uses its own project name and ports. Exit status: 0 all passed, 1 something failed.
set -euo pipefail

usage() { sed -n '4,9p' "$0" | sed 's/^# \{0,1\}//'; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"
cd "$root"

presets=()
for name in "$@"; do
  case $name in
    -h | --help) usage; exit 0 ;;
    *) [[ -e deploy/compose/$name.yml ]] || { usage >&2; exit 2; } ;;
  esac
  presets+=("$name")
done
((${#presets[@]} > 0)) || presets=(lmcache-nixl p2p-nccl)

export COMPOSE_PROJECT_NAME=tandem-presets ROUTER_IMAGE=${ROUTER_IMAGE:-tandem/router:e2e} MODEL_ID=tandem-sim
unset COMPOSE_PROFILES COMPOSE_FILE
ROUTER_PORT=$(free_port)
MANAGEMENT_PORT=$(free_port)
LMCACHE_NIXL_PORT=$ROUTER_PORT
P2P_NCCL_PORT=$ROUTER_PORT
P2P_NCCL_SUBNET=172.30.$((RANDOM % 256)).0/24
export ROUTER_PORT MANAGEMENT_PORT LMCACHE_NIXL_PORT P2P_NCCL_PORT P2P_NCCL_SUBNET
url=http://127.0.0.1:$ROUTER_PORT

files() { printf -- '--file docker-compose.yml --file deploy/compose/%s.yml' "$1"; }
# shellcheck disable=SC2046 # options, not one argument
composed() { local name=$1; shift; docker compose $(files "$name") "$@"; }
simulated() { docker compose --file "$work/project.json" --profile '*' "$@"; }

# selects NAME "WANTED SERVICES" OPTIONS…
selects() {
  local name=$1 wanted=$2 got
  shift 2
  got=$(composed "$name" "$@" config --services | sort | tr '\n' ' ')
  [[ $got == "$wanted " ]] || { printf 'selected: %s\nwanted:   %s\n' "$got" "$wanted"; return 1; }
}

# The preset's own port, each engine on a GPU of its own, and nothing but the API beyond loopback.
for_gpus() {
  env -u LMCACHE_NIXL_PORT -u P2P_NCCL_PORT -u MANAGEMENT_PORT docker compose \
    --file docker-compose.yml --file "deploy/compose/$1.yml" --profile 2p3d config --format json | python3 -c '
import json, sys
services = json.load(sys.stdin)["services"]
ports = {(name, port.get("host_ip"), port["published"]) for name, s in services.items() for port in s.get("ports", [])}
assert ports == {("router", "0.0.0.0", sys.argv[1]), ("router", "127.0.0.1", "9088")}, ports
engines = [s for name, s in services.items() if name != "router"]
gpus = [s["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"][0] for s in engines]
assert sorted(gpus) == [str(number) for number in range(int(sys.argv[2]))], gpus
assert not [s["image"] for s in engines if s["image"].endswith(":latest")]' "$2" "$3"
}

start() {
  composed "$1" --profile 2p3d config --format json | python3 "$here/compose_simulated.py" "$ROUTER_IMAGE" >"$work/project.json"
  local began=$SECONDS
  if ! simulated up --detach --wait --wait-timeout 240 --no-build; then
    simulated ps --all
    simulated logs --tail 40
    die "$1 did not become healthy"
  fi
  pass "$1: every service is healthy after $((SECONDS - began)) s"
}

all_up() { # all_up COUNT
  local end=$((SECONDS + 60)) seen=''
  while ((SECONDS < end)); do
    seen=$(curl -fsS -m 5 "$url/healthz" || true)
    [[ $(jq '[.workers[] | select(.state == "up")] | length' <<<"$seen") != "$1" ]] || return 0
    sleep 1
  done
  echo "$seen"
  return 1
}

# A prompt that nobody has seen: what decode has cached of it has come from prefill. An engine whose registration is late,
# on a busy host, is away for a moment.
handed_over() {
  local prompt
  prompt="$RANDOM $RANDOM $(printf 'two engines in two containers hand a prompt over. %.0s' {1..60})"
  curl -sS -m 60 --retry 20 --retry-delay 1 -D "$work/head" -o "$work/answer" -H 'Content-Type: application/json' \
    -d "{\"model\":\"$MODEL_ID\",\"prompt\":\"$prompt\",\"max_tokens\":8,\"temperature\":0,\"ignore_eos\":true}" \
    "$url/v1/completions"
  jq -e '.usage.completion_tokens == 8' "$work/answer" >/dev/null || { cat "$work/answer"; return 1; }
  grep -qiE '^x-tandem-cached-tokens: [0-9]{3}' "$work/head" || { cat "$work/head"; return 1; }
  sed -nE 's/^x-tandem-(prefill|decode): *([^[:cntrl:]]+).*/\1 \2/Ip' "$work/head" >>"$work/used"
}

everyone_takes_part() { # everyone_takes_part WORKERS: in twelve prompts and as many more as it takes
  local end=$((SECONDS + 60)) asked=0
  while ((SECONDS < end)); do
    handed_over || return 1
    asked=$((asked + 1))
    if ((asked >= 12)) && (($(sort -u "$work/used" | wc -l) == $1)); then return; fi
  done
  sort "$work/used" | uniq -c
  return 1
}

counted_as_taken() { # counted_as_taken CONNECTOR COUNT
  curl -fsS "http://127.0.0.1:$MANAGEMENT_PORT/metrics" >"$work/metrics"
  awk -v name="tandem_handovers_total{connector=\"$1\",result=\"taken\"}" -v least="$2" \
    '$1 == name && $2 >= least { found = 1 } END { exit !found }' "$work/metrics" \
    || { grep tandem_handovers "$work/metrics"; return 1; }
}

leaves_nothing() {
  scripts/down.sh
  local left
  left=$(docker ps -aq --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
    docker network ls -q --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME)
  [[ -z $left ]] || { echo "left: $left"; return 1; }
}

run_preset() { # run_preset NAME CONNECTOR WORKERS
  : >"$work/used"
  start "$1"
  check "$1: $3 workers are up" all_up "$3"
  check "$1: prompts are handed over, each worker takes part" everyone_takes_part "$3"
  check "$1: the hand-overs are counted" counted_as_taken "$2" 12
  check "$1: down.sh leaves nothing" leaves_nothing
}

docker info >/dev/null 2>&1 || die 'no Docker engine answers'
work=$(mktemp -d)
trap 'simulated down --timeout 5 >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

for name in "${presets[@]}"; do
  section "$name"
  case $name in
    lmcache-nixl)
      check "$name: two prefill, one decode" selects "$name" 'lmcache-decode lmcache-prefill-1 lmcache-prefill-2 router'
      check "$name: port 9000, three GPUs" for_gpus "$name" 9000 3
      run_preset "$name" lmcache-pd 3
      ;;
    p2p-nccl)
      check "$name: one of each" selects "$name" 'p2p-decode-1 p2p-prefill-1 router'
      check "$name: profile 2p3d" selects "$name" \
        'p2p-decode-1 p2p-decode-2 p2p-decode-3 p2p-prefill-1 p2p-prefill-2 router' --profile 2p3d
      check "$name: port 3000, five GPUs" for_gpus "$name" 3000 5
      run_preset "$name" p2p-nccl 5
      ;;
  esac
done

finish
