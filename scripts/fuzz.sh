#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Searches for inputs that break a parser, with one fuzz test after the other, and prints a table.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/fuzz.sh [--inputs N] [--list] [TARGET ...]

Runs fuzz tests (Jazzer) on so many inputs each and prints a row of a table when one is done. A TARGET is the name of a
test class or of one of its methods, Class#method; without one, all of them, which takes hours.

  --inputs N   inputs for each target (10,000,000)
  --list       print the targets and end
  --help       this text

An input that breaks a target lies beside its seeds afterwards, in router/gateway/src/test/resources; commit it with the
fix. What a search has learned stays in .cifuzz-corpus and is where the next one begins.

Environment: JAVA_HOME (a JDK 25).
Exit status: 0 nothing found, 3 an input breaks a target, other: it did not run.
TEXT
}

say() { printf 'fuzz: %s\n' "$*" >&2; }

cd "$(dirname "$0")/.."
inputs=10000000 list=no
wanted=()
while [ $# -gt 0 ]; do
  case "$1" in
    --inputs) inputs="${2:?}" && shift ;;
    --list) list=yes ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *) wanted+=("$1") ;;
  esac
  shift
done

targets() {
  local file class
  find router -path '*/src/test/*' -name '*FuzzTest.java' | sort | while read -r file; do
    class="$(basename "$file" .java)"
    grep -A 2 '@FuzzTest' "$file" | sed -n "s/^ *void \([A-Za-z0-9]*\)(.*/$class#\1/p"
  done
}

chosen() {
  local target name
  targets | while read -r target; do
    if [ ${#wanted[@]} -eq 0 ]; then echo "$target"; fi
    for name in ${wanted[@]+"${wanted[@]}"}; do
      if [ "$target" = "$name" ] || [ "${target%%#*}" = "$name" ]; then echo "$target"; fi
    done
  done
}

# Compiles only what has changed since the last run: all of it takes longer than many a search.
compile_and_search() {
  ./mvnw -B -q -Pfuzz -pl router/gateway -am test -Dtest="$1" -Dsurefire.failIfNoSpecifiedTests=false \
    -Dmaven.compiler.useIncrementalCompilation=false -Djazzer.max_executions="$inputs" -Djazzer.max_duration=24h
}

selection="$(chosen)"
if [ -z "$selection" ]; then
  say "no such target: ${wanted[*]} (known: scripts/fuzz.sh --list)"
  exit 2
fi
if [ "$list" = yes ]; then
  printf '%s\n' "$selection"
  exit 0
fi

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
found=0
printf '| Target | Inputs | Inputs a second | Edges covered | Found |\n|---|---:|---:|---:|---|\n'
for target in $selection; do
  say "$target"
  result=nothing
  if ! compile_and_search "$target" >"$log" 2>&1; then
    if ! grep -m 1 'FuzzTestFinding' "$log" >&2; then
      tail -n 20 "$log" >&2
      say "$target did not run to its end"
      exit 1
    fi
    result="an input, see git status" found=3
  fi
  last="$(grep '^#[0-9]' "$log" | tail -n 1)"
  count="${last%%[[:space:]]*}"
  printf '| %s | %s | %s | %s | %s |\n' "$target" "${count#\#}" "$(sed -n 's/.*exec\/s: \([0-9]*\).*/\1/p' <<<"$last")" \
    "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' <<<"$last")" "$result"
done
exit "$found"
