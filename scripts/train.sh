#!/usr/bin/env bash
# Installs what is missing, builds, and trains. Without arguments: the embedded task, on 8 ranks.
# Arguments go to `gfn-dist train`; the environment variable RANKS changes the number of ranks. Ctrl-C saves a checkpoint first, a second
# one ends the ranks at once.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

# mpirun has a process group of its own, so that a Ctrl-C comes here alone: it would give the ranks a second. USR1 it passes on.
set -m
mpirun -n "${RANKS:-8}" "$binary" train "$@" </dev/null &
ranks=$!
signal=USR1
trap 'kill -$signal "$ranks" 2>/dev/null || true; signal=TERM' INT TERM
status=0
while kill -0 "$ranks" 2>/dev/null; do
    status=0
    wait "$ranks" || status=$?
done
exit "$status"
