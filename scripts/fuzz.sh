#!/usr/bin/env bash
# Damages files of every format that the program reads, and looks whether each is read rightly or refused:
#   scripts/fuzz.sh [--cases 10000] [--seed 1] [--format gguf] [--replay FORMAT SEED CASE --keep DIR]
#   scripts/fuzz.sh --messages 10000      the messages that only the program itself can read
# What is damaged are the small files of the tests, and those below GFN_FIXTURES when that is set.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [ "${1:-}" = --messages ]; then
    GFN_FUZZ_CASES="${2:-10000}" exec swift test --package-path "$root" -c release --filter FuzzTests.MessageTests
fi
for product in gfn-dist gfn-fuzz; do
    swift build --package-path "$root" -c release --product "$product" >&2
done
corpus=(--corpus "$root/Tests/ModelTests/Fixtures")
if [ -n "${GFN_FIXTURES:-}" ]; then
    corpus+=(--corpus "$GFN_FIXTURES")
fi
exec "$(swift build --package-path "$root" -c release --show-bin-path)/gfn-fuzz" "${corpus[@]}" "$@"
