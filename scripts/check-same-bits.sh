#!/usr/bin/env bash
# Runs the embedded default (or what the arguments say) on several layouts and with a kill in the middle, and compares
# the SHA-256 of the adapters. Takes as many times the default run as there are layouts.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

digest() { sha256sum "$work/$1/adapter/adapter_model.safetensors" | cut -d' ' -f1; }
report() { echo "$(digest "$1")  $1"; }

for ranks in 2 4 8; do
    mpirun -n "$ranks" "$binary" train --quiet --output "$work/mpirun-$ranks" "$@" >/dev/null
    report "mpirun-$ranks"
done
"$binary" train --single --ranks 4 --quiet --output "$work/single-4" "$@" >/dev/null
report single-4

# A run that is killed at a random moment after its first checkpoint, then resumed on another number of ranks.
"$binary" train --single --ranks 4 --quiet --output "$work/killed" "$@" >/dev/null 2>&1 &
victim=$!
until [ -e "$work/killed/checkpoints/latest" ]; do
    kill -0 "$victim" 2>/dev/null || { echo "the run ended before its first checkpoint" >&2; exit 1; }
    sleep 0.2
done
sleep "$((RANDOM % 20)).$((RANDOM % 10))"
kill -9 "$victim" 2>/dev/null || true
wait "$victim" 2>/dev/null || true
mpirun -n 2 "$binary" train --resume --quiet --output "$work/killed" >/dev/null
report killed

different="$(for run in mpirun-2 mpirun-4 mpirun-8 single-4 killed; do digest "$run"; done | sort -u | wc -l)"
if [ "$different" -ne 1 ]; then
    echo "the adapters differ" >&2
    exit 1
fi
echo "all the same"
