# Sourced by check-docs.sh: what the documents name as the reader's own, tiny but real, made by the program itself. Each is there when
# the first command names it.

# Trainings of a second, not those of the documents.
short=(--set train.steps=2 --set train.prompts_per_step=2 --set rollout.samples_per_prompt=2 --set evaluate.problems=1
    --set evaluate.samples_per_problem=2 --quiet)
quietly() { "$GFN_DOCS_PROGRAM" "$@" >>"$work/stand-ins.log" 2>&1; }

# Problems with worked answers, as GSM8K has them: NUMBER of them.
sums() {
    local index
    for ((index = 1; index <= $1; index++)); do
        printf '{"question":"What is %d + 1?","answer":"%d + 1 = %d\\n#### %d"}\n' "$index" "$index" $((index + 1)) $((index + 1))
    done
}

# Everything, once, in the folder $stock. A base that was fine-tuned on the problems above: it solves some of them, so that there are steps
# to label, and ends what it says.
make_stock() {
    mkdir -p "$stock/models" && cd "$stock"
    mkdir gsm8k sums runs results runs/base runs/a results/samples
    sums 3 >problems.jsonl
    for name in train.jsonl test.jsonl one.jsonl sums.jsonl svamp.jsonl gsm8k/test.jsonl sums/fit-low.jsonl; do
        cp problems.jsonl "$name"
    done
    sums 501 >gsm8k/train.jsonl
    echo '{"text":"What is 1 + 1?"}' >gsm8k.jsonl
    printf '[{"Body": "There are 2 pens and 3 pens.", "Question": "How many?", "Answer": 5.0}]\n' >SVAMP.json

    quietly make-model --shape tiny weights
    quietly train --objective sft --model weights --set data.train=problems.jsonl --set trainable=full --set train.steps=60 \
        --set train.prompts_per_step=3 --set train.learning_rate=1e-2 --set rollout.max_new_tokens=24 --set evaluate.problems=1 \
        --set evaluate.samples_per_problem=1 --quiet --output sft
    cp -r sft/model base && cp -r base completer && cp -r base SmolLM2 && cp -r base MODEL
    # A file of blocks of four bits, of random weights.
    quietly make-model --shape tiny --format q4_0 models/SmolLM2-135M-Instruct.Q4_1.gguf
    for name in smollm2.gguf 1b.gguf 8b.gguf; do cp models/SmolLM2-135M-Instruct.Q4_1.gguf "$name"; done
    # A model with a chat template: what begins and ends a text becomes a turn's markers.
    cp -r base SmolLM2-135M-Instruct.Q4_1.gguf
    sed -i 's/<|begin|>/<|im_start|>/g; s/<|end|>/<|im_end|>/g' SmolLM2-135M-Instruct.Q4_1.gguf/tokenizer*.json
    cat >SmolLM2-135M-Instruct.Q4_1.gguf/chat_template.jinja <<'JINJA'
{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor -%}
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
JINJA
    ln -s "$resources/pathsum-base" pathsum-base
    for name in small medium; do cp -rL pathsum-base "models/pathsum-$name"; done
    mkdir -p sums-run/sft/run && cp -r base sums-run/sft/run/model

    quietly train --model base --set data.train=problems.jsonl --set rollout.max_new_tokens=24 "${short[@]}" --output runs/on-base
    for name in runs/a runs/base; do cp -r runs/on-base/adapter "$name/adapter"; done
    quietly train --set checkpoint.every=1 "${short[@]}" --output runs/pathsum
    for name in subtb grpo ppo; do cp -r runs/pathsum "runs/$name"; done
    mkdir -p runs/transfer/runs/low-1 && cp -r runs/pathsum runs/transfer/runs/low-1/run

    # Steps with labels, in words that both the tiny model's tokenizer and the embedded base's have.
    quietly reward --label-with-rollouts pathsum --limit 4 --samples-per-problem 2 --completions 2 --output steps.jsonl --quiet
    cp steps.jsonl held-out.jsonl && cp steps.jsonl mr-gsm8k-100.jsonl
    quietly reward --model base --set data.train=steps.jsonl --set data.evaluate=held-out.jsonl "${short[@]:0:2}" \
        --quiet --output runs/base-reward
    quietly reward --set data.train=steps.jsonl --set data.evaluate=held-out.jsonl "${short[@]:0:2}" --quiet --output judge
    for name in reward reward-flipped-10 reward-flipped-20 reward-flipped-30; do
        mkdir -p "runs/noisy-reward/$name" && cp -r judge "runs/noisy-reward/$name/run"
    done
    rm -rf judge sft weights runs/on-base

    quietly sample problems.jsonl --model base --limit 2 --samples-per-problem 4 --temperature 0.4,0.8 --max-new-tokens 24 \
        --output base.jsonl --quiet
    for name in ppo.jsonl ours.jsonl hf.jsonl solutions.jsonl results/samples/test.jsonl; do cp base.jsonl "$name"; done
}

