#!/usr/bin/env bash
# Stops a rank in each phase of a run on three or more ranks, with lag=any as well, and sees that the watchdog names it: in the log of every other rank, with
# its host, role, phase and step, within the set time and 5 s; that the job ends with 71; and that no process is left.
# usage: scripts/check-stalls.sh [SECONDS [RANKS]]    (of the watchdog: 3; 3)
set -euo pipefail
seconds="${1:-3}" count="${2:-3}"
[[ "$seconds" =~ ^[1-9][0-9]*$ && "$count" =~ ^[1-9][0-9]*$ && "$count" -ge 3 ]] ||
    { echo "usage: scripts/check-stalls.sh [SECONDS [RANKS]], whole numbers, three ranks or more" >&2 && exit 64; }
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
train=("$binary" train --quiet --threads 1 --output "$folder/run" --set "watchdog.seconds=$seconds" --set ranks.learners=1
    --set train.steps=6 --set evaluate.every=4 --set checkpoint.every=2 --set evaluate.problems=2)
failures=0
# Where rollouts run free, which versions one samples with is known of the first alone.
for place in load:0:0 load:0:1 sample:2:1 score:2:2 backward:2:0 reduce:2:0 broadcast:2:0 broadcast:2:1 evaluate:4:0 evaluate:4:2 \
    save:2:0 sample:1:1:any score:1:2:any backward:2:0:any broadcast:2:0:any broadcast:1:2:any evaluate:4:2:any save:2:0:any; do
    IFS=: read -r phase step rank lag <<<"$place"
    rm -rf "$folder/run"
    ranks=()
    for ((number = 0; number < count; number++)); do
        [ "$number" -eq 0 ] || ranks+=(:)
        ranks+=(-n 1)
        [ "$number" -ne "$rank" ] || ranks+=(env "GFN_STALL=$phase:$step")
        ranks+=("${train[@]}" --set "lag=${lag:-1}")
    done
    status=0
    mpirun "${ranks[@]}" >"$folder/output" 2>&1 || status=$?
    line="^gfn-dist: rank $rank on [^ ]* (.*phase $phase.*) has stalled: nothing was heard of it for [0-9]* s; rank [^$rank]"
    named="$(grep -c "$line" "$folder/output" || true)"
    after="$(sed -n 's/.*nothing was heard of it for \([0-9]*\) s.*/\1/p' "$folder/output" | sort -n | tail -1)"
    left="$(pgrep -c -f "$folder/run" || true)"
    verdict=fine
    if [ "$status" -ne 71 ] || [ "$named" -ne $((count - 1)) ] || [ "$left" -ne 0 ] || [ "$after" -gt $((seconds + 5)) ]; then
        verdict=FAILED failures=$((failures + 1))
        cat "$folder/output"
    fi
    echo "$verdict: rank $rank in $phase of step $step, lag ${lag:-1}: exit code $status, named by $named others after ${after:-no} s, $left left"
    [ "$verdict" = fine ] || continue
    grep -m1 "^gfn-dist: .*; rank [^$rank]" "$folder/output" | cut -c1-220
done
exit $((failures > 0))
