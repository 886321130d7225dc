#!/usr/bin/env bash
# Two hosts on one machine: network namespaces with nothing between them but a link that is late, loses frames and is slow (link.py). Trains
# over TCP between them, and compares the bytes with those of one host; then cuts the link in the middle of a run and mends it later: the
# watchdog must say who is out of reach, and launch.sh go on. As root. Exit code 77: there are no namespaces or TAP devices here,
# nothing was tested.
# usage: scripts/two-hosts/test.sh    (STEPS: of each run, 60; CUT: seconds, 10)
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../build.sh"
export GFN_BINARY="$binary"
skip() { echo "test.sh: $*: nothing was tested" >&2 && exit 77; }
[ "$(id -u)" -eq 0 ] || skip "namespaces need root"
command -v ip >/dev/null || skip "there is no ip (Debian's iproute2)"
[ -e /dev/net/tun ] || skip "there is no /dev/net/tun"

folder="$(mktemp -d)"
link=""
down() {
    [ -z "$link" ] || { kill "$link" && wait "$link"; } 2>/dev/null || true
    link=""
    for host in 1 2; do ip netns del "gfn$host" 2>/dev/null || true; done
}
trap 'down; rm -rf "$folder"' EXIT
up() {
    down
    for host in 1 2; do ip netns add "gfn$host" || skip "no network namespace can be made"; done
    python3 "$here/link.py" gfn1 gfn2 "$@" >"$folder/link" 2>&1 &
    link=$!
    for _ in $(seq 100); do
        ! grep -q up "$folder/link" || break
        sleep 0.1
    done
    grep -q up "$folder/link" || skip "no link: $(<"$folder/link")"
}
mpi="mpirun --mca plm_rsh_agent $here/agent.sh --mca btl tcp,self --mca btl_tcp_if_include e0 --mca oob_tcp_if_include e0 \
    --host 10.77.0.1:2,10.77.0.2:2 -n 4"
settings=(--quiet --threads 1 --set "train.steps=${STEPS:-60}" --set evaluate.problems=2 --set checkpoint.every=10)
say() { echo "$(date +%T) $*"; }
sum() { sha256sum "$1/adapter/adapter_model.safetensors" | cut -c1-16; }
train() { ip netns exec gfn1 $mpi "$binary" train --output "$1" "${settings[@]}" "${@:2}" >/dev/null; }
milliseconds() { echo $((($(date +%s%N) - $1) / 1000000)); }

start=$(date +%s%N)
mpirun -n 4 "$binary" train --output "$folder/one" "${settings[@]}" >/dev/null
say "one host: $(sum "$folder/one"), $(milliseconds "$start") ms"
for conditions in "" "--latency 50" "--latency 50 --loss 1 --rate 100"; do
    up $conditions
    start=$(date +%s%N)
    train "$folder/two"
    say "two hosts, ${conditions:-nothing in the way}: $(sum "$folder/two"), $(milliseconds "$start") ms"
    cmp "$folder/one/adapter/adapter_model.safetensors" "$folder/two/adapter/adapter_model.safetensors"
    rm -r "$folder/two"
done

up --latency 5
LAUNCH="ip netns exec gfn1 $mpi" "$here/../launch.sh" --pause 2 --restarts 20 train --output "$folder/cut" "${settings[@]}" \
    --set watchdog.seconds=5 >/dev/null 2>"$folder/errors" &
run=$!
for _ in $(seq 600); do
    [ ! -e "$folder/cut/checkpoints/step-20" ] || break
    sleep 0.1
done
kill -USR1 "$link"
start=$(date +%s%N)
say "the link is cut"
for _ in $(seq 600); do
    ! grep -q 'has stalled\|have stalled' "$folder/errors" || break
    sleep 0.1
done
say "after $(milliseconds "$start") ms: $(grep -m1 'stalled' "$folder/errors")"
sleep "${CUT:-10}"
kill -USR2 "$link"
say "the link is mended"
status=0
wait "$run" || status=$?
grep '^launch.sh' "$folder/errors"
say "ended with $status: $(sum "$folder/cut")"
cmp "$folder/one/adapter/adapter_model.safetensors" "$folder/cut/adapter/adapter_model.safetensors"
