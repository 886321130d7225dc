#!/usr/bin/env bash
# Runs every command of the documents: README.md, CONTRIBUTING.md and docs/, in fenced and indented blocks, in their order, each document in
# a folder of its own, with tiny files for what it calls the reader's (scripts/docs/stand-ins.sh). Calls are run as they are written, with
# options after them that make them short (scripts/docs/gfn-dist). What a transcript shows as refused has to be refused in those words.
# usage: scripts/check-docs.sh [--list] [--brief] [--self-test] [--folder DIR] [DOCUMENT…]
# --list: prints the commands instead. --brief: of commands that write to RUN, the rows of measured tables, all settings are checked and
# nothing is run. --self-test: puts faults into copies of documents, and each has to be found. --folder: where the documents are, instead of
# the project's folder. GFN_BINARY: the program, instead of building it. Needs bash, awk, Open MPI.
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
project="$(dirname "$here")"

# What isn't run as it stands, each with why: KIND, an extended regular expression for its beginning, what is added to it, the reason.
# read: only read: what it names is there. add: run with more words. whole: run as it is, and interrupted when it says that it has begun.
# slurm: what the batch script starts is run, by the script that it starts it with.
exceptions=(
    'read|(\./)?scripts/(test|dependencies|fetch-smollm2|fuzz)\.sh||tests, installs, downloads or builds; this check is one of the tests'
    'read|swift (build|test|run|package)||builds, and this check is one of the tests'
    'read|(sudo )?(apt-get|apt|tar|git|ssh|scp|man|curl) ||changes the system, needs a network, or a package that was made before'
    'read|scripts/check-(reward-model|peft|export|step-figures|pages)\.py||needs torch, transformers, scikit-learn or a browser'
    'read|(squeue|scontrol|srun|qsub|tail -f|grep -E .* gfn-dist-1\.log|sbatch .* --wrap)||asks a batch system, or follows what one writes'
    'slurm|sbatch .*\.sbatch||needs Slurm'
    'add|(LAUNCH="[^"]*" )?scripts/reproduce-paper\.sh|--dry-run|takes hours; every command of it is checked'
    'add|scripts/compare-objectives\.sh --methods|--seeds 1 --steps 2|three seeds of each, of 150 steps'
    'add|scripts/compare-objectives\.sh|--methods subtb --seeds 1 --steps 2|eighteen methods with three seeds'
    'add|scripts/check-matrix\.sh|108|324 runs; one of 108 layouts instead'
    'whole|gfn-dist sample pathsum --samples-per-problem 64||the page interrupts it'
    'whole|RANKS=2 \./scripts/train\.sh --set train.steps=200 --output runs/again||the page interrupts it'
)
# Words in capitals stand for what the reader chooses.
placeholders=(SEED=1 METHOD=grpo RATE=1e-3)

fail() {
    echo "check-docs.sh: $*" >&2
    exit "${status:-64}"
}
complaints=0
complain() {
    echo "FAILED     $1  $2"
    complaints=$((complaints + 1))
}

mode=run folder="$project" brief="" documents=()
while [ $# -gt 0 ]; do
    case "$1" in
        --brief) brief=yes ;;
        --list | --self-test) mode="${1#--}" ;;
        --folder)
            [ $# -ge 2 ] && [ -d "$2" ] || status=66 fail "--folder needs a folder of documents, found '${2:-}'"
            folder="$(cd "$2" && pwd)"
            shift
            ;;
        -*) fail "unknown option $1, expected --list, --brief, --self-test or --folder DIR" ;;
        *) documents+=("$1") ;;
    esac
    shift
done
source "$here/docs/commands.sh"
source "$here/docs/stand-ins.sh"
source "$here/docs/run.sh"
# Entries of the table may only go unused where documents are left out.
all_documents=no
if [ ${#documents[@]} -eq 0 ]; then
    all_documents=yes
    mapfile -t documents < <(cd "$folder" && find README.md CONTRIBUTING.md docs -name '*.md' | LC_ALL=C sort)
fi
for document in "${documents[@]}"; do [ -f "$folder/$document" ] || status=66 fail "there is no document $folder/$document"; done

if [ "$mode" = list ]; then
    for document in "${documents[@]}"; do
        find_commands
        for index in "${!texts[@]}"; do echo "$document:${lines[index]}: ${texts[index]}"; done
    done
    [ "$complaints" -eq 0 ] || exit 1
    exit 0
fi

set -e
source "$here/build.sh"
set +e
export GFN_DOCS_PROGRAM="$(realpath "$binary")" GFN_DOCS_MPIRUN
GFN_DOCS_MPIRUN="$(command -v mpirun)" || status=66 fail "mpirun is missing; scripts/dependencies.sh installs it"
resources="$(dirname "$GFN_DOCS_PROGRAM")/gfn-dist_gfn-dist.resources/Resources"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export PATH="$here/docs:$PATH" GFN_BINARY="$here/docs/gfn-dist" XDG_CACHE_HOME="$work/cache"
unset LAUNCH RANKS

stock="$work/stock"
(
    set -e
    make_stock
)
# Not behind `||`, where bash goes on after an error.
# shellcheck disable=SC2181
[ $? -eq 0 ] || {
    tail -5 "$work/stand-ins.log" >&2
    status=70 fail "the files that stand in for the reader's could not be made"
}
if [ "$mode" = self-test ]; then
    source "$here/docs/self-test.sh"
    self_test
else
    run_documents
fi
