#!/usr/bin/env bash
# Writes a model of random weights in the shape of a known one, to measure time and memory with: `gfn-dist make-model`, built if it is not yet.
# usage: scripts/make-model.sh --shape tiny|smollm2-135m|llama-3.2-1b|llama-3-8b [--format bf16|q4_0] PATH
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
exec "$binary" make-model "$@"
