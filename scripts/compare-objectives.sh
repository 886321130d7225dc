#!/usr/bin/env bash
# Compares methods on the embedded task: trains each with several seeds on equally many sampled solutions, evaluates 100 held-out
# problems at temperatures 0.6 and 1.0, and prints a table in Markdown with the command of every row.
# A method may bring settings along, as subtb,states=tokens,subtb.lambda=0.9 does.
# usage: scripts/compare-objectives.sh [--methods "subtb ppo …"] [--seeds "1 2 3"] [--steps N] [--output DIR]
# What is finished in DIR is not repeated, and what was interrupted goes on. RANKS: of each run (2); they change no number but the seconds.
set -euo pipefail

# With every prefix terminable, the reward has to hold back what is unfinished, and the reference what is improbable.
methods="subtb subtb,subtb.lambda=0.9 subtb,subtb.pairs=rooted subtb-token"
methods+=" subtb-token,states=tokens,subtb.lambda=0.9,reward.unfinished=-10,reward.reference=1"
methods+=" subtb-pooled subtb-unrooted vargrad ctb tb db flowrl ppo grpo dr-grpo rloo rft dpo"
seeds="1 2 3"
steps=150
output=results/objectives

fail() {
    echo "compare-objectives.sh: $*" >&2
    exit 64
}
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value"
    case "$1" in
        --methods) methods="$2" ;;
        --seeds) seeds="$2" ;;
        --steps) steps="$2" ;;
        --output) output="$2" ;;
        *) fail "unknown option $1, expected --methods, --seeds, --steps or --output" ;;
    esac
    shift 2
done
[[ "$steps" =~ ^[1-9][0-9]*$ ]] || fail "--steps is '$steps', expected a number above 0"
[[ " $methods " != *" sft "* ]] || fail "sft samples nothing, so it cannot be compared by equal numbers of samples"
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"

# A method's own settings, one word each: what it is compared at where that is not its default. The default of subtb takes smaller steps,
# and replays.
own_settings() {
    case "$1" in
        subtb) echo "train.steps=$steps train.prompts_per_step=16 replay.share=0 reward.correct=8" ;;
        rft | dpo) echo "$1.collect_steps=$steps train.steps=$((2 * steps))" ;;
        *) echo "train.steps=$steps" ;;
    esac
}

# The same for all seeds of a row. Evaluations within the run are not looked at, so one problem is enough.
train_command() {
    local command="train --objective ${1%%,*}" setting
    for setting in $(own_settings "${1%%,*}") $(tr , ' ' <<<"${1#"${1%%,*}"}"); do command+=" --set $setting"; done
    echo "$command --set evaluate.problems=1"
}

evaluate_command=(evaluate pathsum --limit 100 --temperature 0.6,1.0 --samples-per-problem 8 --no-greedy)

run() { mpirun -n "${RANKS:-2}" "$binary" "$@"; }

# Trains and evaluates METHOD with SEED in FOLDER, as far as that is not done yet.
compare() {
    local method="$1" seed="$2" folder="$3" command=() adapter=()
    if [ "$method" != base ]; then
        read -ra command <<<"$(train_command "$method")"
        if [ -e "$folder/command" ] && [ "$(<"$folder/command")" != "${command[*]}" ]; then
            fail "$folder was made by another command ($(<"$folder/command")); remove it, or name another --output"
        fi
        mkdir -p "$folder"
        echo "${command[*]}" >"$folder/command"
        adapter=(--adapter "$folder/run/adapter")
        if [ ! -e "$folder/evaluation.json" ]; then
            echo "$method, seed $seed" >&2
            if [ -e "$folder/run/config.yaml" ]; then
                run train --resume --output "$folder/run" --quiet >/dev/null
            else
                run "${command[@]}" --seed "$seed" --output "$folder/run" --quiet >/dev/null
            fi
        fi
    fi
    [ -e "$folder/evaluation.json" ] && return
    mkdir -p "$folder"
    run "${evaluate_command[@]}" "${adapter[@]}" --seed "$seed" --json --quiet >"$folder/evaluation.json.new"
    mv "$folder/evaluation.json.new" "$folder/evaluation.json"
}

# The number in FILE behind the first MARKER that stands behind the one before, and so on.
number() {
    local text marker file="$1"
    text="$(<"$file")"
    for marker in "${@:2}"; do
        [[ "$text" == *"$marker"* ]] || fail "$file has no $marker"
        text="${text#*"$marker"}"
    done
    echo "${text%%[,\}]*}"
}

# The median of the seconds of those steps in which something was learned.
seconds_per_step() {
    grep -v '"loss":null' "$1" | sed -n 's/.*"seconds_step":\([^,}]*\).*/\1/p' | sort -g |
        awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# Mean ± half the range of the numbers that are read, with so many decimals.
mean() {
    awk -v d="$1" 'NR == 1 { low = high = $1 } { s += $1; if ($1 < low) low = $1; if ($1 > high) high = $1 }
        END { printf "%.*f ± %.*f", d, s / NR, d, (high - low) / 2 }'
}

folder_of() { echo "$output/$1-$steps-steps-seed-$2"; }
for seed in $seeds; do
    for method in base $methods; do compare "$method" "$seed" "$(folder_of "$method" "$seed")"; done
done

echo "| method | accuracy, T 0.6 | distinct correct of 8 | accuracy, T 1.0 | distinct correct of 8 | total variation | seconds a step |"
echo "|---|---|---|---|---|---|---|"
for method in base $methods; do
    row="| $method |"
    for temperature in 0.6 1.0; do
        at="\"$temperature\":{"
        row+=" $(for seed in $seeds; do number "$(folder_of "$method" "$seed")/evaluation.json" "$at" '"accuracy":'; done | mean 3) |"
        row+=" $(for seed in $seeds; do
            number "$(folder_of "$method" "$seed")/evaluation.json" "$at" '"distinct_correct":{' '"exact":'
        done | mean 2) |"
    done
    row+=" $(for seed in $seeds; do number "$(folder_of "$method" "$seed")/evaluation.json" '"total_variation":'; done | mean 3) |"
    if [ "$method" = base ]; then
        row+=" |"
    else
        row+=" $(for seed in $seeds; do seconds_per_step "$(folder_of "$method" "$seed")/run/metrics.jsonl"; done | mean 3) |"
    fi
    echo "$row"
done
echo
echo "Mean ± half the range over seeds $seeds; distinct solutions as strings; total variation is exact, at temperature 1. Each row is"
echo
ranks="mpirun -n ${RANKS:-2} gfn-dist"
for method in $methods; do echo "    $ranks $(train_command "$method") --seed SEED --output RUN"; done
echo "    $ranks ${evaluate_command[*]} --adapter RUN/adapter --seed SEED --json"
