#!/usr/bin/env bash
# Lets a small run meet a fault at each of its calls that change files (make, write, fsync, rename, remove): an end by SIGKILL in the place
# of that call, a disk that is full, broken, over its quota or read-only from that call on, and a write that writes half. A kill leaves the
# checkpoint that was complete; an error ends with 74, names the file and leaves nothing beside; after each, the run goes on, and ends
# with the bytes of one that met nothing.
# usage: scripts/check-faults.sh [CASES]    (so many, evenly chosen; otherwise all)
set -euo pipefail
[[ "${1:-1}" =~ ^[1-9][0-9]*$ ]] || { echo "usage: scripts/check-faults.sh [CASES], a whole number" >&2 && exit 64; }
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
source "$scripts/run-digest.sh"
library="${GFN_FAULTS:-}"
if [ -z "$library" ]; then
    swift build --package-path "$root" -c release --product FileFaults >&2
    library="$(swift build --package-path "$root" -c release --show-bin-path)/libFileFaults.so"
fi
folder="$(cd "$(mktemp -d)" && pwd -P)"
trap 'rm -rf "$folder"' EXIT
run="$folder/run"
train=("$binary" train --single --quiet --threads 1 --output "$run")
settings=(--set train.steps=4 --set train.warmup_steps=1 --set checkpoint.every=2 --set checkpoint.keep=1 --set evaluate.problems=1
    --set evaluate.samples_per_problem=2 --set train.prompts_per_step=2 --set rollout.samples_per_prompt=2)

faulty() {
    env GFN_FAULTS_UNDER="$run" GFN_FAULTS_LOG="$folder/calls" GFN_FAULTS_AT="${1:-}" GFN_FAULTS_KIND="${2:-}" \
        LD_PRELOAD="$library" "${train[@]}" "${settings[@]}" >"$folder/output" 2>&1 || status=$?
}
# Goes on, or begins where nothing has begun.
goes_on() {
    local resume=()
    [ ! -e "$run/config.yaml" ] || resume=(--resume)
    "${train[@]}" "${resume[@]}" "${settings[@]}" >"$folder/after" 2>&1
}
failures=0
fail() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    sed 's/^/    /' "$folder/output" "$folder/after" 2>/dev/null | tail -12 || true
}

unset GFN_FAULTS_AT GFN_FAULTS_KIND
env GFN_FAULTS_UNDER="$run" GFN_FAULTS_LOG="$folder/calls" LD_PRELOAD="$library" "${train[@]}" "${settings[@]}" >/dev/null
expected="$(run_digest "$run")"
mv "$folder/calls" "$folder/all-calls"
calls="$(wc -l <"$folder/all-calls")"
kinds=(kill ENOSPC EIO EDQUOT EROFS half)
total=$((calls * ${#kinds[@]}))
cases="${1:-$total}"
[ "$cases" -le "$total" ] || cases="$total"
echo "$calls calls, $cases of $total cases: $expected"

for ((case = 0; case < cases; case++)); do
    index=$((case * total / cases))
    # All kinds take their turns, also where few cases are chosen.
    at=$((index / ${#kinds[@]} + 1)) kind="${kinds[case % ${#kinds[@]}]}"
    [ "$cases" -lt "$total" ] || kind="${kinds[index % ${#kinds[@]}]}"
    call="$(sed -n "${at}p" "$folder/all-calls" | sed "s|$run|run|")"
    rm -rf "$run" "$folder/after"
    status=0
    { faulty "$at" "$kind"; } 2>/dev/null
    what="$kind at call $call"

    # What the calls before it have completed.
    named="$(head -n $((at - 1)) "$folder/all-calls" | grep -c ' rename .*/latest$' || true)"
    newest="$(cat "$run/checkpoints/latest" 2>/dev/null || true)"
    left="$(find "$run" \( -name '*.partial*' -o -name '.dat.*' \) 2>/dev/null | head -3 || true)"
    case "$kind" in
        kill) [ "$status" -eq 137 ] || fail "$what: exit code $status, expected 137" ;;
        half) [ "$status" -eq 0 ] || fail "$what: exit code $status, expected 0" ;;
        *)
            # Where only removing is left, nothing fails.
            if [ "$status" -eq 0 ]; then
                ! tail -n "+$at" "$folder/all-calls" | grep -qv ' remove ' || fail "$what: exit code 0, expected 74"
            else
                [ "$status" -eq 74 ] || fail "$what: exit code $status, expected 74"
                [ "$(grep -c "^gfn-dist: .*$run" "$folder/output")" -eq 1 ] || fail "$what: the file is not named, in one sentence"
                [ -z "$left" ] || fail "$what: left $left"
            fi
            ;;
    esac
    [ "$named" -gt 0 ] && complete="step-$((named * 2))" || complete=""
    [ "$kind" = half ] || [ "$newest" = "$complete" ] || fail "$what: the newest checkpoint is '$newest', expected '$complete'"

    goes_on || fail "$what: it did not go on (exit code $?)"
    ! grep -q 'whole' "$folder/after" || fail "$what: a checkpoint was not whole"
    found="$(run_digest "$run")" || true
    [ "$found" = "$expected" ] || fail "$what: other bytes: $found"
    [ $(((case + 1) % 50)) -ne 0 ] || echo "$((case + 1)) of $cases cases, $failures failures"
done

# A limit of the size of files, in blocks of 1 KiB: the log and the settings fit, the optimizer's state does not.
rm -rf "$run"
status=0
(ulimit -f 64 && "${train[@]}" "${settings[@]}") >"$folder/output" 2>&1 || status=$?
[ "$status" -eq 74 ] && grep -q "^gfn-dist: .*$run" "$folder/output" || fail "a limit of 64 KiB: exit code $status"
goes_on && [ "$(run_digest "$run")" = "$expected" ] || fail "a limit of 64 KiB: it did not end with the same bytes"

echo "$((cases + 1)) cases, $failures failures"
exit $((failures > 0))
