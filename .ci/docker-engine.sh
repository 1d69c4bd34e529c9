#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Docker engine for the end-to-end tests, on a Debian host that may have none and may reach no image registry.
#
#   docker-engine.sh start            engine and Compose plugin; leaves a running engine as it is
#   docker-engine.sh java-base TAG…   makes one minimal Debian root file system with JDK 25 known under each TAG
#                                     (stands in for the base images of router/Dockerfile); keeps a TAG that exists
#   docker-engine.sh stop             stops the engine that `start` started, and nothing else
#
# Needs root and Debian's package archive. Keeps its files in ${E2E_CACHE:-~/.cache/tandem}/docker.
set -euo pipefail

readonly SUITE=trixie          # the Debian release that has JDK 25 and a Compose plugin
readonly JAVA_PACKAGES=ca-certificates,openjdk-25-jdk-headless
readonly START_SECONDS=60
CACHE=${E2E_CACHE:-$HOME/.cache/tandem}/docker
readonly CACHE

usage() { sed -n '4,12p' "$0" | sed 's/^# \{0,1\}//'; }
say() { printf 'docker-engine: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
answers() { docker info >/dev/null 2>&1; }
has_compose() { docker compose version >/dev/null 2>&1; }

# Address of the Debian archive that this host's apt already uses.
archive_address() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null \
    | sed -nE 's#^(URIs:|deb( +\[[^]]*\])?) +(https?://[^ ]+/debian)/?( .*)?$#\3#p' | head -n 1
}

install_packages() {
  if [[ -z ${APT_UPDATED:-} ]]; then
    apt-get -qq update
    APT_UPDATED=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# apt-get with its own lists for $SUITE; the host's lists and packages stay untouched.
suite_apt() {
  local state=$CACHE/apt-$SUITE
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$(archive_address)" "$SUITE" >"$state/sources.list"
  apt-get -qq -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$state/lists" -o Dir::Cache="$state" -o Acquire::Languages=none \
    -o APT::Sandbox::User=root "$@"
}

install_engine() {
  command -v dockerd >/dev/null && return
  say 'installing the engine from the package archive'
  install_packages docker.io iptables
}

install_compose() {
  has_compose && return
  say 'installing the Compose plugin'
  local unpacked=$CACHE/compose plugins=$HOME/.docker/cli-plugins
  suite_apt update
  (cd "$CACHE" && rm -f docker-compose_*.deb && suite_apt download docker-compose)
  rm -rf "$unpacked"
  dpkg-deb -x "$CACHE"/docker-compose_*.deb "$unpacked"
  mkdir -p "$plugins"
  find "$unpacked" -path '*cli-plugins/docker-compose' -type f -exec cp {} "$plugins/" \;
  has_compose || die 'the Compose plugin does not answer'
}

start() {
  mkdir -p "$CACHE"
  install_engine
  install_compose
  if answers; then
    say "a running engine answers: $(docker version --format '{{.Server.Version}}')"
    return
  fi
  say 'starting dockerd'
  setsid nohup dockerd >"$CACHE/dockerd.log" 2>&1 </dev/null &
  echo $! >"$CACHE/dockerd.pid"
  local waited
  for ((waited = 0; waited < START_SECONDS * 2; waited++)); do
    answers && break
    sleep 0.5
  done
  answers || { tail -n 20 "$CACHE/dockerd.log" >&2; die "no answer within ${START_SECONDS} s"; }
  say "engine $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
}

java_base() {
  (($# > 0)) || die 'java-base needs at least one TAG'
  local tag first='' missing=()
  for tag in "$@"; do
    if docker image inspect "$tag" >/dev/null 2>&1; then first=${first:-$tag}; else missing+=("$tag"); fi
  done
  ((${#missing[@]} > 0)) || return 0
  if [[ -z $first ]]; then
    first=${missing[0]}
    java_root_file_system
    docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      "$CACHE/java-$SUITE.tar" "$first" >/dev/null
    say "$first imported"
  fi
  for tag in "${missing[@]}"; do
    [[ $tag == "$first" ]] || docker tag "$first" "$tag"
  done
}

java_root_file_system() {
  local tree=$CACHE/java-$SUITE
  [[ -f $tree.tar ]] && return
  command -v debootstrap >/dev/null || install_packages debootstrap
  say "making a Debian $SUITE root file system with JDK 25"
  rm -rf "$tree"
  debootstrap --variant=minbase --include="$JAVA_PACKAGES" "$SUITE" "$tree" "$(archive_address)" \
    >"$tree.log" 2>&1 || { tail -n 20 "$tree.log" >&2; die 'debootstrap failed'; }
  rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}
  tar -C "$tree" -cf "$tree.tar.part" .
  mv "$tree.tar.part" "$tree.tar"
  rm -rf "$tree"
}

# Waits for the end: an engine that starts while the old one is going finds its pid file and gives up.
stop() {
  [[ -f $CACHE/dockerd.pid ]] || return 0
  local pid left
  pid=$(cat "$CACHE/dockerd.pid")
  kill "$pid" 2>/dev/null || true
  for ((left = 100; left > 0; left--)); do
    [[ -d /proc/$pid ]] || break
    sleep 0.2
  done
  rm -f "$CACHE/dockerd.pid"
}

case ${1:-} in
  start) start ;;
  java-base) shift; java_base "$@" ;;
  stop) stop ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
