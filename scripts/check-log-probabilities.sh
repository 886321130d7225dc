#!/usr/bin/env bash
# Compares, to the last digit, the log-probabilities that are recorded while solutions are decoded in batches of 1 to 64, of lengths that
# differ, with those that a pass over the whole solutions gives, in bf16 and in fp32.
# usage: scripts/check-log-probabilities.sh MODEL [TOKENS]    (100,000, over both)
set -euo pipefail
[[ $# -ge 1 && "${2:-1}" =~ ^[1-9][0-9]*$ ]] || { echo "usage: scripts/check-log-probabilities.sh MODEL [TOKENS]" >&2 && exit 64; }
model="$1" wanted="${2:-100000}"
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
# Prompts of 3 to 40 words.
for number in $(seq 1 400); do
    words="$(printf 'and %.0s' $(seq 1 $((number % 37))))"
    echo "{\"prompt\": \"What is $number plus $((number * 7 % 90)) $words?\", \"answer\": \"$((number + number * 7 % 90))\"}"
done >"$folder/sums.jsonl"

total=0
for precision in bf16 fp32; do
    for batch in 1 3 8 17 64; do
        tokens=0 seed=0
        while [ "$tokens" -lt $((wanted / 10)) ]; do
            seed=$((seed + 1))
            options=(--model "$model" --set "precision=$precision" --quiet)
            "$binary" sample "$folder/sums.jsonl" "${options[@]}" --limit $((64 / batch)) --samples-per-problem "$batch" \
                --max-new-tokens $((20 + batch % 50)) --seed "$seed" >"$folder/samples.jsonl" 2>"$folder/errors" ||
                { cat "$folder/errors" >&2 && exit 1; }
            "$binary" score "$folder/samples.jsonl" "${options[@]}" >"$folder/scores.jsonl" 2>"$folder/errors" ||
                { cat "$folder/errors" >&2 && exit 1; }
            for file in samples scores; do grep -o '"logprobs":\[[^]]*\]' "$folder/$file.jsonl" >"$folder/$file"; done
            cmp -s "$folder/samples" "$folder/scores" || {
                echo "FAILED: $precision, batch $batch, seed $seed: they differ" >&2
                diff "$folder/samples" "$folder/scores" | head -4 | cut -c1-300 >&2
                exit 1
            }
            tokens=$((tokens + $(tr -cd ',\n' <"$folder/samples" | wc -c)))
        done
        total=$((total + tokens))
        echo "$precision, batches of $batch: $tokens log-probabilities, all equal"
    done
done
echo "$total log-probabilities, all equal"
