#!/usr/bin/env bash
# Plans runs and makes them, and says both side by side: the memory of the node and the seconds of a step, with predicted over real.
# usage: scripts/check-plan.sh [MODEL DATA]     the embedded task's layouts; with a model and problems to train on, those of the model too
#   GFN_BINARY=gfn-dist   the program; it is built unless named
#   STEPS=100             of each run of the embedded task; runs of a model have 4
#   LOOKS=3               plans and runs of the embedded task, whose medians count; a model has one
#   ONLY=PATTERN          combinations whose names match the extended regular expression
# Exit code: 0 where memory is within 10 % and time within 25 % in all of them, 1 where it is not; of 700 steps neither counts. Times mean
# nothing on a busy machine.
set -euo pipefail
[ $# -eq 0 ] || [ $# -eq 2 ] || { echo "usage: scripts/check-plan.sh [MODEL DATA]" >&2 && exit 64; }
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
program="$(realpath "$binary")" steps="${STEPS:-100}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
failed=""

# The number of a key in the first line of a file.
number() { sed -n '1s/.*"'"$1"'":\([0-9.e+-]*\).*/\1/p' "$2"; }

# The median of numbers, one a line.
middle() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# $1 looks, $2 what it is called, $3 ranks, $4 threads of each, then options of train, which are those of plan.
compare() {
    local looks="$1" name="$2" ranks="$3" threads="$4" run="$work/run" plan="$work/plan.json" measured look
    shift 4
    [[ "$name" =~ ${ONLY:-.} ]] || return 0
    # `--length` is the plan's own.
    local options=() option skip=""
    for option in "$@"; do
        if [ -n "$skip" ]; then skip=""; elif [ "$option" = --length ]; then skip=yes; else options+=("$option"); fi
    done
    local train=(mpirun --oversubscribe -n "$ranks" "$program" train --quiet --threads "$threads" --output "$run" "${options[@]}")
    rm -f "$work"/*.looks
    for ((look = 0; look < looks; look++)); do
        "$program" plan --json --quiet --ranks "$ranks" --threads "$threads" "$@" >"$plan" 2>"$work/errors" ||
            { cat "$work/errors" >&2 && exit 1; }
        # Twice: looking at memory takes time of its own.
        rm -rf "$run"
        measured="$("$scripts/measure-memory.sh" "${train[@]}" 2>"$work/errors" |
            sed -n 's/^memory of .*: \([0-9]*\) MiB, own.*/\1/p')"
        rm -rf "$run"
        "${train[@]}" >/dev/null 2>"$work/errors" || { cat "$work/errors" >&2 && exit 1; }
        [ -n "$measured" ] && [ -s "$run/metrics.jsonl" ] || { cat "$work/errors" >&2 && exit 1; }
        number memory_node_bytes "$plan" >>"$work/a.looks"
        echo "$measured" >>"$work/b.looks"
        number seconds_step "$plan" >>"$work/s.looks"
        # Without the first step.
        sed -n 's/.*"seconds_step":\([0-9.e+-]*\).*/\1/p' "$run/metrics.jsonl" | tail -n +2 | middle >>"$work/t.looks"
    done
    awk -v name="$name, $ranks × $threads" -v a="$(middle <"$work/a.looks")" -v b="$(middle <"$work/b.looks")" \
        -v s="$(middle <"$work/s.looks")" -v t="$(middle <"$work/t.looks")" 'BEGIN {
            a /= 1048576
            printf "| %s | %d / %d | %.2f | %.3g / %.3g | %.2f |\n", name, a, b, a / b, s, t, s / t
            exit !(name ~ /700/ || a / b >= 0.9 && a / b <= 1.1 && s / t >= 0.75 && s / t <= 1.25)
        }' || failed=yes
}

printf '| predicted / real | memory, MiB | | a step, s | |\n|---|---|---|---|---|\n'
short=(--set "train.steps=$steps" --set checkpoint.every=none --set evaluate.problems=16)
compare "${LOOKS:-3}" "embedded task" 1 2 "${short[@]}"
compare "${LOOKS:-3}" "embedded task" 2 1 "${short[@]}"
compare "${LOOKS:-3}" "1 learner and 1 rollout" 2 1 "${short[@]}" --set ranks.learners=1
compare "${LOOKS:-3}" "embedded task" 4 1 "${short[@]}"
compare "${LOOKS:-3}" "trainable=full" 1 2 "${short[@]}" --set trainable=full
compare "${LOOKS:-3}" "sft of a random model" 1 2 "${short[@]}" --objective sft --model random
# By then responses are longer than those that a plan measures, and how much lies unused between kept ones is the allocator's luck.
compare "${LOOKS:-3}" "embedded task, 700 steps" 2 1 "${short[@]}" --set train.steps=700
if [ $# -eq 2 ]; then
    long=(--model "$1" --set "data.train=$2" --set train.steps=4 --set rollout.max_new_tokens=32 --set checkpoint.every=none --length 32)
    compare 1 "model in bf16" 1 2 "${long[@]}" --set base.weights=bf16
    compare 1 "model as blocks" 2 1 "${long[@]}" --set base.weights=blocks
fi
[ -z "$failed" ] || { echo "a plan is more than 10 % (memory) or 25 % (time) from its run" >&2 && exit 1; }
