#!/usr/bin/env bash
# From a base model to the comparison of Takase et al. (arXiv 2410.20147): supervised fine-tuning, a process reward model, a grid of
# settings for each method, chosen on validation problems, training with several seeds on equally many sampled solutions, samples at
# several temperatures, tables, a picture and a page of them.
# usage: scripts/reproduce-paper.sh CONFIG [--output DIR] [--dry-run]
# CONFIG: pathsum, smollm2-gsm8k, llama3-8b … (scripts/paper/CONFIG.conf; docs/reproduce.md), or a file like them. --dry-run: checks the
# configuration and every command, and prints the stages. What is done in DIR is not done again, and what was cut off goes on.
# LAUNCH: how a command is started on several ranks (mpirun -n ${RANKS:-2}), such as "srun --mpi=pmix" in a batch script.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

fail() {
    echo "reproduce-paper.sh: $*" >&2
    exit "${status:-64}"
}

# MARK: The configuration

shipped="$(cd "$here/paper" && echo *.conf | sed 's/\.conf//g')"
[ $# -ge 1 ] || fail "name a configuration: $shipped, or a file"
config="$1"
shift
[ -e "$here/paper/$config.conf" ] && config="$here/paper/$config.conf"
[ -f "$config" ] || status=66 fail "there is no configuration $config; expected a file, or one of $shipped"
name="$(basename "$config" .conf)"
output="results/$name"
dry=no
while [ $# -gt 0 ]; do
    case "$1" in
        --output)
            [ $# -ge 2 ] || fail "--output needs the name of a folder"
            output="$2"
            shift
            ;;
        --dry-run) dry=yes ;;
        *) fail "unknown option $1, expected --output DIR or --dry-run" ;;
    esac
    shift
done

# Every name that a configuration may set, with what holds where it does not.
title="$name" model="" train="" validation="" test="" trajectories="" samples_per_prompt=8 prompts_per_step=16
sft=() label=() reward=() reward_policies=no rewards=() common=() methods=() learned_steps=1
seeds="1 2 3" search_seed=1 search_trajectories="" search_problems=0 test_problems=0 samples=8
table_temperatures=0.6,0.8 curve_temperatures=0.4,0.6,0.8,1.0,1.2 choose_accuracy=0.9 accuracies=0.9,0.95,0.98
before="$(compgen -v)"
# shellcheck disable=SC1090
source "$config"
for variable in $(comm -13 <(sort <<<"$before") <(compgen -v | sort)); do
    case "$variable" in
        before | variable | BASH_* | FUNCNAME | PIPESTATUS | grid_* | prompts_* | objective_* | model_* | _) ;;
        *) status=78 fail "$config sets $variable, which is none of the names of a configuration (docs/reproduce.md lists them)" ;;
    esac
done
whole() { [[ "$2" =~ ^[0-9]+$ ]] || status=78 fail "$config has $1=$2, expected a whole number"; }
for variable in train validation test trajectories; do [ -n "${!variable}" ] || status=78 fail "$config does not set $variable"; done
search_trajectories="${search_trajectories:-$trajectories}"
for variable in trajectories search_trajectories samples_per_prompt prompts_per_step search_seed search_problems test_problems samples; do
    whole "$variable" "${!variable}"
done
for temperature in ${table_temperatures//,/ }; do
    awk -v list="$curve_temperatures" -v one="$temperature" 'BEGIN {
        n = split(list, all, ",")
        for (i = 1; i <= n; i++) if (all[i] + 0 == one + 0) exit 0
        exit 1
    }' || status=78 fail "$config has $temperature in table_temperatures and not in curve_temperatures, which is all that is sampled"
