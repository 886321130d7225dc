#!/usr/bin/env bash
# Starts a run on several ranks and keeps it going: SIGTERM, SIGINT and SIGUSR1 become a saved checkpoint and exit code 75; a lost rank
# (69), a stalled one (71), a killed one (137) and the like a restart from the newest checkpoint. What another start cannot mend, such as a
# wrong setting (78), ends it at once. Run the same command again and it goes on: in a batch script, behind a requeue.
# usage: scripts/launch.sh [--restarts N] [--pause SECONDS] [--grace SECONDS] train|reward --output DIR …
# --restarts: in a row, without a new checkpoint between them (5). --pause: before the first of them (10); twice as long before each next
# one, 10 minutes at most. --grace: for a launcher to end after the watchdog has named a stalled rank (30): mpirun waits long for a node that
# does not answer. LAUNCH: how ranks are started ("mpirun -n ${RANKS:-2}"), such as "srun --mpi=pmix". What each attempt said is
# kept in DIR-attempts/.
set -euo pipefail

fail() {
    echo "launch.sh: $*" >&2
    exit "${status:-64}"
}
say() { echo "launch.sh: $*" >&2; }

restarts=5 pause=10 grace=30
while [ $# -gt 0 ]; do
    case "$1" in
        --restarts | --pause | --grace)
            [[ "${2:-}" =~ ^[0-9]{1,6}$ ]] || fail "$1 needs a whole number, found '${2:-}'"
            declare "${1#--}=$((10#$2))"
            shift 2
            ;;
        train | reward) break ;;
        *) fail "expected train or reward with its options, or --restarts, --pause or --grace with a number before it; found '$1'" ;;
    esac
done
[ $# -gt 0 ] || fail "name what to run: train --output DIR …"
output=""
for ((index = 1; index <= $#; index++)); do
    case "${!index}" in
        --output)
            next=$((index + 1))
            output="${!next:-}"
            ;;
        --output=*) output="${!index#--output=}" ;;
    esac
done
[ -n "$output" ] || fail "$1 needs --output DIR: a run that may be restarted has a folder of its own"
output="${output%/}"

source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
read -ra launch <<<"${LAUNCH:-mpirun -n ${RANKS:-2}}"
attempts="$output-attempts"
mkdir -p "$attempts"

# Whoever starts the ranks has a process group of its own, so that a Ctrl-C comes here alone: mpirun would take the ranks a second for it.
set -m
child="" asked="" interrupted=""
# What mpirun and srun pass on to all ranks at once; they save and end. A second signal ends them as the launcher does it.
ask() {
    interrupted=yes
    [ -n "$child" ] || exit 75
    if [ -z "$asked" ]; then
        asked="$1"
        say "$1: a checkpoint is saved, then this ends"
        kill -USR1 "$child" 2>/dev/null || true
    else
        say "$1 again: the ranks are ended"
        kill -TERM -- "-$child" 2>/dev/null || true
    fi
}
for signal in TERM INT USR1; do trap "ask SIG$signal" "$signal"; done

# Ends a launcher that does not end by itself although LOG says that a rank has stalled.
end_stalled() {
    until grep -q '^\(\[.*\]\)\?gfn-dist: .* ha\(s\|ve\) stalled: ' "$1"; do sleep 1; done
    sleep "$grace"
    say "the launcher has not ended $grace s after a rank stalled: it is ended"
    kill -TERM -- "-$2" 2>/dev/null
    sleep $((grace < 5 ? grace : 5))
    kill -KILL -- "-$2" 2>/dev/null
}

# The newest checkpoint's name; nothing where there is none.
newest() { find "$output/checkpoints" -mindepth 1 -maxdepth 1 -name 'step-*' 2>/dev/null | sort -V | tail -1 || true; }

number=0
while [ -e "$attempts/$((number + 1)).log" ]; do number=$((number + 1)); done
left="$restarts" wait="$pause"
while true; do
    number=$((number + 1))
    log="$attempts/$number.log"
    before="$(newest)"
    arguments=("$@")
    [[ ! -e "$output/config.yaml" || " $* " == *" --resume "* ]] || arguments+=(--resume)
    {
        date -u '+# %Y-%m-%dT%H:%M:%SZ'
        echo "# ${launch[*]} gfn-dist ${arguments[*]}"
    } >"$log"
    "${launch[@]}" "$binary" "${arguments[@]}" > >(tee -a "$log") 2> >(tee -a "$log" >&2) &
    child=$!
    end_stalled "$log" "$child" &
    guard=$!
    # A trapped signal ends `wait` before the ranks end.
    interrupted=yes
    while [ -n "$interrupted" ]; do
        interrupted="" status=0
        wait "$child" || status=$?
    done
    child=""
    kill -TERM -- "-$guard" 2>/dev/null || true
    wait "$guard" 2>/dev/null || true
    echo "# exit code $status" >>"$log"

    case "$status" in
        0 | 75) exit "$status" ;;
        64 | 65 | 66 | 70 | 72 | 78 | 126 | 127)
            say "exit code $status, which another start does not mend ($log)"
            exit "$status"
            ;;
    esac
    [ -z "$asked" ] || exit "$status"
    [ -e "$output/config.yaml" ] || {
        say "exit code $status before the run began ($log)"
        exit "$status"
    }
    # A run that comes further each time may be restarted for ever.
    [ "$(newest)" = "$before" ] || left="$restarts" wait="$pause"
    if [ "$left" -eq 0 ]; then
        say "exit code $status after $restarts restarts without a new checkpoint ($log)"
        exit "$status"
    fi
    left=$((left - 1))
    from="$(basename "$(newest)")"
    say "exit code $status ($log); restart in $wait s from ${from:-the beginning}, then $left more without a new checkpoint"
    sleep "$wait" &
    child=$!
    wait "$child" || true
    child=""
    [ -z "$asked" ] || exit 75
    wait=$((wait * 2 > 600 ? 600 : wait * 2))
done
