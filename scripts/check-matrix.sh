#!/usr/bin/env bash
# One run in every layout: 1, 2, 3, 4 and 8 ranks under mpirun and 1 to 4 in one process, 1 to 3 or all of them learners, 1 and 2 threads, two
# of OpenBLAS's cores, ranks that differ in them; each with lag 0, 1 and 2, and lag 1 without replay, where groups go to who computes them
# and not to all learners. For each lag all must end with one SHA-256 of weights, of the last checkpoint's optimiser and replay buffer,
# and of metrics.jsonl without its times and the bytes exchanged.
# usage: scripts/check-matrix.sh [EVERY]    (each EVERYth layout only: 1)
set -euo pipefail
[[ "${1:-1}" =~ ^[1-9][0-9]*$ ]] || { echo "usage: scripts/check-matrix.sh [EVERY], a whole number" >&2 && exit 64; }
every="${1:-1}"
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
source "$scripts/run-digest.sh"
folder="$(cd "$(mktemp -d)" && pwd -P)"
trap 'rm -rf "$folder"' EXIT
run="$folder/run"
settings=(--set train.steps=6 --set train.warmup_steps=1 --set checkpoint.every=4 --set evaluate.problems=2
    --set evaluate.samples_per_problem=2 --set train.prompts_per_step=4 --set rollout.samples_per_prompt=4)

failures=0 runs=0 number=0
# try NAME COMMAND…: runs it and compares.
try() {
    local name="$1" found status=0
    shift
    number=$((number + 1))
    [ $((number % every)) -eq 0 ] || [ "$number" -eq 1 ] || return 0
    rm -rf "$run"
    "$@" >"$folder/output" 2>&1 || status=$?
    runs=$((runs + 1))
    if [ "$status" -ne 0 ]; then
        failures=$((failures + 1))
        echo "FAILED: $name: exit code $status"
        tail -5 "$folder/output"
        return 0
    fi
    found="$(run_digest "$run")"
    [ -n "$expected" ] || expected="$found"
    if [ "$found" != "$expected" ]; then
        failures=$((failures + 1))
        echo "FAILED: $name: $found"
    fi
}

for lag in 0 1 2; do
    expected="" before="$runs" number=0 changes=(--set "lag=$lag")
    [ "$lag" -ne 1 ] || changes+=(--set replay.share=0)
    for core in Haswell Nehalem; do
        for threads in 1 2; do
            train=("$binary" train --quiet --threads "$threads" --output "$run" "${changes[@]}" "${settings[@]}")
            for ranks in 1 2 3 4 8; do
                for learners in 1 2 3 all; do
                    [ "$learners" = all ] || [ "$learners" -eq 1 ] || [ "$learners" -lt "$ranks" ] || continue
                    try "lag $lag, mpirun -n $ranks, $learners learners, $threads threads, $core" \
                        env OPENBLAS_CORETYPE="$core" mpirun -n "$ranks" "${train[@]}" --set "ranks.learners=$learners"
                    [ "$ranks" -le 4 ] || continue
                    try "lag $lag, --single --ranks $ranks, $learners learners, $threads threads, $core" \
                        env OPENBLAS_CORETYPE="$core" "${train[@]}" --single --ranks "$ranks" --set "ranks.learners=$learners"
                done
            done
        done
    done
    for learners in 1 2 3 all; do
        one=("$binary" train --quiet --output "$run" "${changes[@]}" "${settings[@]}" --set "ranks.learners=$learners")
        try "lag $lag, mixed ranks, $learners learners" mpirun -n 1 env OPENBLAS_CORETYPE=Haswell "${one[@]}" --threads 2 : \
            -n 1 env OPENBLAS_CORETYPE=Nehalem GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F "${one[@]}" --threads 1 : \
            -n 1 env GFN_KERNELS=portable "${one[@]}" --threads 1 : -n 1 env OPENBLAS_CORETYPE=Zen "${one[@]}" --threads 2
    done
    echo "lag $lag: $((runs - before)) runs: $expected"
done
echo "$runs runs, $failures failures"
exit $((failures > 0))
