#!/usr/bin/env bash
# Writes sums of two numbers in words, worked in several ways: a text task that has more than one right solution, for models that know text.
# usage: scripts/make-sums.sh [FOLDER]        (sums)
# FOLDER gets fit.jsonl (with worked solutions: three of four the plain one, the rest by tens, by ones, by a round number, turned round),
# fit-low.jsonl (numbers below 50), fit-high.jsonl, and as many others to report, held-out-low.jsonl and held-out-high.jsonl. The same each time.
set -euo pipefail
folder="${1:-sums}"
mkdir -p "$folder"
awk -v folder="$folder" '
    # The minimal standard generator of Park and Miller: awk implementations differ in their own.
    function below(n) { state = state * 16807 % 2147483647; return state % n }
    function worked(a, b, way,    c) {
        c = a + b
        if (way == 1) return b " + " a " = " c
        if (way == 2) return a " + " b - b % 10 " = " c - b % 10 "\\n" c - b % 10 " + " b % 10 " = " c
        if (way == 3) return b " + " a - a % 10 " = " c - a % 10 "\\n" c - a % 10 " + " a % 10 " = " c
        if (way == 4) return a - a % 10 " + " b - b % 10 " = " c - a % 10 - b % 10 "\\n" a % 10 " + " b % 10 " = " a % 10 + b % 10 \
            "\\n" c - a % 10 - b % 10 " + " a % 10 + b % 10 " = " c
        if (way == 5) return a " + " 10 - a % 10 " = " a + 10 - a % 10 "\\n" a + 10 - a % 10 " + " b - 10 + a % 10 " = " c
        return a " + " b " = " c
    }
    function make(low, high, range,    i, j, t, count, a, b, line) {
        count = 0
        for (a = low; a <= high; a++) for (b = low; b <= high; b++) pair[count++] = a " " b
        for (i = 0; i < 640; i++) {
            j = i + below(count - i)
            t = pair[i]; pair[i] = pair[j]; pair[j] = t
            split(pair[i], number, " ")
            a = number[1] + 0; b = number[2] + 0
            line = worked(a, b, below(4) ? 0 : 1 + below(5)) "\\n#### " a + b
            line = "{\"question\": \"What is " a " + " b "?\", \"answer\": \"" line "\"}"
            if (i < 400) {
                print line > (folder "/fit-" range ".jsonl")
                print line > (folder "/fit.jsonl")
            } else print line > (folder "/held-out-" range ".jsonl")
        }
    }
    BEGIN { state = 1; make(11, 49, "low"); make(50, 99, "high") }'
wc -l "$folder"/*.jsonl | head -5 >&2
