#!/usr/bin/env bash
# Installs what is missing, builds, and trains. Without arguments: the embedded task, on 8 ranks.
# Arguments go to `gfn-dist train`; the environment variable RANKS changes the number of ranks.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

exec mpirun -n "${RANKS:-8}" "$binary" train "$@"
