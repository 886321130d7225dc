#!/usr/bin/env bash
# Runs the embedded default (or what the arguments say) on several layouts, with a kill in the middle, and with what stands for
# other processors here: OpenBLAS's kernels, the program's own and the C library's. Compares the SHA-256 of the adapters.
# Takes as many times the default run as there are lines of output; kernels "portable" are left out, being much slower.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

arguments=("$@")
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

digest() { sha256sum "$work/$1/adapter/adapter_model.safetensors" | cut -d' ' -f1; }
report() { echo "$(digest "$1")  $1"; }

for ranks in 2 4 8; do
    mpirun -n "$ranks" "$binary" train --quiet --output "$work/mpirun-$ranks" "$@" >/dev/null
    report "mpirun-$ranks"
done
"$binary" train --single --ranks 4 --quiet --output "$work/single-4" "$@" >/dev/null
report single-4

runs=(mpirun-2 mpirun-4 mpirun-8 single-4)
as_on() {
    local name="$1"
    shift
    env "$@" mpirun -n 4 "$binary" train --quiet --output "$work/$name" "${arguments[@]}" >/dev/null
    report "$name"
    runs+=("$name")
}
for core in Haswell SkylakeX Zen Nehalem; do as_on "openblas-$core" OPENBLAS_CORETYPE="$core"; done
as_on no-avx2-fma-avx512-in-libc GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F
for family in avx2 avx512 avx512bf16; do
    if "$binary" train --dry-run --set kernels="$family" >/dev/null 2>&1; then as_on "kernels-$family" GFN_KERNELS="$family"; fi
done
# Two learners and two rollouts, each as on another processor.
one() { printf '%s\n' -n 1 env "$@" "$binary" train --quiet --set ranks.learners=2 --output "$work/mixed" "${arguments[@]}"; }
mapfile -t mixed < <(
    one OPENBLAS_CORETYPE=Haswell GFN_KERNELS=avx2
    echo :
    one OPENBLAS_CORETYPE=SkylakeX GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F
    echo :
    one OPENBLAS_CORETYPE=Nehalem
    echo :
    one OPENBLAS_CORETYPE=Zen
)
mpirun "${mixed[@]}" >/dev/null
report mixed
runs+=(mixed killed)

# A run that is killed at a random moment after its first checkpoint, then resumed on another number of ranks.
"$binary" train --single --ranks 4 --quiet --output "$work/killed" "$@" >/dev/null 2>&1 &
victim=$!
until [ -e "$work/killed/checkpoints/latest" ]; do
    kill -0 "$victim" 2>/dev/null || { echo "the run ended before its first checkpoint" >&2; exit 1; }
    sleep 0.2
done
sleep "$((RANDOM % 20)).$((RANDOM % 10))"
kill -9 "$victim" 2>/dev/null || true
wait "$victim" 2>/dev/null || true
mpirun -n 2 "$binary" train --resume --quiet --output "$work/killed" >/dev/null
report killed

different="$(for run in "${runs[@]}"; do digest "$run"; done | sort -u | wc -l)"
if [ "$different" -ne 1 ]; then
    echo "the adapters differ" >&2
    exit 1
fi
echo "all the same"
