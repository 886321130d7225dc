# Sourced by the other scripts: installs what is missing, builds in release, and sets `binary` to the program.
scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$scripts")"

"$scripts/dependencies.sh"
source "$scripts/mpi-environment.sh"
swift build --package-path "$root" -c release --product gfn-dist >&2
binary="$(swift build --package-path "$root" -c release --show-bin-path)/gfn-dist"
