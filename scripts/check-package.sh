#!/usr/bin/env bash
# Unpacks a package in a small Debian of its own, which has never had Swift or a compiler, and runs it there: version, doctor, and a run on
# two ranks and on one, which must end with the same weights.
# usage: scripts/check-package.sh TARBALL [FOLDER]        (FOLDER keeps that Debian for the next time; otherwise it is removed)
# SUITE: Debian's name where it is not this system's. DEBIAN_MIRROR: where its packages come from, where that is not
# debootstrap's choice.
set -euo pipefail
fail() {
    echo "check-package.sh: $*" >&2
    exit "$status"
}
[ $# -ge 1 ] && [ $# -le 2 ] || status=64 fail "usage: scripts/check-package.sh TARBALL [FOLDER]"
[ "$(id -u)" -eq 0 ] && command -v debootstrap >/dev/null ||
    status=66 fail "a Debian in a folder is made by root with debootstrap: run this as root, after apt-get install debootstrap"
tarball="$1"
[ -f "$tarball" ] || status=66 fail "there is no $tarball: make it with scripts/package.sh"
source "$(dirname "${BASH_SOURCE[0]}")/mpi-environment.sh"

suite="${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")}"
debian="${2:-}"
if [ -z "$debian" ]; then
    debian="$(mktemp -d)"
    # What is mounted in it is so for one command only, and gone when it ends.
    trap 'rm -rf --one-file-system "$debian"' EXIT
fi
# An interrupted beginning leaves the folder without this file, and is begun again.
if [ ! -e "$debian/etc/gfn-dist-check" ]; then
    echo "making a Debian $suite in $debian" >&2
    debootstrap --variant=minbase "$suite" "$debian" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >&2
    DEBIAN_FRONTEND=noninteractive chroot "$debian" \
        apt-get install -y -qq --no-install-recommends openmpi-bin libopenblas0 libzstd1 >&2
    touch "$debian/etc/gfn-dist-check"
fi
inside() {
    echo "\$ $*" >&2
    unshare --mount bash -euc '
        mount -t proc proc "$0/proc"
        mount -t sysfs -o ro sysfs "$0/sys"
        mount -t tmpfs tmpfs "$0/dev/shm"
        exec chroot "$0" env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 $(env | grep ^OMPI_) "$@"' "$debian" "$@"
}

rm -rf "$debian"/opt/gfn-dist* "$debian/runs"
mkdir -p "$debian/runs"
tar -xzf "$tarball" -C "$debian/opt"
name="$(cd "$debian/opt" && echo gfn-dist-*)"
# Called by a link: it finds its resources beside itself, and not beside the link.
ln -sf "/opt/$name/bin/gfn-dist" "$debian/usr/local/bin/gfn-dist"
swift="$(find "$debian" -xdev \( -name 'libswift*' -o -name 'swift*' \) -not -path "$debian/opt/*" -print -quit)"
[ -z "$swift" ] || status=70 fail "$swift is there: nothing would be shown by a Debian that has Swift"

settings=(--set train.steps=5 --set evaluate.problems=20)
inside bash -n "/opt/$name/share/bash-completion/completions/gfn-dist"
inside gfn-dist --version
inside gfn-dist doctor
inside mpirun -n 2 gfn-dist train --dashboard 0 --output /runs/two "${settings[@]}"
inside gfn-dist train --output /runs/one "${settings[@]}" --quiet
cmp "$debian/runs/two/adapter/adapter_model.safetensors" "$debian/runs/one/adapter/adapter_model.safetensors" ||
    status=70 fail "two ranks and one ended with other weights"
echo "$name runs on Debian $suite without Swift: the same weights on two ranks and on one"
