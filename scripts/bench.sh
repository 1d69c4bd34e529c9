#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures Tandem beside other proxies in front of the same fake workers, and what hand-overs between two engines cost.
# docs/benchmarks/README.md describes the method.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/bench.sh [--build] [--no-install] [options of the benchmark]
       scripts/bench.sh handover [--build] [--no-install] [options of this benchmark]
       scripts/bench.sh stress [--build] [options of this benchmark]

Builds the gateway and the benchmark when their jars are missing, installs nginx and HAProxy when they are missing
(Debian packages, as root only), with --peers also vllm-router and SMG (PyPI, into a cache outside the checkout), and
runs the benchmark. The table goes to standard output, and with all rounds to data/results/.

handover measures what a hand-over costs beyond the engines' own times, for every connector, between simulated engines;
it needs no nginx and no HAProxy.

stress presses Tandem hard: very many streams, clients that never read, send slowly or leave, twice the load that its
engine can serve, workers that are killed, restarts of engines and gateway, and, with --only soak, very many requests.
It needs about 20,000 file descriptors for each process (ulimit -Hn).

  --build        build both jars even if they are there (the gateway only when Tandem is measured and no
                 --tandem-jar is given)
  --no-install   install nothing; measure what is there
  --help         this text and the options of the benchmark (handover --help, stress --help: of those)

Common runs:
  scripts/bench.sh                     Tandem, nginx, HAProxy: about 10 minutes
  scripts/bench.sh --peers --pd        vllm-router and SMG too, and one leg against two: about 30 minutes
  scripts/bench.sh --rounds 1 --seconds 1 --warmup-requests 2000 --starts 1     does it work at all: 2 minutes
  scripts/bench.sh --streams 9500      memory with more open streams
  scripts/bench.sh handover            every connector: about 5 minutes
  scripts/bench.sh handover --write-docs --peers        with vllm-router; table and plot go to docs/benchmarks/results/
  scripts/bench.sh handover --only nixl,mooncake --rounds 1 --warmup 100        does it work at all: half a minute
  scripts/bench.sh stress --write-docs                  all of it but the soak: about 10 minutes
  scripts/bench.sh stress --only soak --soak-requests 2000000        about 20 minutes
  scripts/bench.sh stress --streams 200 --stream-seconds 3 --stalled 50 --write-stall 2 --leaving 20 \
    --leaving-at-once 100 --overload-seconds 2 --slow 100 --head-timeout 3 --body-timeout 5 --kills 1 --restarted 2 \
    --gateways 1 --storm-seconds 5                      does it work at all: 3 minutes

Environment: JAVA_HOME (a JDK 25), XDG_CACHE_HOME, VLLM_ROUTER_VERSION (0.1.17), SMG_VERSION (1.13.0).
Exit status: 0 all runs clean, 3 at least one run void (an answer lost, changed or failed), other: it did not run.
TEXT
}

say() { printf 'bench: %s\n' "$*" >&2; }

cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tandem-bench"
build=no install=yes peers=no help=no gateway=yes
previous= # of the arguments
main=dev.tandem.bench.RelayBench
arguments=()
if [ "${1:-}" = handover ]; then
  main=dev.tandem.bench.handover.HandoverBench
  shift
elif [ "${1:-}" = stress ]; then
  main=dev.tandem.bench.stress.StressBench
  shift
fi
for argument in "$@"; do
  case "$previous=$argument" in
    *=--tandem-jar*) gateway=no ;;
    --only=*tandem* | *=--only=*tandem*) ;;
    --only=* | *=--only=*) if [ "$main" = dev.tandem.bench.RelayBench ]; then gateway=no; fi ;;
  esac
  previous="$argument"
  case "$argument" in
    --build) build=yes ;;
    --no-install) install=no ;;
    -h | --help) help=yes ;;
    *)
      if [ "$argument" = --peers ]; then peers=yes; fi
      arguments+=("$argument")
      ;;
  esac
done

if [ "$help" = yes ]; then usage; fi

find_java() {
  local home
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/*25*; do
    if [ -x "$home/bin/java" ] && "$home/bin/java" -version 2>&1 | grep -q 'version "2[5-9]'; then
      printf '%s' "$home"
      return
    fi
  done
  say "needs a JDK 25 (set JAVA_HOME)"
  exit 2
}

newest() { find "$1" -maxdepth 1 -name "$2" ! -name '*-sources.jar' 2>/dev/null | sort | tail -n 1; }

install_packages() {
  local missing=()
  command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
  command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  if [ "$install" = no ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "goes on without: ${missing[*]} (install: apt-get install ${missing[*]})"
    return
  fi
  # the packages start their services when installed; the benchmark wants the programs only
  local policy=/usr/sbin/policy-rc.d written=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    written=yes
  fi
  apt-get update -qq >&2 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 \
    || say "goes on without: ${missing[*]} (the installation failed)"
  if [ "$written" = yes ]; then rm -f "$policy"; fi
}

install_peer() {
  local name="$1" package="$2"
  if [ -x "$cache/$name/bin/$name" ]; then return; fi
  if [ "$install" = no ] || ! command -v python3 >/dev/null; then
    say "goes on without $name (not in $cache, and nothing may or can be installed)"
    return
  fi
  say "installs $package into $cache/$name"
  mkdir -p "$cache"
  if ! python3 -m venv "$cache/$name" || ! "$cache/$name/bin/pip" -q install --disable-pip-version-check "$package" >&2; then
    rm -rf "${cache:?}/$name"
    say "goes on without $name (the installation failed)"
  fi
}

java_home="$(find_java)"
wanted=()
if [ "$build" = yes ] || [ -z "$(newest router/bench/target 'tandem-bench-*.jar')" ]; then wanted+=(router/bench); fi
if [ "$help" = no ] && [ "$gateway" = yes ]; then
  if [ "$build" = yes ] || [ -z "$(newest router/gateway/target '*-exec.jar')" ]; then wanted+=(router/gateway); fi
fi
if [ ${#wanted[@]} -gt 0 ]; then
  say "builds ${wanted[*]}"
  list="$(IFS=,; printf '%s' "${wanted[*]}")"
  JAVA_HOME="$java_home" ./mvnw -B -q -pl "$list" -am package -DskipTests >&2
fi

if [ "$help" = yes ]; then
  arguments=(--help)
else
  if [ "$main" = dev.tandem.bench.RelayBench ]; then install_packages; fi
  if [ "$peers" = yes ]; then
    install_peer vllm-router "vllm-router==${VLLM_ROUTER_VERSION:-0.1.17}"
    if [ "$main" = dev.tandem.bench.RelayBench ]; then install_peer smg "smg==${SMG_VERSION:-1.13.0}"; fi
  fi
  ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
  export PATH="$PATH:/usr/sbin:/sbin"
fi

peers_folder=(--peer-environments "$cache")
if [ "$main" = dev.tandem.bench.stress.StressBench ]; then peers_folder=(); fi
exec "$java_home/bin/java" -XX:+UseSerialGC -Xmx1g --enable-native-access=ALL-UNNAMED \
  -cp "$(newest router/bench/target 'tandem-bench-*.jar')" "$main" \
  ${peers_folder[@]+"${peers_folder[@]}"} ${arguments[@]+"${arguments[@]}"}
