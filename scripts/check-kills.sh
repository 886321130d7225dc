#!/usr/bin/env bash
# Kills small runs with SIGKILL at random moments, one rank or all of them, and lets each go on with other numbers of ranks: SubTB, PPO, DPO,
# RFT, all weights, and SubTB on a quantised base, each until it ends with the bytes of a run that was left alone; and SubTB with lag=any, which
# has no such bytes, until it ends with each step once, no sample older than its bound, and an adapter. After each kill the launcher ends with
# 69, 71 or 137, and every checkpoint is whole.
# usage: scripts/check-kills.sh [KILLS] [SEED]    (200, and 1: of which rank, when, and how many ranks then)
set -euo pipefail
kills="${1:-200}"
[[ "$kills ${2:-1}" =~ ^[1-9][0-9]*\ [0-9]+$ ]] || { echo "usage: scripts/check-kills.sh [KILLS] [SEED], whole numbers" >&2 && exit 64; }
RANDOM="${2:-1}"
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
source "$scripts/run-digest.sh"
folder="$(cd "$(mktemp -d)" && pwd -P)"
trap 'rm -rf "$folder"' EXIT
quantised="$root/Tests/ModelTests/Fixtures/gguf/q4_1-tied-embd-q8_0/q4_1-tied-embd-q8_0.gguf"
for number in 3 5 7 9 12 15; do echo "{\"prompt\": \"What is $number plus 1?\", \"answer\": \"$((number + 1))\"}"; done >"$folder/sums.jsonl"

small=(--set train.steps=8 --set train.warmup_steps=1 --set checkpoint.every=2 --set evaluate.problems=2
    --set evaluate.samples_per_problem=2 --set train.prompts_per_step=4 --set rollout.samples_per_prompt=4)
names=(subtb free ppo dpo rft full quantised)
bound=2
# So that each of them has its turn: as many kills of one run at most.
most=$(((kills + ${#names[@]} - 1) / ${#names[@]}))
[ "$most" -le 5 ] || most=5
options() {
    case "$1" in
        subtb) echo --set lag=1 --set ranks.learners=1 ;;
        full) echo --set trainable=full ;;
        free) echo --set lag=any --set "lag_bound=$bound" --set replay.share=0 ;;
        quantised) echo --model "$quantised" --set "data.train=$folder/sums.jsonl" --set "data.evaluate=$folder/sums.jsonl" --set rollout.max_new_tokens=12 ;;
        dpo) echo --objective dpo --set dpo.collect_steps=4 ;;
        rft) echo --objective rft --set rft.collect_steps=4 ;;
        *) echo --objective "$1" ;;
    esac
}
# What a run has made, and what it should have.
found() {
    local steps oldest
    [ "$1" = free ] || { run_digest "$run" && return; }
    steps="$(sed -E 's/^\{"step":([0-9]+),.*/\1/' "$run/metrics.jsonl" | xargs)"
    oldest="$(grep -Eo '"age_max":[0-9]+' "$run/metrics.jsonl" | cut -d: -f2 | sort -n | tail -1)"
    [ -z "$oldest" ] || [ "$oldest" -gt "$bound" ] || oldest="within the bound"
    echo "steps $steps, ages $oldest, $(find "$run/adapter" -name '*.safetensors' | wc -l) adapter"
}
train() { exec "$@" --quiet --threads 1 --output "$run" "${chosen[@]}" "${small[@]}"; }

declare -A expected
for name in "${names[@]}"; do
    run="$folder/$name-alone"
    read -ra chosen <<<"$(options "$name")"
    (train "$binary" train --single) >"$folder/output" 2>&1 || { cat "$folder/output" && exit 1; }
    expected[$name]="$(found "$name")"
    echo "${expected[$name]}  $name"
done

# The processes of the run, each rank's first where mpirun started them.
ranks() { pgrep -x gfn-dist -a | awk -v run="$run" 'index($0, run " ") { print $1 }' || true; }
done_kills=0 ended=0 failures=0
round=0
while [ "$done_kills" -lt "$kills" ]; do
    name="${names[round % ${#names[@]}]}"
    round=$((round + 1))
    run="$folder/$name-$round"
    read -ra chosen <<<"$(options "$name")"
    attempts=0 stopped=0
    while true; do
        attempts=$((attempts + 1))
        launcher=(mpirun -n $((RANDOM % 4 + 1)) "$binary" train)
        [ $((RANDOM % 4)) -gt 0 ] || launcher=("$binary" train --single --ranks $((RANDOM % 3 + 1)))
        [ ! -e "$run/config.yaml" ] || launcher+=(--resume)
        (train "${launcher[@]}") >"$folder/output" 2>&1 &
        job=$!
        # After so many it may end.
        if [ "$attempts" -le "$most" ] && [ "$done_kills" -lt "$kills" ]; then
            sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
            mapfile -t victims < <(ranks)
            [ "${#victims[@]}" -eq 0 ] || [ $((RANDOM % 2)) -gt 0 ] || victims=("${victims[RANDOM % ${#victims[@]}]}")
            for victim in "${victims[@]}"; do kill -KILL "$victim" 2>/dev/null && hit=yes || hit=""; done
            [ "${#victims[@]}" -eq 0 ] || [ -z "$hit" ] || stopped=$((stopped + 1)) done_kills=$((done_kills + 1))
        fi
        status=0
        { wait "$job" || status=$?; } 2>/dev/null
        [ "$status" -ne 0 ] || break
        for checkpoint in "$run"/checkpoints/step-*; do
            if [ -e "$checkpoint" ] && [ ! -e "$checkpoint/MANIFEST.json" ]; then
                failures=$((failures + 1))
                echo "FAILED: $name left $checkpoint without its MANIFEST.json"
            fi
        done
        if [[ ! "$status" =~ ^(69|71|137)$ ]]; then
            failures=$((failures + 1))
            echo "FAILED: $name ended with exit code $status"
            cat "$folder/output"
        fi
        if [ "$attempts" -gt "$most" ]; then
            failures=$((failures + 1))
            echo "FAILED: $name did not end (exit code $status)"
            cat "$folder/output"
            break
        fi
    done
    made="$(found "$name")" || true
    verdict=fine
    [ "$made" = "${expected[$name]}" ] || verdict=FAILED failures=$((failures + 1))
    ended=$((ended + 1))
    echo "$verdict: $name, $stopped kills: $made"
    rm -rf "$run"
done
echo "$done_kills kills, $ended runs, $failures failures"
exit $((failures > 0))
