#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Asks a running router the README's questions and says what is wrong. Needs curl and nothing else.
#   scripts/smoke.sh                  the router on this host, port ROUTER_PORT or 8088
#   scripts/smoke.sh --url URL        another one
#   scripts/smoke.sh --pair           also expects a prefill and a decode worker, and KV blocks that decode did not compute
#   scripts/smoke.sh --wait SECONDS   first waits until /healthz answers 200
# An API key is taken from OPENAI_API_KEY. Exit status: 0 all passed, 1 something failed, 2 wrong arguments.
set -euo pipefail

usage() { sed -n '4,9p' "$0" | sed 's/^# \{0,1\}//'; }

url=http://127.0.0.1:${ROUTER_PORT:-8088}
pair=0
wait_seconds=0
while (($# > 0)); do
  case $1 in
    --url)
      url=${2:?--url needs a value}
      shift
      ;;
    --pair) pair=1 ;;
    --wait)
      wait_seconds=${2:?--wait needs a value}
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
url=${url%/}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
pass() { printf 'PASS  %s\n' "$*"; passed=$((passed + 1)); }
fail() {
  printf 'FAIL  %s\n' "$1"
  shift
  if (($# > 0)); then printf '      %s\n' "$@"; fi
  failed=$((failed + 1))
}

# ask PATH [BODY]: leaves $status, $work/headers and $work/body; never ends the script
ask() {
  local options=(-sS -m 120 -o "$work/body" -D "$work/headers" -w '%{http_code}')
  if [[ -n ${OPENAI_API_KEY:-} ]]; then options+=(-H "Authorization: Bearer $OPENAI_API_KEY"); fi
  if (($# > 1)); then options+=(-H 'Content-Type: application/json' --data-binary "$2"); fi
  : >"$work/body"
  : >"$work/headers"
  status=$(curl "${options[@]}" "$url$1" 2>"$work/error") || true
}

shown() {
  if [[ -s $work/error ]]; then cat "$work/error"; fi
  head -c 600 "$work/body"
}
header() { sed -nE "s/^$1: *([^[:cntrl:]]*).*/\1/Ip" "$work/headers" | tail -n 1; }
# First value of a JSON member: string_of NAME, number_of NAME
string_of() { tr -d '\n' <"$work/body" | grep -oE "\"$1\" *: *\"([^\"\\\\]|\\\\.)*\"" | head -n 1 | sed -E 's/^"[^"]*" *: *"(.*)"$/\1/'; }
number_of() { tr -d '\n' <"$work/body" | grep -oE "\"$1\" *: *[0-9]+" | head -n 1 | grep -oE '[0-9]+$'; }

# expect NAME PATTERN: the answer is 200 and its body matches
expect() {
  if [[ $status == 200 ]] && tr -d '\n' <"$work/body" | grep -qE "$2"; then
    pass "$1"
  else
    fail "$1" "HTTP $status, expected 200 and a body that matches $2" "$(shown)"
  fi
}

wait_until_healthy() {
  local end=$((SECONDS + wait_seconds))
  while ((SECONDS < end)); do
    ask /healthz
    [[ $status == 200 ]] && return
    sleep 1
  done
}

check_health() {
  ask /healthz
  local state
  state=$(string_of status || true)
  case $status:$state in
    200:ok) pass 'healthz: ok' ;;
    200:degraded)
      pass 'healthz: degraded, at least one worker serves'
      printf '      %s\n' "$(shown)"
      ;;
    000:*)
      fail "nothing answers at $url" "$(shown)" 'is the stack up? docker compose ps; docker compose logs router'
      printf '%d passed, %d failed\n' "$passed" "$failed"
      exit 1
      ;;
    *) fail "healthz: HTTP $status ${state:-}" "$(shown)" 'engines still loading? docker compose ps; docker compose logs prefill' ;;
  esac
}

check_models() {
  ask /v1/models
  expect 'models' '"object" *: *"list"'
  model=$(string_of id || true)
  if [[ -z $model ]]; then
    fail 'models: the list is empty' 'no worker has told the router its models yet'
    model=${MODEL_ID:-unknown}
  fi
}

