# Sourced by the other scripts: installs what is missing, builds in release, and sets `binary` to the program. Where GFN_BINARY names one
# that is built already, nothing is installed or built. A script may have set `build_options`, for swift build.
scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$scripts")"

source "$scripts/mpi-environment.sh"
binary="${GFN_BINARY:-}"
if [ -z "$binary" ]; then
    "$scripts/dependencies.sh"
    # What the program says that it was built from; without git, or from a folder that has no history, it says "unknown".
    GFN_COMMIT="${GFN_COMMIT:-$(git -C "$root" describe --always --dirty 2>/dev/null || true)}"
    export GFN_COMMIT
    build=(swift build --package-path "$root" -c release "${build_options[@]}")
    "${build[@]}" --product gfn-dist >&2
    binary="$("${build[@]}" --show-bin-path)/gfn-dist"
fi
