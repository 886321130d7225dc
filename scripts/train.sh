#!/usr/bin/env bash
# Installs what is missing, builds, and trains. Without arguments: the embedded task, on 8 ranks.
# Arguments go to `gfn-dist train`; the environment variable RANKS changes the number of ranks.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$here")"

"$here/dependencies.sh"
source "$here/mpi-environment.sh"

swift build --package-path "$root" -c release --product gfn-dist >&2
binary="$(swift build --package-path "$root" -c release --show-bin-path)/gfn-dist"
exec mpirun -n "${RANKS:-8}" "$binary" train "$@"
