#!/usr/bin/env bash
# Builds and runs every test, in debug and in release, with warnings as errors; those over mpirun included.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$here")"

"$here/dependencies.sh"
source "$here/mpi-environment.sh"
export GFN_STRICT=1

for configuration in debug release; do
    echo "== $configuration =="
    swift test --package-path "$root" -c "$configuration" "$@"
done
