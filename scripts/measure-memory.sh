#!/usr/bin/env bash
# Runs a command and says the most memory that its processes named gfn-dist have had together, looked at ten times a second: what each has
# of its own, and what files and shared memory they map, which counts once for all of them. Unlike the proportional set size (PSS) this
# does not depend on who else on the machine maps the same files.
# usage: scripts/measure-memory.sh COMMAND…    (such as mpirun -n 4 gfn-dist train …)
#   NAME=gfn-dist     the name of the processes that count
#   PARTS=FILE        the largest mappings at the peak, in KiB, are written there
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/measure-memory.sh COMMAND…" >&2 && exit 64; }
name="${NAME:-gfn-dist}" parts="${PARTS:-/dev/null}"
"$@" &
command=$!
trap 'kill "$command" 2>/dev/null || true' EXIT

# All that descend from the process $1, and itself, into `family`.
collect() {
    local child children=""
    family+=("$1")
    # A process may end meanwhile; its main thread is the one that forks.
    { read -r children <"/proc/$1/task/$1/children"; } 2>/dev/null || true
    for child in $children; do collect "$child"; done
}

# Of smaps files: own and shared KiB of all, then each process's own, then the mappings if they are asked for.
sum() {
    awk -v detailed="$1" '
        FNR == 1 { processes++ }
        # address permissions offset device inode path
        /^[0-9a-f]+-[0-9a-f]+ / {
            # One that grows while it is read may be listed twice.
            start = processes " " substr($1, 1, index($1, "-") - 1)
            place = $5 == 0 ? "" : $4 " " $5 " " $3
            label = $6 == "" ? "anonymous" : $6
        }
        /^Rss:/ { resident = $2 }
        /^Anonymous:/ {
            own[processes] += $2 - before[start]
            by[label " (own)"] += $2 - before[start]
            before[start] = $2
            shared = resident - $2
            # As much of a place as the process that has most of it: the ranks touch the same pages.
            if (place != "" && shared > most[place]) { by[label] += shared - most[place]; most[place] = shared }
        }
        END {
            for (p = 1; p <= processes; p++) { total += own[p]; each = each (p > 1 ? "+" : "") int(own[p] / 1024) }
            for (p in most) all += most[p]
            print total + 0, all + 0, processes, each
            if (detailed) for (l in by) if (by[l] > 256) print by[l], l | "sort -rn"
        }' "${@:2}" 2>/dev/null
}

largest=0 own=0 shared=0 count=0 each=""
while kill -0 "$command" 2>/dev/null; do
    family=() files=()
    collect "$command"
    for process in "${family[@]}"; do
        comm=""
        { read -r comm <"/proc/$process/comm"; } 2>/dev/null || true
        [ "$comm" != "$name" ] || files+=("/proc/$process/smaps")
    done
    if [ ${#files[@]} -gt 0 ]; then
        # One that ended while it was read is missing from this look only.
        look="$(sum "$([ "$parts" = /dev/null ] || echo yes)" "${files[@]}" || true)"
        read -r a b c d <<<"${look%%$'\n'*}" || true
        if [ -n "${b:-}" ] && [ $((a + b)) -gt "$largest" ]; then
            largest=$((a + b)) own="$a" shared="$b" count="$c" each="$d"
            printf '%s\n' "$look" >"$parts"
        fi
    fi
    sleep 0.1
done
status=0
wait "$command" || status=$?
trap - EXIT
echo "memory of $count processes: $((largest / 1024)) MiB, own $((own / 1024)) ($each), mapped $((shared / 1024))"
exit "$status"
