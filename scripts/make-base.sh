#!/usr/bin/env bash
# Makes the embedded base model again, from a random start, with this program alone:
#   1. a textbook without mistakes, with many ways for each problem: the model learns the arithmetic;
#   2. a textbook with one way for each problem and with misprints: what the demonstration starts from.
# The result goes to the folder named, or else to the program's resources.
# usage: scripts/make-base.sh [--size small|medium|base|large] [FOLDER]    (another size than base: 0.1, 0.3 and 4.8 million parameters; needs FOLDER)
set -euo pipefail
size=base
if [ "${1:-}" = --size ]; then
    size="${2:-}"
    shift 2 || { echo "make-base.sh: --size needs small, medium, base or large" >&2 && exit 64; }
fi
[ "$size" = base ] || [ $# -eq 1 ] || { echo "make-base.sh: name the folder for a base of size $size: another one ships" >&2 && exit 64; }
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
target="${1:-$root/Sources/gfn-dist/Resources/pathsum-base}"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

mpirun -n "${RANKS:-2}" "$binary" train --objective sft --model random --set random.size="$size" --output "$work/arithmetic" \
    --set data.textbook_skew=4 --set data.textbook_uniform=0.2 --set data.textbook_misprints=0
mpirun -n "${RANKS:-2}" "$binary" train --objective sft --model "$work/arithmetic/model" --output "$work/style" \
    --set data.train=pathsum --set train.steps=160 --set train.learning_rate=1e-3 --set train.warmup_steps=10 \
    --set data.textbook_skew=8 --set data.textbook_uniform=0.1 --set data.textbook_misprints=0.25

mkdir -p "$target"
cp "$work/style/model/"* "$target/"
sha256sum "$target/model.safetensors"
