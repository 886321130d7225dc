#!/usr/bin/env bash
# A run on hosts that are reached by ssh, without a batch system, kept going by scripts/launch.sh. HOSTS names a file of Open MPI's form, a
# line for each host with its number of ranks ("node1 slots=8"); the project and the data have the same path on all of them.
# usage: HOSTS=hosts scripts/hostfile/train.sh train --output runs/a …    (THREADS: of each rank, 1)
set -euo pipefail
if [ ! -f "${HOSTS:-}" ]; then
    echo "train.sh: HOSTS is '${HOSTS:-}', expected a file with a line for each host, such as 'node1 slots=8'" >&2
    exit 66
fi
threads="${THREADS:-1}"
export LAUNCH="mpirun --hostfile $HOSTS --map-by slot:PE=$threads --bind-to core"
exec "$(dirname "${BASH_SOURCE[0]}")/../launch.sh" "$@" --threads "$threads"