check_answers() {
  ask /v1/completions "{\"model\":\"$model\",\"prompt\":\"Name three rivers.\",\"max_tokens\":8}"
  expect 'completion' '"text_completion".*"completion_tokens" *: *[1-9]|"completion_tokens" *: *[1-9].*"text_completion"'
  ask /v1/chat/completions \
    "{\"model\":\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"Name three rivers.\"}],\"max_tokens\":8}"
  expect 'chat completion' '"role" *: *"assistant"'
  ask /v1/chat/completions \
    "{\"model\":\"$model\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Count.\"}],\"max_tokens\":8}"
  local events
  events=$(grep -c '^data: ' "$work/body" || true)
  if [[ $status == 200 && $(header content-type) == text/event-stream* ]] && ((events > 2)) \
    && grep -q '^data: \[DONE\]' "$work/body"; then
    pass "stream: $events events, closed by [DONE]"
  else
    fail 'stream' "HTTP $status, $events events" "$(shown)"
  fi
  ask /generate '{"prompt":"Name three rivers.","max_tokens":8,"temperature":0}'
  expect 'generate' '"text" *:'
}

# A prompt of about 300 words that no earlier run has sent, so that nothing of it lies in a cache.
long_prompt() {
  local words='the router reads the head of a prompt and sends it to the worker that has seen the same head before' text i
  text="$1 $RANDOM$RANDOM:"
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do text+=" $i $words."; done
  printf '%s' "$text"
}

check_prefix() {
  local prompt seen='' same=1 question cached
  prompt=$(long_prompt 'smoke')
  for question in one two three four; do
    ask /v1/completions "{\"model\":\"$model\",\"prompt\":\"$prompt Question $question?\",\"max_tokens\":4}"
    if [[ $status != 200 ]]; then
      fail 'long prompt' "HTTP $status" "$(shown)"
      return
    fi
    if [[ $question == one ]]; then check_pair; fi
    worker=$(header x-tandem-prefill)
    worker=${worker:-$(header x-tandem-decode)}
    seen+=" ${worker:-none}"
    [[ ${worker:-none} == "${first:=${worker:-none}}" ]] || same=0
  done
  if ((same)) && [[ $first != none ]]; then
    pass "common prefix: four requests, one worker ($first)"
  else
    fail 'common prefix: four requests should go to one worker' "x-tandem-prefill:$seen"
  fi
  cached=$(number_of cached_tokens || true)
  if ((${cached:-0} > 0)); then
    pass "prefix cache: $cached of $(number_of prompt_tokens) prompt tokens reused"
  else
    fail 'prefix cache: the fourth request reused nothing' "$(shown)" \
      'vLLM reports it only with --enable-prompt-tokens-details'
  fi
}

# The first answer to a prompt that nobody has seen: what decode reuses can only come from prefill.
check_pair() {
  ((pair)) || return 0
  local prefill decode cached
  prefill=$(header x-tandem-prefill)
  decode=$(header x-tandem-decode)
  if [[ -n $prefill && -n $decode && $prefill != "$decode" ]]; then
    pass "two legs: prefill on $prefill, decode on $decode"
  else
    fail 'two legs' "x-tandem-prefill: ${prefill:-missing}, x-tandem-decode: ${decode:-missing}"
  fi
  cached=$(header x-tandem-cached-tokens)
  if ((${cached:-0} > 0)); then
    pass "hand-over: decode took $cached of $(number_of prompt_tokens) prompt tokens from the store"
  else
    fail 'hand-over: decode computed the whole prompt again' "$(shown)"
  fi
}

check_errors() {
  ask /no/such/path
  if [[ $status == 404 ]] && grep -q '"error"' "$work/body"; then
    pass 'unknown path: 404 with an error object'
  else
    fail 'unknown path' "HTTP $status, expected 404 and an error object" "$(shown)"
  fi
}

if ((wait_seconds > 0)); then wait_until_healthy; fi
check_health
check_models
check_answers
check_prefix
check_errors
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
