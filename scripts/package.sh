#!/usr/bin/env bash
# Packs the program for systems without Swift: gfn-dist-<version>-<arch>-linux.tar.gz, with Swift's libraries in the program, its
# resources, man pages, completions for bash, zsh and fish, and the documentation. Where it runs it needs Open MPI, OpenBLAS and zstd, as
# the system has them that it was built on. Says what it weighs and what the program is linked with. Names, order and times in it are the
# same each time.
# usage: scripts/package.sh [FOLDER]        (.)
# GFN_BINARY: a program that was built with --static-swift-stdlib already, with its resources beside it.
set -euo pipefail
fail() {
    echo "package.sh: $*" >&2
    exit "$status"
}
[ $# -le 1 ] || status=64 fail "expected one folder to write to, found $*"
folder="${1:-.}"
# A folder of its own: other options for the same folder would compile everything anew, and again for the next script.
build_folder="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.build/package"
build_options=(--static-swift-stdlib --scratch-path "$build_folder" -Xswiftc "-L$build_folder/without-libcurl")
# FlyingFox also has a proxy, which this program does not use: with Swift's libraries in the program it would drag libcurl in, and all that
# needs. In libcurl's place stands a library whose functions end the program.
without_libcurl() {
    local folder="$build_folder/without-libcurl" libraries
    libraries="$(swiftc -static-stdlib -print-target-info | sed -n 's|.*"\(/.*/swift_static/linux\)".*|\1|p' | head -n 1)"
    [ -f "$libraries/lib_CFURLSessionInterface.a" ] ||
        status=66 fail "this Swift has no libraries to link into a program (swift_static/linux is missing): install a whole toolchain"
    mkdir -p "$folder"
    {
        echo '#include <stdlib.h>'
        nm -u "$libraries/lib_CFURLSessionInterface.a" | sed -n 's/^ *U \(curl_[a-z_]*\)$/void \1(void) { abort(); }/p' | sort -u
    } >"$folder/libcurl.c"
    "${CC:-clang}" -c -fPIC -o "$folder/libcurl.o" "$folder/libcurl.c"
    rm -f "$folder/libcurl.a"
    ar crs "$folder/libcurl.a" "$folder/libcurl.o"
}
# Where there is no Swift at all, build.sh says so.
[ -n "${GFN_BINARY:-}" ] || ! command -v swiftc >/dev/null || without_libcurl
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

[ -x "$binary" ] || status=66 fail "$binary is no program"
resources="$(dirname "$binary")/gfn-dist_gfn-dist.resources"
[ -d "$resources" ] || status=66 fail "$resources is missing: it belongs beside the program"
linked="$(objdump -p "$binary" | awk '$1 == "NEEDED" { print $2 }' | sort)"
foreign="$(grep -vE '^(libmpi|libopenblas|libzstd|libz|libc|libm|libstdc\+\+|libgcc_s|ld-linux-.*)\.so' <<<"$linked" || true)"
[ -z "$foreign" ] ||
    status=66 fail "$binary is linked with ${foreign//$'\n'/, }, which other systems lack: build it with --static-swift-stdlib"

version="$("$binary" --version)"
version="${version#gfn-dist }"
name="gfn-dist-${version%%,*}-$(uname -m)-linux"
# Of the commit: what is packed twice from the same source is the same.
time="${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
to="$work/$name"

mkdir -p "$to/bin" "$to/share/bash-completion/completions" "$to/share/zsh/site-functions" "$to/share/fish/vendor_completions.d" \
    "$to/share/doc/gfn-dist"
strip -o "$to/bin/gfn-dist" "$binary"
cp -r "$resources" "$to/bin/"
"$scripts/make-manual.sh" "$to/bin/gfn-dist" "$to/share/man/man1"
"$to/bin/gfn-dist" --generate-completion-script bash >"$to/share/bash-completion/completions/gfn-dist"
"$to/bin/gfn-dist" --generate-completion-script zsh >"$to/share/zsh/site-functions/_gfn-dist"
"$to/bin/gfn-dist" --generate-completion-script fish >"$to/share/fish/vendor_completions.d/gfn-dist.fish"
cp -r "$root"/{LICENSE,README.md,CHANGELOG.md,docs} "$to/share/doc/gfn-dist/"

mkdir -p "$folder"
tar --create --directory "$work" --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --mode=u+rw,go=u-w "$name" |
    gzip -9n >"$work/$name.tar.gz"
mv "$work/$name.tar.gz" "$folder/"
echo "$folder/$name.tar.gz  $(stat -c %s "$folder/$name.tar.gz") bytes, the program $(stat -c %s "$to/bin/gfn-dist")"
echo "linked with ${linked//$'\n'/ }"
