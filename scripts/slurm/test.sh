#!/usr/bin/env bash
# Tries scripts/slurm/train.sbatch on a real Slurm of one node (scripts/slurm/one-node.sh, as root): a job is preempted by an
# urgent one, saves a checkpoint, is queued again, goes on and ends, with the bytes of a run that nobody disturbed. Takes three to
# five minutes, of which Slurm holds the requeued job for about two. Exit code 77: there can be no Slurm here, nothing was tested.
# usage: scripts/slurm/test.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source scripts/build.sh
export GFN_BINARY="$binary"
folder="$(mktemp -d)"
trap 'scripts/slurm/one-node.sh stop "$folder/slurm"; rm -rf "$folder"' EXIT
eval "$(scripts/slurm/one-node.sh start "$folder/slurm")"

settings=(--quiet --set train.steps=300 --set evaluate.problems=2 --set checkpoint.every=50)
say() { echo "$(date +%T) $*"; }

say "undisturbed, by mpirun"
mpirun -n 3 "$binary" train --output "$folder/alone" "${settings[@]}" >/dev/null

# Eight claimed processors on fewer real ones: nothing is bound.
export LAUNCH="srun --mpi=pmix --kill-on-bad-exit=1"
job="$(sbatch --parsable --nodes=1 --ntasks-per-node=4 --cpus-per-task=1 --time=30 --output="$folder/%x-%j.log" \
    scripts/slurm/train.sbatch train --output "$folder/run" "${settings[@]}")"
say "job $job submitted"
state() { scontrol show job "$job" | sed -n 's/.*JobState=\([A-Z]*\).*/\1/p'; }
fact() { scontrol show job "$job" | grep -o "$1=[^ ]*" | head -1 | cut -d= -f2; }

for _ in $(seq 300); do
    [ ! -e "$folder/run/checkpoints/step-50" ] || break
    [[ "$(state)" != FAILED ]] || break
    sleep 0.2
done
[ -e "$folder/run/checkpoints/step-50" ] || { cat "$folder"/*.log >&2 && exit 1; }
start=$(date +%s%N)
urgent="$(sbatch --parsable --partition=urgent --ntasks=8 --output=/dev/null --wrap "sleep 10")"
say "urgent job $urgent submitted, which needs the whole node"
for _ in $(seq 300); do
    [ "$(fact Restarts)" = 0 ] || break
    sleep 0.1
done
say "queued again after $((($(date +%s%N) - start) / 1000000)) ms: Restarts=$(fact Restarts), state $(state)"
[ "$(fact Restarts)" = 1 ]
while [[ "$(state)" == PENDING || "$(state)" == RUNNING || "$(state)" == COMPLETING ]]; do sleep 1; done
say "ended: $(state), exit code $(fact ExitCode)"
grep -h '^launch.sh\|^gfn-dist' "$folder"/gfn-dist-*.log || true
grep -h '^#' "$folder"/run-attempts/*.log
[ "$(state)" = COMPLETED ]
cmp "$folder/alone/adapter/adapter_model.safetensors" "$folder/run/adapter/adapter_model.safetensors"
say "the same bytes: $(sha256sum "$folder/run/adapter/adapter_model.safetensors" | cut -c1-64)"
