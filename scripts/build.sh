# Sourced by the other scripts: installs what is missing, builds in release, and sets `binary` to the program. Where GFN_BINARY names one
# that is built already, nothing is installed or built.
scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$scripts")"

source "$scripts/mpi-environment.sh"
binary="${GFN_BINARY:-}"
if [ -z "$binary" ]; then
    "$scripts/dependencies.sh"
    swift build --package-path "$root" -c release --product gfn-dist >&2
    binary="$(swift build --package-path "$root" -c release --show-bin-path)/gfn-dist"
fi