# What commands may name, and make themselves in other documents.
things="base completer SmolLM2 MODEL pathsum-base smollm2.gguf 1b.gguf 8b.gguf SmolLM2-135M-Instruct.Q4_1.gguf
    models/SmolLM2-135M-Instruct.Q4_1.gguf models/pathsum-small models/pathsum-medium sums-run/sft/run/model
    problems.jsonl train.jsonl test.jsonl one.jsonl sums.jsonl svamp.jsonl gsm8k/test.jsonl gsm8k/train.jsonl sums/fit-low.jsonl
    gsm8k.jsonl SVAMP.json steps.jsonl held-out.jsonl mr-gsm8k-100.jsonl solutions.jsonl hf.jsonl results/samples/test.jsonl
    runs/a runs/base runs/pathsum runs/subtb runs/grpo runs/ppo runs/transfer/runs/low-1/run runs/base-reward
    runs/noisy-reward/reward/run runs/noisy-reward/reward-flipped-10/run runs/noisy-reward/reward-flipped-20/run
    runs/noisy-reward/reward-flipped-30/run"

# Puts into the current folder what a command names and nothing has made yet, but for what it is to make.
provide() {
    local name text=" ${1//[=<\"]/ } "
    text="${text//$'\n'/ }"
    while [[ "$text" =~ ^(.*)' --output '[^[:space:]]+(.*)$ ]]; do text="${BASH_REMATCH[1]}${BASH_REMATCH[2]}"; done
    for name in $things $own_things; do
        [[ "$text" == *" $name "* || "$text" == *" $name/"* ]] || continue
        [ -e "$name" ] && continue
        mkdir -p "$(dirname "$name")" && cp -r "$stock/$name" "$name"
    done
}

# A folder like the project's, with what the document says of files of its own.
make_sandbox() {
    local own_things=""
    ln -s "$project/scripts" scripts
    mkdir -p .build/release && ln -s "$here/docs/gfn-dist" .build/release/gfn-dist
    # What a document says of its own files.
    case "$document" in
        *data.md)
            # The lines that the page's refusal is about.
            sums 7 | awk 'NR == 2 { print "{\"question\":1 \"answer\"}"; next }
                NR == 3 { print "{\"messages\":[{\"role\":\"user\"}]}"; next }
                NR == 7 { print "{\"text\":\"a\"}"; next } { print }' >train.jsonl
            ;;
        *reward-model.md) cp "$stock/steps.jsonl" train.jsonl ;;
        # What the configurations name; the page says further down where it is from.
        *reproduce.md)
            mkdir gsm8k models
            for name in fit validation test; do cp "$stock/problems.jsonl" "gsm8k/$name.jsonl"; done
            cp -r "$stock/base" models/Meta-Llama-3-8B
            ;;
        # Samples of others, before the page makes its own.
        *evaluate.md) own_things="base.jsonl ppo.jsonl ours.jsonl" ;;
        *verify.md)
            # The page's own example, without what it calls optional.
            awk '/^```/ { inside = $0 == "```yaml" && !seen; seen += inside; next } inside && !/# optional/ { sub(/ +#.*/, ""); print }' \
                "$folder/$document" >mine.yaml
            ;;
        # Before a page's `cat`, which shows what is in them, they are there.
        *score.md | *tokenizers.md)
            awk '/^\$ cat [a-z]+\.jsonl$/ { file = $3; next } /^(\$|```)/ { file = "" }
                file && file != "ids.jsonl" { print > file }' "$folder/$document"
            ;;
    esac
    echo "$own_things" >"$sandbox.things"
}
