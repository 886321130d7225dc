#!/usr/bin/env bash
# Runs a command and says the largest memory that its processes named gfn-dist have had together: their proportional set size (PSS), in
# which a page that several of them map counts once, looked at four times a second.
# usage: scripts/measure-memory.sh COMMAND…    (such as mpirun -n 4 gfn-dist train …)
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/measure-memory.sh COMMAND…" >&2 && exit 64; }
"$@" &
command=$!
trap 'kill "$command" 2>/dev/null || true' EXIT
# All that descend from the command, and the command.
family() {
    local process="$1" child
    echo "$process"
    for child in $(cat "/proc/$process/task/"*/children 2>/dev/null); do family "$child"; done
}
largest=0 count=0 each=""
while kill -0 "$command" 2>/dev/null; do
    total=0 number=0 parts=""
    for process in $(family "$command"); do
        [ "$(cat "/proc/$process/comm" 2>/dev/null)" = gfn-dist ] || continue
        # A process may end meanwhile.
        size="$(awk '/^Pss:/ { print $2 }' "/proc/$process/smaps_rollup" 2>/dev/null || true)"
        [ -n "$size" ] || continue
        total=$((total + size)) number=$((number + 1)) parts="$parts $((size / 1024))"
    done
    [ "$total" -le "$largest" ] || { largest="$total" count="$number" each="$parts"; }
    sleep 0.25
done
status=0
wait "$command" || status=$?
trap - EXIT
echo "PSS of $count processes: $((largest / 1024)) MiB ($(echo $each | sed 's/ / + /g'))"
exit "$status"
