#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Compose stack with two real llama.cpp servers, run for real: `docker compose --profile cpu up`, KV handed over by
# slot files, and that down.sh leaves nothing.
#   scripts/e2e/compose-cpu.sh          the model is a tiny random one, made on the spot
# Takes LLAMACPP_IMAGE where it is set; else an image is made of Debian's packages, so that no image registry is needed.
# Needs a Docker engine that answers and the router's image (scripts/e2e/compose-sim.sh builds tandem/router:e2e).
# Uses its own project name and ports. Exit status: 0 all passed, 1 something failed.
set -euo pipefail

usage() { sed -n '4,10p' "$0" | sed 's/^# \{0,1\}//'; }
case ${1:-} in
  '') ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/e2e/lib.sh
source "$here/lib.sh"
cd "$root"

export COMPOSE_PROJECT_NAME=tandem-cpu ROUTER_IMAGE=${ROUTER_IMAGE:-tandem/router:e2e}
unset COMPOSE_PROFILES COMPOSE_FILE
ROUTER_PORT=$(free_port)
MANAGEMENT_PORT=$(free_port)
PREFILL_PORT=$(free_port)
DECODE_PORT=$(free_port)
export ROUTER_PORT MANAGEMENT_PORT PREFILL_PORT DECODE_PORT
export MODEL_ID=tiny GGUF_FILE=tandem-e2e-tiny.gguf LLAMACPP_THREADS=1 LLAMACPP_SLOTS=2
url=http://127.0.0.1:$ROUTER_PORT

# The image of llama.cpp's own project has its server as entry point and curl; so has this one.
make_image() {
  local folder=$work/image tree
  "$here/llama-server.sh" install
  tree=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tandem}/llamacpp/root
  mkdir -p "$folder"
  cp -a "$tree" "$folder/tree"
  cat >"$folder/serve" <<'TEXT'
#!/bin/bash
libraries=/llamacpp/usr/lib/x86_64-linux-gnu
backend=sse42
if grep -qw avx2 /proc/cpuinfo; then backend=haswell; fi
GGML_BACKEND_PATH=$(find "$libraries/ggml" -name "libggml-cpu-$backend.so" | head -n 1)
export GGML_BACKEND_PATH
exec "$(find /llamacpp -name ld-linux-x86-64.so.2 | head -n 1)" \
  --library-path "$libraries:$libraries/llama:$(dirname "$GGML_BACKEND_PATH")" /llamacpp/usr/bin/llama-server "$@"
TEXT
  cat >"$folder/curl" <<'TEXT'
#!/bin/bash
url=${*: -1} rest=${url#http://} host=${url#http://}
host=${host%%/*}
exec 3<>"/dev/tcp/${host%%:*}/${host##*:}" || exit 7
printf 'GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n' "${rest#*/}" "$host" >&3
read -r _ status _ <&3
[[ $status == 200 ]] || exit 22
TEXT
  chmod +x "$folder/serve" "$folder/curl"
  cat >"$folder/Dockerfile" <<'TEXT'
FROM eclipse-temurin:25-jre
COPY tree /llamacpp
COPY serve curl /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/serve"]
TEXT
  docker build --quiet --tag tandem/llamacpp:e2e "$folder" >/dev/null || die 'the llama.cpp image cannot be built'
  rm -rf "$folder"
  export LLAMACPP_IMAGE=tandem/llamacpp:e2e
}

start() {
  section 'docker compose --profile cpu up'
  python3 "$here/tiny_gguf.py" "models/$GGUF_FILE" >/dev/null
  local began=$SECONDS
  if ! docker compose --profile cpu up --detach --wait --wait-timeout 180 --no-build; then
    docker compose --profile '*' ps --all
    docker compose --profile '*' logs --tail 60
    die 'the stack did not become healthy'
  fi
  pass "every service is healthy after $((SECONDS - began)) s"
}

found_by_auto() { grep -q '"connector":"llamacpp-slot"' <<<"$(curl -fsS "$url/healthz")"; }

# One prompt, twice the same text: once handed over, once alone on the decode server.
prompt=$(printf 'two servers share one folder and hand a prompt over. %.0s' {1..12})
complete() {
  curl -fsS -m 60 -D "$work/head" -H 'Content-Type: application/json' \
    -d "{\"model\":\"tiny\",\"prompt\":\"$prompt\",\"max_tokens\":16,\"temperature\":0,\"cache_prompt\":$2}" "$1/v1/completions"
}

handed_over() {
  local answer
  answer=$(complete "$url" true)
  grep -qi '^x-tandem-prefill: prefill-1' "$work/head" || { cat "$work/head"; return 1; }
  grep -qiE '^x-tandem-cached-tokens: [0-9]{3}' "$work/head" || { cat "$work/head"; return 1; }
  jq -e '.timings.prompt_n <= 2' <<<"$answer" >/dev/null || { echo "$answer"; return 1; }
  jq -r '.choices[0].text' <<<"$answer" >"$work/pair"
}

same_text() {
  complete "http://127.0.0.1:$DECODE_PORT" false | jq -r '.choices[0].text' >"$work/alone"
  cmp "$work/pair" "$work/alone"
}

counted_as_taken() {
  # not in a pipe: one that ends at the first match fails who writes on
  local page
  page=$(curl -fsS "http://127.0.0.1:$MANAGEMENT_PORT/metrics")
  grep -q '^tandem_handovers_total{connector="llamacpp-slot",result="taken"} [1-9]' <<<"$page"
}

leaves_nothing() {
  scripts/down.sh --volumes
  local left
  left=$(docker ps -aq --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
    docker volume ls -q --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME)
  [[ -z $left ]] || { echo "left: $left"; return 1; }
}

docker info >/dev/null 2>&1 || die 'no Docker engine answers'
work=$(mktemp -d)
trap 'docker compose --profile "*" down --volumes --timeout 5 >/dev/null 2>&1 || true; rm -rf "$work" "models/$GGUF_FILE"' EXIT

[[ -n ${LLAMACPP_IMAGE:-} ]] || make_image
start
check 'the router has found out that they hand over by slots' found_by_auto
check 'decode evaluates at most two tokens of the prompt' handed_over
check 'the text is that of one server alone' same_text
check 'the hand-over is counted' counted_as_taken
section 'scripts/down.sh'
check 'nothing is left' leaves_nothing

finish