done
[ ${#methods[@]} -gt 0 ] || status=78 fail "$config names no methods"
for method in "${methods[@]}"; do
    own="objective_${method//-/_}"
    [ "${!own:-$method}" != sft ] || status=78 fail "$config compares sft, which samples nothing; expected methods that do"
    declare -p "grid_${method//-/_}" >/dev/null 2>&1 ||
        status=78 fail "$config has no grid_$method=(…) with the settings that $method is tried with"
done
for data in "$train" "$validation" "$test"; do
    [[ "$data" == pathsum* || -f "$data" ]] ||
        status=66 fail "$data is not there, which $config names; docs/reproduce.md says where it comes from"
done
for variable in model ${!model_*}; do
    [ -z "${!variable}" ] || [ -e "${!variable}" ] || status=66 fail "the model ${!variable} is not there, which $config names"
done

source "$here/build.sh"
read -ra launch <<<"${LAUNCH:-mpirun -n ${RANKS:-2}}"
run() { "${launch[@]}" "$binary" "$@"; }

# MARK: Stages

# The base that policies start from: what the supervised fine-tuning made, or the model itself.
base() { if [ ${#sft[@]} -gt 0 ]; then echo "$output/sft/run/model"; else echo "$model"; fi; }

# The command that is being put together.
command=()
# The model of METHOD, or of all; `base` is the name of what is not trained.
add_model() {
    local own="model_${1//-/_}" path
    path="${!own:-$(base)}"
    [ -z "$path" ] || command+=(--model "$path")
}
add_settings() { for setting in "$@"; do command+=(--set "$setting"); done; }
add_limit() { [ "$1" -eq 0 ] || command+=(--limit "$1"); }
# The entries of a method's grid, a line each. Names of variables have no hyphens.
grid_of() { declare -n entries="grid_${1//-/_}" && printf '%s\n' "${entries[@]}"; }

# `train` of METHOD with SETTINGS (commas between) and SEED on so many TRAJECTORIES.
train_command() {
    local method="$1" settings="$2" seed="$3" trajectories="$4" own prompts objective steps words
    own="prompts_${method//-/_}"
    prompts="${!own:-$prompts_per_step}"
    own="objective_${method//-/_}"
    objective="${!own:-$method}"
    IFS=, read -ra words <<<"$settings"
    for word in "${words[@]}"; do [[ "$word" != train.prompts_per_step=* ]] || prompts="${word#*=}"; done
    steps=$((trajectories / (prompts * samples_per_prompt)))
    [ "$steps" -gt 0 ] || status=78 fail "$trajectories sampled solutions are less than one step of $method, $prompts × $samples_per_prompt"
    command=(train --objective "$objective" --seed "$seed")
    add_model "$method"
    add_settings "data.train=$train" "train.prompts_per_step=$prompts" "rollout.samples_per_prompt=$samples_per_prompt" evaluate.problems=1
    case "$objective" in
        # They sample first, with the first weights, and then learn.
        rft | dpo) add_settings "$objective.collect_steps=$steps" "train.steps=$((steps + steps * learned_steps))" ;;
        *)
            add_settings "train.steps=$steps" "${rewards[@]}"
            [ "$reward_policies" = no ] || add_settings "reward_model=$output/reward/run"
            ;;
    esac
    add_settings "${common[@]}" "${words[@]}"
}

# A list of stages: what, the file or folder that it makes, and its command; a stage is done when its file is there.
titles=() targets=() commands=()
stage() {
    titles+=("$1") targets+=("$2")
    commands+=("$(printf '%q ' "${@:3}")")
}

plan() {
    local method entry index seed folder
    [ ${#sft[@]} -eq 0 ] || stage "supervised fine-tuning" "$output/sft/run/model" do_sft
    if [ ${#reward[@]} -gt 0 ]; then
        stage "labels by rollouts" "$output/reward/labels.jsonl" do_label "$train" labels
        stage "labels by rollouts, validation" "$output/reward/validation.jsonl" do_label "$validation" validation
        stage "reward model" "$output/reward/trained" do_reward
    fi
    for method in "${methods[@]}"; do
        index=0
        while read -r entry; do
            index=$((index + 1))
            folder="$output/search/$method-$index"
            stage "search $method $index: $entry" "$folder/validation.json" do_search "$method" "$entry" "$folder"
        done < <(grid_of "$method")
        stage "choice of $method" "$output/search/$method.chosen" do_choose "$method"
    done
    stage "samples of the base" "$output/base/test.jsonl" do_sample base "$output/base"
    for method in "${methods[@]}"; do
        for seed in $seeds; do
            folder="$output/runs/$method-$seed"
            stage "train $method, seed $seed" "$folder/trained" do_train "$method" "$seed" "$folder"
            stage "samples of $method, seed $seed" "$folder/test.jsonl" do_sample "$method" "$folder"
        done
    done
    for method in "${methods[@]:1}"; do stage "evaluation against $method" "$output/against-$method" do_evaluate curve "$method"; done
    stage "the paper's table" "$output/table" do_evaluate table "${methods[0]}"
    stage "page" "$output/results.md" do_page
}

# Runs the command, `train` or `reward`, into FOLDER/run, or goes on there. What another command made is not taken for this one's.
training() {
    local folder="$1"
    mkdir -p "$folder"
    if [ -e "$folder/command" ] && [ "$(<"$folder/command")" != "${command[*]}" ]; then
        status=78 fail "$folder was made by another command ($(<"$folder/command")): remove it, or name another --output"
    fi
    echo "${command[*]}" >"$folder/command"
    if [ -e "$folder/run/config.yaml" ]; then
        run "${command[0]}" --resume --output "$folder/run" --quiet >"$folder/log"
    else
        run "${command[@]}" --output "$folder/run" --quiet >"$folder/log"
    fi
    # Where all weights are trained there is a model, else an adapter.
    if [ -e "$folder/run/model" ]; then echo model; else echo adapter; fi >"$folder/trained"
}

do_sft() {
    command=(train --objective sft)
    [ -z "$model" ] || command+=(--model "$model")
    add_settings "data.train=$train" trainable=full "${sft[@]}"
    training "$output/sft"
}

# Makes FILE with the command, which goes on where it was cut off.
lines() {
    mkdir -p "$(dirname "$1")"
    command+=(--output "$1" --quiet)
    [ ! -e "$1.partial" ] || command+=(--resume)
    run "${command[@]}"
}

do_label() {
    command=(reward --label-with-rollouts "$1" "${label[@]}")
    add_model base
    lines "$output/reward/$2.jsonl"
}

do_reward() {
    command=(reward)
    add_model base
    add_settings "data.train=$output/reward/labels.jsonl" "data.evaluate=$output/reward/validation.jsonl" "${reward[@]}"
    training "$output/reward"
}

# Samples so many of PROBLEMS (0: all) at the curve's temperatures with what METHOD made in FOLDER, into FILE.
sample() {
    local problems="$1" number="$2" method="$3" folder="$4" trained=nothing
    [ ! -e "$folder/trained" ] || trained="$(<"$folder/trained")"
    command=(sample "$problems" --temperature "$curve_temperatures" --samples-per-problem "$samples" --seed 1)
    if [ "$trained" = model ]; then command+=(--model "$folder/run/model"); else add_model "$method"; fi
    [ "$trained" != adapter ] || command+=(--adapter "$folder/run/adapter")
    [ ${#reward[@]} -eq 0 ] || command+=(--reward-model "$output/reward/run")
    add_limit "$number"
    lines "$5"
}

do_search() {
    local method="$1" entry="$2" folder="$3"
    train_command "$method" "$entry" "$search_seed" "$search_trajectories"
    [ -e "$folder/trained" ] || training "$folder"
    [ -e "$folder/validation.jsonl" ] || sample "$validation" "$search_problems" "$method" "$folder" "$folder/validation.jsonl"
    "$binary" evaluate "$validation" --samples "$folder/validation.jsonl" --at-accuracy "$choose_accuracy" --json --quiet \
        >"$folder/validation.json.part"
    mv "$folder/validation.json.part" "$folder/validation.json"
}

# The distinct correct solutions (ROUGE-L 0.7) at the accuracy that methods are chosen at; empty where it is not reached.
at_accuracy() {
    local text
    text="$(<"$1")"
    text="${text#*'"at_accuracy":{'}"
    text="${text%%'}}'*}"
    [[ "$text" != *'"rouge_l_0.7":'* ]] || sed 's/.*"rouge_l_0.7":\([^,}]*\).*/\1/' <<<"$text"
}
best_accuracy() {
    grep -o '"[0-9.]*":{"accuracy":[0-9.e-]*' "$1" | sed 's/.*://' | sort -g | tail -1
}

# The entry with the most distinct correct solutions at the accuracy asked for; where none reaches it, the most accurate one; of equal
# ones the first.
do_choose() {
    local method="$1" measure index entry value best="" chosen=""
    for measure in at_accuracy best_accuracy; do
        index=0
        while read -r entry; do
            index=$((index + 1))
            value="$("$measure" "$output/search/$method-$index/validation.json")"
            if [ -n "$value" ] && { [ -z "$best" ] || awk "BEGIN { exit !($value > $best) }"; }; then
                best="$value" chosen="$index $entry"
            fi
        done < <(grid_of "$method")
        [ -z "$chosen" ] || break
    done
    echo "$chosen" >"$output/search/$method.chosen.part"
    mv "$output/search/$method.chosen.part" "$output/search/$method.chosen"
}
chosen() { cut -d' ' -f2 "$output/search/$1.chosen"; }

do_train() {
    train_command "$1" "$(chosen "$1")" "$2" "$trajectories"
    training "$3"
}

do_sample() { sample "$test" "$test_problems" "$1" "$2" "$2/test.jsonl"; }

# The samples of FOLDER at the table's temperatures only.
table_samples() {
    awk -v list="$table_temperatures" 'BEGIN { n = split(list, wanted, ",") }
        match($0, /"temperature":[0-9.eE+-]+/) {
            value = substr($0, RSTART + 14, RLENGTH - 14) + 0
            for (i = 1; i <= n; i++) if (wanted[i] + 0 == value) { print; next }
        }' "$1/test.jsonl" >"$1/table.jsonl"
}

# All sets of samples, curves or the table's part of them, compared with those of METHOD.
do_evaluate() {
    local kind="$1" against="$2" files=() method seed folder file=test.jsonl more=(--at-accuracy "$accuracies") target="$output/against-$2"
    if [ "$kind" = table ]; then file=table.jsonl more=() target="$output/table"; fi
    local folders=("$output/base")
    for method in "${methods[@]}"; do
        for seed in $seeds; do folders+=("$output/runs/$method-$seed"); done
    done
    for folder in "${folders[@]}"; do
        [ "$kind" = curve ] || table_samples "$folder"
        method="$(basename "$folder")"
        [ "$folder" = "$output/base" ] || method="${method%-*}"
        files+=(--samples "$method=$folder/$file")
    done
    rm -rf "$target.part"
    "$binary" evaluate "$test" "${files[@]}" --against "$against" "${more[@]}" --output "$target.part" --quiet >/dev/null
    mv "$target.part" "$target"
}

do_page() {
    local method entry index file
    {
        echo "# $title: the methods compared"
        echo
        echo "Made by \`scripts/reproduce-paper.sh $name\` on $(date -u +%Y-%m-%d), on $(processor)."
        echo "Seeds $seeds; $trajectories sampled solutions in each run; $samples samples of each problem of $test."
        echo
        echo "## The paper's table"
        echo
        cat "$output/table/evaluation.md"
        echo
        echo "## At equal accuracy"
        echo
        echo "Accuracy falls and variety rises with the temperature, so that counts compare at equal accuracy only: the most distinct"
        echo "correct solutions at an accuracy of at least so much, over temperatures $curve_temperatures."
        echo
        table 'At equal accuracy: ' "$output/against-${methods[1]}/evaluation.md"
        echo
        echo "![Accuracy against distinct correct solutions, a curve for each method](against-${methods[1]}/evaluation.svg)"
        echo
        for method in "${methods[@]:1}"; do
            table 'At equal accuracy, ' "$output/against-$method/evaluation.md"
            echo
        done
        echo "## How settings were chosen"
        echo
        echo "Each with seed $search_seed on $search_trajectories sampled solutions, judged on $validation: the most distinct correct"
        echo "solutions (ROUGE-L 0.7) at an accuracy of at least $choose_accuracy, at the best temperature of $curve_temperatures."
        echo
        echo "| method | settings | distinct correct at accuracy ≥ $choose_accuracy | best accuracy | chosen |"
        echo "|---|---|---|---|---|"
        for method in "${methods[@]}"; do
            index=0
            while read -r entry; do
                index=$((index + 1))
                file="$output/search/$method-$index/validation.json"
                echo "| $method | ${entry//,/, } | $(at_accuracy "$file" | two_digits) | $(best_accuracy "$file" | three_digits) |" \
                    "$([ "$(cut -d' ' -f1 "$output/search/$method.chosen")" = "$index" ] && echo "✓") |"
            done < <(grid_of "$method")
        done
        echo
        echo "## Commands"
        echo
        for method in "${methods[@]}"; do
            echo "    ${launch[*]} gfn-dist $(<"$output/runs/$method-${seeds%% *}/command") --output RUN"
        done
    } >"$output/results.md.part"
    mv "$output/results.md.part" "$output/results.md"
}
two_digits() { awk 'NF { printf "%.2f", $1 } !NF { printf "–" }'; }
three_digits() { awk '{ printf "%.3f", $1 }'; }
processor() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\1 × \2/' | head -1; }
# The note and the table of FILE that begin with TEXT, up to the next table's title.
table() { awk -v text="$1" 'index($0, text) == 1 { on = 1 } /^\*\*/ { on = 0 } on' "$2"; }

# MARK: The run

plan
total=${#titles[@]}
if [ "$dry" = yes ]; then
    for method in "${methods[@]}"; do
        while read -r entry; do
            train_command "$method" "$entry" "$search_seed" "$search_trajectories"
            "$binary" "${command[@]}" --dry-run >/dev/null
        done < <(grid_of "$method")
    done
    for index in "${!titles[@]}"; do
        echo "[$((index + 1))/$total] ${titles[$index]}$([ -e "${targets[$index]}" ] && echo ": done" || true)"
    done
    exit 0
fi

mkdir -p "$output"
if [ -e "$output/configuration" ] && ! diff -q "$output/configuration" "$config" >/dev/null; then
    status=78 fail "$output was made with another configuration ($output/configuration): restore it, or name another --output"
fi
cp "$config" "$output/configuration"
for index in "${!titles[@]}"; do
    [ -e "${targets[$index]}" ] && continue
    echo "[$((index + 1))/$total] ${titles[$index]}" >&2
    # Where a function is tested, errors in it are not: so it is not.
    set +e
    (
        set -e
        eval "${commands[$index]}"
    )
    status=$?
    set -e
    [ "$status" -eq 0 ] ||
        fail "stage $((index + 1)) of $total, ${titles[$index]}, ended with exit code $status; run the same command to go on"
done
cat "$output/results.md"
