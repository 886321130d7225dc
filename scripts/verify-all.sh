#!/usr/bin/env bash
# Certifies every method on every task, from the shipped base (LoRA) and from random weights (all parameters), with lag 0 and 1, and
# prints a table in Markdown. Ends with 1 where one is not proportional.
# usage: scripts/verify-all.sh [--tasks "numbers …"] [--objectives "subtb …"] [--starts "base random"] [--lags "0 1"] [--output DIR]
# What is certified in DIR is not repeated. RANKS: of each run (4); they change no number but the seconds.
set -euo pipefail

tasks="sixteen prefixes rootless reference learned numbers pathsum-tool bits"
objectives="subtb-pooled subtb tb vargrad"
starts="base random"
lags="0 1"
output=results/verify

fail() {
    echo "verify-all.sh: $*" >&2
    exit 64
}
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value"
    case "$1" in
        --tasks) tasks="$2" ;;
        --objectives) objectives="$2" ;;
        --starts) starts="$2" ;;
        --lags) lags="$2" ;;
        --output) output="$2" ;;
        *) fail "unknown option $1, expected --tasks, --objectives, --starts, --lags or --output" ;;
    esac
    shift 2
done
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

# The worst value of a figure in a certificate, which is one line of JSON; - where there is none.
worst() {
    local value
    value=$(grep -o "\"$2\":{\"mean\":[^,]*,\"worst\":[^}]*}" "$1" | sed 's/.*"worst"://; s/}//')
    case "$value" in "" | null) echo "-" ;; *) printf '%.4f' "$value" ;; esac
}

status=0
echo "| task | ends | start | method | lag | total variation | log Z gap, learned | implied | slope | seconds | |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
for task in $tasks; do
    for start in $starts; do
        for objective in $objectives; do
            for lag in $lags; do
                run="$output/$task-$start-$objective-lag$lag"
                if [ ! -e "$run/seconds" ]; then
                    rm -rf "$run"
                    begin=$(date +%s)
                    # Two learners: most of the work is theirs.
                    mpirun -n "${RANKS:-4}" "$binary" verify --quiet --json --task "$task" --start "$start" --objective "$objective" \
                        --set lag="$lag" --set ranks.learners=2 --output "$run" >"$output.line" 2>"$output.errors" || true
                    [ -e "$run/certificate.json" ] || { cat "$output.errors" >&2; fail "$run has no certificate"; }
                    mv "$output.line" "$run/certificate.line"
                    echo $(($(date +%s) - begin)) >"$run/seconds"
                fi
                line="$run/certificate.line"
                verdict=proportional
                grep -q '"verdict":true' "$line" || { verdict="**not proportional**"; status=1; }
                # The certificate's own; each problem has its number behind it.
                ends=$(grep -o '"ends":[0-9]*' "$line" | head -n 1 | tr -dc 0-9)
                [ -n "$ends" ] || fail "$line is no certificate"
                echo "| $task | $ends | $start | $objective | $lag | $(worst "$line" total_variation)" \
                    "| $(worst "$line" learned_log_partition_gap) | $(worst "$line" implied_log_partition_gap) | $(worst "$line" slope)" \
                    "| $(<"$run/seconds") | $verdict |"
            done
        done
    done
done
exit $status
