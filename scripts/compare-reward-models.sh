#!/usr/bin/env bash
# Reward models on the embedded task, from labels to policies: labels the steps of the training problems by rollouts, trains a reward
# model on them and others on labels of which 10, 20 and 30 % are turned over, judges each by the exact verdict on the steps of
# held-out problems, trains policies by them, counts 150 of these problems, and prints tables in Markdown with their commands. What
# stands beside the preset `paper` for comparison is done with the first seed only.
# usage: scripts/compare-reward-models.sh [--seeds "1 2 3"] [--steps N] [--reward-steps N] [--output DIR]
# What is finished in DIR is not repeated, and what was interrupted goes on. RANKS: of each run (2); they change no number.
set -euo pipefail

seeds="1 2 3"
steps=150
reward_steps=2000
output=results/reward-models

fail() {
    echo "compare-reward-models.sh: $*" >&2
    exit 64
}
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value"
    case "$1" in
        --seeds) seeds="$2" ;;
        --steps) steps="$2" ;;
        --reward-steps) reward_steps="$2" ;;
        --output) output="$2" ;;
        *) fail "unknown option $1, expected --seeds, --steps, --reward-steps or --output" ;;
    esac
    shift 2
done
for number in "$steps" "$reward_steps"; do [[ "$number" =~ ^[1-9][0-9]*$ ]] || fail "'$number' is no number of steps above 0"; done
source "$(dirname "${BASH_SOURCE[0]}")/build.sh"
mkdir -p "$output"

run() { mpirun -n "${RANKS:-2}" "$binary" "$@"; }

# Runs COMMAND… in FOLDER unless it was run there already; goes on where it was stopped.
story() {
    local folder="$1"
    shift
    if [ -e "$folder/command" ] && [ "$(<"$folder/command")" != "$*" ]; then
        fail "$folder was made by another command ($(<"$folder/command")); remove it, or name another --output"
    fi
    mkdir -p "$folder"
    echo "$*" >"$folder/command"
    [ -e "$folder/run/adapter/adapter_model.safetensors" ] && return
    echo "$folder: $*" >&2
    if [ -e "$folder/run/config.yaml" ]; then
        run "$1" --resume --output "$folder/run" --quiet >/dev/null
    else
        run "$@" --output "$folder/run" --quiet >/dev/null
    fi
}

# 1. Labels.
label() {
    [ -e "$output/$2" ] && return
    local more=()
    [ -e "$output/$2.partial" ] && more=(--resume)
    run reward --label-with-rollouts "$1" --output "$output/$2" "${more[@]}"
}
label pathsum train.jsonl
label pathsum-held-out held-out.jsonl

# 2. Reward models.
reward_model() { echo "$output/reward-$1/run"; }
for flipped in 0 0.1 0.2 0.3; do
    story "$output/reward-$flipped" reward --set "data.train=$output/train.jsonl" --set "data.evaluate=$output/held-out.jsonl" \
        --set "train.steps=$reward_steps" --set "labels.flipped=$flipped"
done

# 3. Policies.
rows=(
    "paper|--set reward.preset=paper --set reward_model=$(reward_model 0)"
    "paper, α = 0.5|--set reward.preset=paper --set reward.reference=0.5 --set reward_model=$(reward_model 0)"
)
others=(
    "verifier|--set reward.preset=verifier"
    "paper+verifier|--set reward.preset=paper+verifier --set reward_model=$(reward_model 0)"
    "paper, min|--set reward.preset=paper --set reward.aggregate=min --set reward_model=$(reward_model 0)"
    "paper, 30 % turned over|--set reward.preset=paper --set reward_model=$(reward_model 0.3)"
    "paper, α = 0.25|--set reward.preset=paper --set reward.reference=0.25 --set reward_model=$(reward_model 0)"
    "paper, u = 0|--set reward.preset=paper --set reward.unfinished=0 --set reward_model=$(reward_model 0)"
)
evaluate=(evaluate pathsum --limit 150 --temperature 1.0 --samples-per-problem 8 --no-greedy)
count() {
    [ -e "$1/evaluation.json" ] && return
    mkdir -p "$1"
    run "${evaluate[@]}" "${@:3}" --set "reward_model=$(reward_model 0)" --seed "$2" --json --quiet >"$1/evaluation.json.new"
    mv "$1/evaluation.json.new" "$1/evaluation.json"
}
# Trains and counts the policy of ROW, called NAME, with SEED.
policy() {
    local folder="$output/$2-$3" settings
    read -ra settings <<<"${1#*|}"
    story "$folder" train --set "train.steps=$steps" --set train.prompts_per_step=16 --set replay.share=0 --set reward.correct=8 \
        --set evaluate.problems=1 "${settings[@]}" --seed "$3"
    count "$folder" "$3" --adapter "$folder/run/adapter"
}
for seed in $seeds; do
    count "$output/base-$seed" "$seed"
    for index in "${!rows[@]}"; do policy "${rows[$index]}" "policy-$index" "$seed"; done
done
for index in "${!others[@]}"; do policy "${others[$index]}" "other-$index" "${seeds%% *}"; done

python3 - "$output" "$seeds" "${#rows[@]}" "${rows[@]}" "${others[@]}" <<'PYTHON'
import json
import statistics
import sys

output, seeds, count = sys.argv[1], sys.argv[2].split(), int(sys.argv[3])
rows = [row.split("|") for row in sys.argv[4:]]


def interval(figures, name):
    low, high = figures[name + "_interval"]
    return f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]"


print("| labels turned over | step accuracy | AUC | calibration error | first-error F1 |\n|---|---|---|---|---|")
for flipped in ["0", "0.1", "0.2", "0.3"]:
    figures = json.load(open(f"{output}/reward-{flipped}/run/evaluation.json"))[0]["figures"]
    cells = [interval(figures, name) for name in ["accuracy", "auc", "calibration_error"]] + [interval(figures["first_error"], "f1")]
    print(f"| {float(flipped):.0%} | " + " | ".join(cells) + " |")


def spread(values, digits):
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


def cells(folder, seeds):
    at = [json.load(open(f"{output}/{folder}-{seed}/evaluation.json")) for seed in seeds]
    at = [figures[0] if isinstance(figures, list) else figures for figures in at]
    part = [figures["temperatures"]["1.0"] for figures in at]
    return [
        spread([figures["accuracy"] for figures in part], 3), spread([figures["distinct_correct"]["exact"] for figures in part], 2),
        spread([figures["distinct_correct"]["rouge_l_0.7"] for figures in part], 2),
        spread([figures["maj_at"]["8"] for figures in part], 3), spread([figures["best_at"]["8"] for figures in part], 3),
        spread([figures["weighted_maj_at"]["8"] for figures in part], 3), spread([figures["mean_length"] for figures in part], 1),
    ]


print("\n| reward | accuracy | distinct correct of 8 | ROUGE-L 0.7 | maj@8 | best@8 by the reward model | weighted maj@8 | length |")
print("|---|---|---|---|---|---|---|---|")
print("| none: the base | " + " | ".join(cells("base", seeds)) + " |")
for index, (name, _) in enumerate(rows[:count]):
    print(f"| {name} | " + " | ".join(cells(f"policy-{index}", seeds)) + " |")
for index, (name, _) in enumerate(rows[count:]):
    print(f"| {name}; seed {seeds[0]} | " + " | ".join(cells(f"other-{index}", seeds[:1])) + " |")
print("\n    " + open(f"{output}/reward-0/command").read().strip())
for name, settings in rows:
    print(f"    {name}: train {settings}")
PYTHON
