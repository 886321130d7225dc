#!/usr/bin/env bash
# Installs what gfn-dist needs from Debian or Ubuntu packages and is not there yet. Does nothing when all is there.
set -euo pipefail

missing=()
have_library() { command -v pkg-config >/dev/null && pkg-config --exists "$1"; }

command -v pkg-config >/dev/null || missing+=(pkg-config)
have_library ompi-c || missing+=(libopenmpi-dev)
have_library openblas || missing+=(libopenblas-dev)
have_library libzstd || missing+=(libzstd-dev)
have_library zlib || missing+=(zlib1g-dev) # comes with libopenmpi-dev, except where Open MPI was built by hand
command -v mpirun >/dev/null || missing+=(openmpi-bin)
command -v ssh >/dev/null || missing+=(openssh-client) # mpirun refuses to start without its launch agent

if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "dependencies.sh: missing ${missing[*]}, and there is no apt-get here: install their equivalents and run this again" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "dependencies.sh: missing ${missing[*]}; run 'apt-get install ${missing[*]}' as root, then run this again" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "Installing: ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

if ! command -v swift >/dev/null; then
    echo "dependencies.sh: there is no Swift toolchain on PATH; install Swift 6.2 or newer (swift.org/install), then run this again" >&2
    exit 1
fi
