#!/usr/bin/env bash
# From a base model to the comparison of Takase et al. (arXiv 2410.20147): supervised fine-tuning, a process reward model, a grid of
# settings for each method, chosen on validation problems, training with several seeds on equally many sampled solutions, samples at
# several temperatures, tables, a picture and a page of them.
# usage: scripts/reproduce-paper.sh CONFIG [--output DIR] [--dry-run]
# CONFIG: pathsum, smollm2-gsm8k, llama3-8b … (scripts/paper/CONFIG.conf; docs/reproduce.md), or a file like them. --dry-run: checks the
# configuration and every command, and prints the stages. What is done in DIR is not done again, and what was cut off goes on.
# LAUNCH: how a command is started on several ranks (mpirun -n ${RANKS:-2}), such as "srun --mpi=pmix" in a batch script.
# JOBS: so many stages at once, such as runs of several methods and seeds (as the configuration says, or 1 where LAUNCH or RANKS is set).
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
sft=() label=() reward=() reward_policies=no rewards=() common=() sampling=() methods=() learned_steps=1
seeds="1 2 3" search_seed=1 search_trajectories="" search_problems=0 test_problems=0 samples=8
table_temperatures=0.6,0.8 curve_temperatures=0.4,0.6,0.8,1.0,1.2 choose_accuracy=0.9 accuracies=0.9,0.95,0.98
also=() by=() thresholds="" many_samples=0 jobs=1
# What each method may have of its own, as grid_METHOD.
own_names="grid prompts objective model train start reward_model"
# The variable NAME_METHOD. Names of variables have no hyphens.
own() { echo "$1_${2//-/_}"; }
before="$(compgen -v)"
# shellcheck disable=SC1090
source "$config"
[ ${#methods[@]} -gt 0 ] || status=78 fail "$config names no methods"
known=" before known method variable BASH_LINENO BASH_REMATCH BASH_SOURCE FUNCNAME PIPESTATUS _ "
for method in "${methods[@]}"; do
    for variable in $own_names; do known+="$(own "$variable" "$method") "; done
done
for variable in $(comm -13 <(sort <<<"$before") <(compgen -v | sort)); do
    # A grid may stay when its method is left out: one that is missing is found below.
    [[ "$known" == *" $variable "* || "$variable" == grid_* ]] ||
        status=78 fail "$config sets $variable, which is none of the names of a configuration (docs/reproduce.md lists them)"
done
whole() { [[ "$2" =~ ^[0-9]+$ ]] || status=78 fail "$config has $1=$2, expected a whole number"; }
for variable in train validation test trajectories; do [ -n "${!variable}" ] || status=78 fail "$config does not set $variable"; done
search_trajectories="${search_trajectories:-$trajectories}"
for variable in trajectories search_trajectories samples_per_prompt prompts_per_step search_seed search_problems test_problems samples \
    many_samples jobs; do
    whole "$variable" "${!variable}"
done
[ "$jobs" -gt 0 ] || status=78 fail "$config has jobs=0, expected how many stages are to be run at once"
[ -z "${LAUNCH:-}${RANKS:-}" ] || jobs=1
jobs="${JOBS:-$jobs}"
[[ "$jobs" =~ ^[1-9][0-9]*$ ]] || fail "JOBS is $jobs, expected how many stages are to be run at once"
for temperature in ${table_temperatures//,/ }; do
    awk -v list="$curve_temperatures" -v one="$temperature" 'BEGIN {
        n = split(list, all, ",")
        for (i = 1; i <= n; i++) if (all[i] + 0 == one + 0) exit 0
        exit 1
    }' || status=78 fail "$config has $temperature in table_temperatures and not in curve_temperatures, which is all that is sampled"
done
# What METHOD has of NAME, or else FALLBACK.
own_or() {
    local variable
    variable="$(own "$1" "$2")"
    echo "${!variable:-$3}"
}
# The entries of a method's grid, a line each, and how many.
grid_of() { declare -n entries="$(own grid "$1")" && printf '%s\n' "${entries[@]}"; }
grid_size() { declare -n entries="$(own grid "$1")" && echo "${#entries[@]}"; }
has_own_reward_model() { declare -p "$(own reward_model "$1")" >/dev/null 2>&1; }

inputs=("$train" "$validation" "$test" "${also[@]}")
models=("$model")
earlier=" "
for method in "${methods[@]}"; do
    [ "$(own_or objective "$method" "$method")" != sft ] ||
        status=78 fail "$config compares sft, which samples nothing; expected methods that do"
    declare -p "$(own grid "$method")" >/dev/null 2>&1 ||
        status=78 fail "$config has no $(own grid "$method")=(…) with the settings that $method is tried with"
    start="$(own_or start "$method" "")"
    [[ -z "$start" || "$earlier" == *" $start "* ]] ||
        status=78 fail "$config starts $method from $start, expected a method that comes before it"
    [ -z "$start" ] || [ "$(grid_size "$method")" -eq 1 ] ||
        status=78 fail "$config has several settings of $method, which starts from $start; expected one: such a method is not searched"
    ! has_own_reward_model "$method" || [ ${#reward[@]} -gt 0 ] ||
        status=78 fail "$config has $(own reward_model "$method"), and no reward=(…) with the settings that all reward models have"
    inputs+=("$(own_or train "$method" "$train")")
    models+=("$(own_or model "$method" "")")
    earlier+="$method "
done
for file in "${inputs[@]}"; do
    [[ "$file" == pathsum* || -f "$file" ]] ||
        status=66 fail "$file is not there, which $config names; docs/reproduce.md says where it comes from"
done
for file in "${models[@]}"; do
    [ -z "$file" ] || [ -e "$file" ] ||
        status=66 fail "the model $file is not there, which $config names; its first lines say where it comes from"
done
# What the first method is compared with.
others=("${methods[@]:1}")
[ ${#others[@]} -gt 0 ] || others=(base)

source "$here/build.sh"
# One after the other, stages are given two ranks, which sample and learn at once. Side by side each has its share of the cores: small
# models gain more by that.
ranks="${RANKS:-$((jobs > 1 ? 1 : 2))}"
read -ra launch <<<"${LAUNCH:-mpirun -n $ranks}"
share=()
if [ "$jobs" -gt 1 ] && [ -z "${LAUNCH:-}" ]; then
    threads=$(($(nproc) / (jobs * ranks)))
    share=(--threads "$((threads > 0 ? threads : 1))")
fi
run() { "${launch[@]}" "$binary" "$@" "${share[@]}"; }

# MARK: Stages

# The base that policies start from: what the supervised fine-tuning made, or the model itself.
base() { if [ ${#sft[@]} -gt 0 ]; then echo "$output/sft/run/model"; else echo "$model"; fi; }

# The command that is being put together.
command=()
# The model of METHOD, or of all; `base` is the name of what is not trained.
add_model() {
    local path
    path="$(own_or model "$1" "$(base)")"
    [ -z "$path" ] || command+=(--model "$path")
}
add_settings() { for setting in "$@"; do command+=(--set "$setting"); done; }
add_limit() { [ "$1" -eq 0 ] || command+=(--limit "$1"); }

# `train` of METHOD with SETTINGS (commas between) and SEED on so many TRAJECTORIES.
train_command() {
    local method="$1" settings="$2" seed="$3" trajectories="$4" prompts objective steps words
    prompts="$(own_or prompts "$method" "$prompts_per_step")"
    objective="$(own_or objective "$method" "$method")"
    IFS=, read -ra words <<<"$settings"
    for word in "${words[@]}"; do [[ "$word" != train.prompts_per_step=* ]] || prompts="${word#*=}"; done
    steps=$((trajectories / (prompts * samples_per_prompt)))
    [ "$steps" -gt 0 ] ||
        status=78 fail "$trajectories sampled solutions are less than one step of $method, $prompts × $samples_per_prompt"
    command=(train --objective "$objective" --seed "$seed")
    add_model "$method"
    add_settings "data.train=$(own_or train "$method" "$train")" "train.prompts_per_step=$prompts"
    add_settings "rollout.samples_per_prompt=$samples_per_prompt" evaluate.problems=1
    case "$objective" in
        # They sample first, with the first weights, and then learn.
        rft | dpo) add_settings "$objective.collect_steps=$steps" "train.steps=$((steps + steps * learned_steps))" ;;
        *)
            add_settings "train.steps=$steps" "${rewards[@]}"
            if has_own_reward_model "$method"; then
                add_settings "reward_model=$output/reward-$method/run"
            elif [ "$reward_policies" != no ]; then
                add_settings "reward_model=$output/reward/run"
            fi
            ;;
    esac
    add_settings "${common[@]}" "${words[@]}"
}

# A list of stages: what, the file or folder that it makes, the stages that come before it, and its command; a stage is done when its file
# is there.
titles=() targets=() needs=() commands=()
# TITLE, TARGET, NEEDS (numbers of stages), COMMAND…
stage() {
    titles+=("$1") targets+=("$2") needs+=("$3")
    commands+=("$(printf '%q ' "${@:4}")")
}
# The number of the stage planned last, and of all that were planned.
last() { echo $((${#titles[@]} - 1)); }
all() { echo "${!titles[@]}"; }

plan() {
    local method entry index seed folder data start before prepared tried sampled fields=()
    local -A chosen=() trained=()
    [ ${#sft[@]} -eq 0 ] || stage "supervised fine-tuning" "$output/sft/run/model" "" do_sft
    before="$(all)"
    if [ ${#reward[@]} -gt 0 ]; then
        stage "labels by rollouts" "$output/reward/labels.jsonl" "$before" do_label "$train" labels
        stage "labels by rollouts, validation" "$output/reward/validation.jsonl" "$before" do_label "$validation" validation
        before="$(all)"
        stage "reward model" "$output/reward/trained" "$before" do_reward "$output/reward"
        for method in "${methods[@]}"; do
            folder="$output/reward-$method"
            ! has_own_reward_model "$method" || stage "reward model of $method" "$folder/trained" "$before" do_reward "$folder" "$method"
        done
    fi
    prepared="$(all)"
    for method in "${methods[@]}"; do
        index=0 tried=""
        # Of one there is nothing to choose.
        [ "$(grid_size "$method")" -eq 1 ] || while read -r entry; do
            index=$((index + 1))
            folder="$output/search/$method-$index"
            stage "search $method $index: $entry" "$folder/validation.json" "$prepared" do_search "$method" "$entry" "$folder"
            tried+="$(last) "
        done < <(grid_of "$method")
        stage "choice of $method" "$output/search/$method.chosen" "$tried" do_choose "$method"
        chosen[$method]="$(last)"
    done
    plan_samples base "samples of the base" "$output/base" "$prepared"
    for method in "${methods[@]}"; do
        for seed in $seeds; do
            folder="$output/runs/$method-$seed"
            start="$(own_or start "$method" "")"
            stage "train $method, seed $seed" "$folder/trained" "$prepared ${chosen[$method]} ${start:+${trained[$start-$seed]}}" \
                do_train "$method" "$seed" "$folder"
            trained[$method-$seed]="$(last)"
            plan_samples "$method" "samples of $method, seed $seed" "$folder" "$(last)"
        done
    done
    sampled="$(all)"
    for method in "${others[@]}"; do
        plan_evaluation "evaluation against $method" "against-$method" test "$method" --at-accuracy "$accuracies"
    done
    stage "the paper's table" "$output/table" "$sampled" do_table
    for data in "${by[@]}"; do fields+=(--by "$data"); done
    [ ${#by[@]} -eq 0 ] ||
        plan_evaluation "kinds of problems" kinds test "${others[0]}" --thresholds 0.7 --at-accuracy "$choose_accuracy" "${fields[@]}"
    [ -z "$thresholds" ] ||
        plan_evaluation "thresholds" thresholds test "${others[0]}" --thresholds "$thresholds" --at-accuracy "$choose_accuracy"
    [ "$many_samples" -eq 0 ] ||
        plan_evaluation "$many_samples samples a problem" many many "${others[0]}" --thresholds 0.7 --at-accuracy "$accuracies"
    for data in "${also[@]}"; do
        plan_evaluation "evaluation on $data" "also-$(word "$data")" "$data" "${methods[0]}" --thresholds 0.7 --at-accuracy "$accuracies"
    done
    stage "page" "$output/results.md" "$(all)" do_page
}
# The file name without folder and ending.
word() { basename "$1" .jsonl; }
# METHOD, TITLE, FOLDER, NEEDS: of the problems that are reported, and of others.
plan_samples() {
    stage "$2" "$3/test.jsonl" "$4" do_sample "$1" "$3" "$test" test
    [ "$many_samples" -eq 0 ] || stage "$2, many" "$3/many.jsonl" "$4" do_sample "$1" "$3" "$test" many
    local data
    for data in "${also[@]}"; do stage "$2, on $data" "$3/$(word "$data").jsonl" "$4" do_sample "$1" "$3" "$data" "$(word "$data")"; done
}
# TITLE, NAME, DATA (or test, many: of the problems that are reported), AGAINST, OPTION…
plan_evaluation() {
    local file
    file="$(word "$3")"
    stage "$1" "$output/$2" "$sampled" do_evaluate "$output/$2" "$3" "$file" "${@:4}"
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

# A reward model in FOLDER, with what METHOD has of its own.
do_reward() {
    command=(reward)
    add_model base
    add_settings "data.train=$output/reward/labels.jsonl" "data.evaluate=$output/reward/validation.jsonl" "${reward[@]}"
    if [ $# -gt 1 ]; then
        declare -n settings="$(own reward_model "$2")"
        add_settings "${settings[@]}"
    fi
    training "$1"
}

# Samples so many of PROBLEMS (0: all) at the curve's temperatures with what METHOD made in FOLDER, into FILE.
sample() {
    local problems="$1" number="$2" method="$3" folder="$4" trained=nothing count="$samples"
    [ "$5" != "$folder/many.jsonl" ] || count="$many_samples"
    [ ! -e "$folder/trained" ] || trained="$(<"$folder/trained")"
    command=(sample "$problems" --temperature "$curve_temperatures" --samples-per-problem "$count" --seed 1 "${sampling[@]}")
    if [ "$trained" = model ]; then command+=(--model "$folder/run/model"); else add_model "$method"; fi
    [ "$trained" != adapter ] || command+=(--adapter "$folder/run/adapter")
    [ ${#reward[@]} -eq 0 ] || [ "$count" != "$samples" ] || command+=(--reward-model "$output/reward/run")
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
    [ "$(grid_size "$method")" -gt 1 ] || chosen="1 $(grid_of "$method")"
    for measure in at_accuracy best_accuracy; do
        [ -z "$chosen" ] || break
        index=0
        while read -r entry; do
            index=$((index + 1))
            value="$("$measure" "$output/search/$method-$index/validation.json")"
            if [ -n "$value" ] && { [ -z "$best" ] || awk "BEGIN { exit !($value > $best) }"; }; then
                best="$value" chosen="$index $entry"
            fi
        done < <(grid_of "$method")
    done
    mkdir -p "$output/search"
    echo "$chosen" >"$output/search/$method.chosen.part"
    mv "$output/search/$method.chosen.part" "$output/search/$method.chosen"
}
chosen() { cut -d' ' -f2 "$output/search/$1.chosen"; }

do_train() {
    local start folder
    train_command "$1" "$(chosen "$1")" "$2" "$trajectories"
    start="$(own_or start "$1" "")"
    if [ -n "$start" ]; then
        folder="$output/runs/$start-$2"
        if [ "$(<"$folder/trained")" = model ]; then
            command+=(--model "$folder/run/model")
        else
            add_settings "adapter=$folder/run/adapter"
        fi
    fi
    training "$3"
}

# METHOD, FOLDER, DATA, NAME of the file.
do_sample() { sample "$3" "$test_problems" "$1" "$2" "$2/$4.jsonl"; }

# The samples of FOLDER at the table's temperatures only.
table_samples() {
    awk -v list="$table_temperatures" 'BEGIN { n = split(list, wanted, ",") }
        match($0, /"temperature":[0-9.eE+-]+/) {
            value = substr($0, RSTART + 14, RLENGTH - 14) + 0
            for (i = 1; i <= n; i++) if (wanted[i] + 0 == value) { print; next }
        }' "$1/test.jsonl" >"$1/table.jsonl"
}

# The folders of all sets of samples, a line each.
folders() {
    local method seed
    echo "$output/base"
    for method in "${methods[@]}"; do
        for seed in $seeds; do echo "$output/runs/$method-$seed"; done
    done
}

# TARGET, DATA, FILE, AGAINST, OPTION…: all sets of samples of that name, compared with those of a method.
do_evaluate() {
    local target="$1" data="$2" file="$3" against="$4" files=() method folder
    [[ "$data" != test && "$data" != many ]] || data="$test"
    while read -r folder; do
        method="$(basename "$folder")"
        [ "$folder" = "$output/base" ] || method="${method%-*}"
        files+=(--samples "$method=$folder/$file.jsonl")
    done < <(folders)
    rm -rf "$target.part"
    "$binary" evaluate "$data" "${files[@]}" --against "$against" "${@:5}" --output "$target.part" --quiet >/dev/null
    mv "$target.part" "$target"
}

do_table() {
    while read -r folder; do table_samples "$folder"; done < <(folders)
    do_evaluate "$output/table" test table "${methods[0]}"
}

source "$here/paper/page.sh"

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

# Stages that run: the process, which leads a group of its own, and the stage's number.
declare -A running=()
# What ended the run before its time: the exit code, and a sentence.
failure=0 reason=""
# Ends what runs: it saves what it has and goes on there when the script is called again.
stop() {
    local process
    for process in "${!running[@]}"; do kill -TERM -- "-$process" 2>/dev/null || true; done
}
interrupted() {
    [ "$failure" -ne 0 ] || failure=75 reason="interrupted; run the same command to go on"
    stop
}
trap interrupted INT TERM HUP

# Whether what the stage needs is there.
is_ready() {
    local before
    for before in ${needs[$1]}; do [ -e "${targets[$before]}" ] || return 1; done
}
begin() {
    echo "[$(($1 + 1))/$total] ${titles[$1]}" >&2
    # Its exit code goes to a file: bash forgets one that ends while a signal is handled.
    (
        own_stage="$1"
        trap 'exit 75' INT TERM HUP
        trap 'echo $? >"$ended/$own_stage"' EXIT
        set -e
        eval "${commands[$own_stage]}"
    ) </dev/null &
    running[$!]="$1"
}
ended="$(mktemp -d)"
trap 'rm -rf "$ended"' EXIT

waiting=()
for index in "${!titles[@]}"; do [ -e "${targets[$index]}" ] || waiting+=("$index"); done
set -m
while :; do
    later=()
    for index in "${waiting[@]}"; do
        if [ "$failure" -eq 0 ] && [ "${#running[@]}" -lt "$jobs" ] && is_ready "$index"; then begin "$index"; else later+=("$index"); fi
    done
    waiting=("${later[@]}")
    [ "${#running[@]}" -gt 0 ] || break
    # Until one ends, or a signal comes.
    wait -n "${!running[@]}" 2>/dev/null || true
    for process in "${!running[@]}"; do
        ! kill -0 "$process" 2>/dev/null || continue
        index="${running[$process]}"
        unset "running[$process]"
        [ "$failure" -eq 0 ] || continue
        code="$(cat "$ended/$index" 2>/dev/null || echo 137)"
        what="stage $((index + 1)) of $total, ${titles[$index]},"
        if [ "$code" -ne 0 ]; then
            failure="$code" reason="$what ended with exit code $code; run the same command to go on"
            stop
        elif [ ! -e "${targets[$index]}" ]; then
            failure=70 reason="$what has not made ${targets[$index]}"
            stop
        fi
    done
done
[ "$failure" -eq 0 ] || status="$failure" fail "$reason"
cat "$output/results.md"
