# Sourced by check-docs.sh: finds the commands of a document.

# Words that a command may begin with. A block that begins with another one is output, a picture or data; inside a block of commands, and
# after "$ ", every other word is a mistake of the document, or of this list.
heads="gfn-dist mpirun srun sbatch squeue scontrol qsub scripts/* ./scripts/* .build/* swift apt-get apt sudo tar git ssh scp man
    cd export source cat echo printf head tail ls grep time python3 awk sed jq mkdir cp mv rm gunzip gzip zstd for while if env
    curl tensorboard sha256sum"
is_head() {
    local text="${1//\\$'\n'/ }" word pattern
    # Assignments before the command, quoted or not.
    while [[ "$text" =~ ^[A-Za-z_][A-Za-z_0-9]*=(\"[^\"]*\"|\'[^\']*\'|[^[:space:]]*)[[:space:]]+(.*)$ ]]; do
        text="${BASH_REMATCH[2]}"
    done
    word="${text%%[[:space:]]*}"
    # Only assignments so far: the command goes on in the next line.
    [ "$word" != "\\" ] || return 0
    # What the program says, and arrows between names.
    [[ "$text" =~ ^gfn-dist[[:space:]]+(--\>|greedy|[0-9]|[A-Z]) ]] && return 1
    [[ "$word" == \$[A-Z]* || "$word" == \"\$[A-Z]* ]] && return 0
    set -f
    for pattern in $heads; do
        # shellcheck disable=SC2053
        if [[ "$word" == $pattern ]]; then
            set +f
            return 0
        fi
    done
    set +f
    return 1
}

# Whether bash could run the text as it stands: no open quote, here-document, loop, pipe or line that goes on.
is_whole() {
    [[ "$1" != *'\' ]] && [ -z "$(bash -n <<<"$1" 2>&1)" ]
}

# A line of output, INDEX of the block, that begins as a command does would be left out unseen.
check_output() {
    local call='^[[:space:]]*(mpirun[[:space:]]+-n|(\./)?scripts/[a-z-]+\.(sh|py)|gfn-dist[[:space:]]+('
    call+='train|sample|evaluate|score|reward|tokenize|verify|report|replay|plan|doctor|bench|make-model|explain|watch|export|inspect)([[:space:]]|$))'
    [[ "${block[$1]}" =~ $call ]] || return 0
    complain "$document:$((block_start + $1))" "a command among output: begin it with '\$ ', or give it a block of its own"
}

# What a block has: adds to `texts`, `lines`, `blocks` and `refusals` (what the program refuses
# with in a transcript, its first line, or nothing).
# Its lines are `block`, from line `block_start` of the document on.
read_block() {
    local index text started first transcript="" line
    local language="$1"
    case "$language" in "" | sh | bash | shell | console | text) ;; *) return 0 ;; esac
    for line in "${block[@]}"; do [[ "$line" != '$ '* ]] || transcript=yes; done
    first=""
    for line in "${block[@]}"; do
        [[ -z "$line" || "$line" == '#'* ]] && continue
        first="$line"
        break
    done
    if [ -z "$transcript" ] && [[ "$language" != sh && "$language" != bash ]] && ! is_head "$first"; then
        for index in "${!block[@]}"; do check_output "$index"; done
        return 0
    fi
    number_of_blocks=$((number_of_blocks + 1))
    index=0
    while [ "$index" -lt ${#block[@]} ]; do
        line="${block[index]}"
        started=$index
        index=$((index + 1))
        if [ -n "$transcript" ]; then
            if [[ "$line" != '$ '* ]]; then
                if [[ ${#texts[@]} -gt 0 && "$line" =~ ^(\[[^]]*\]\ *)?(gfn-dist|Error):\  ]] && [ -z "${refusals[-1]}" ] &&
                    [ "${blocks[-1]}" = "$number_of_blocks" ]; then
                    refusals[-1]="$line"
                fi
                check_output $((index - 1))
                continue
            fi
            line="${line#\$ }"
        fi
        [[ -n "$line" && "$line" != '#'* ]] || continue
        text="$line"
        while ! is_whole "$text" && [ "$index" -lt ${#block[@]} ]; do
            text+=$'\n'"${block[index]}"
            index=$((index + 1))
        done
        is_whole "$text" || complain "$document:$((block_start + started))" "the command has no end: ${text%%$'\n'*}"
        is_head "$text" || complain "$document:$((block_start + started))" "no command that this check knows how to run: ${text%%$'\n'*}"
        texts+=("$text") lines+=($((block_start + started))) blocks+=("$number_of_blocks") refusals+=("")
    done
}

# All commands of `document`, a path below `folder`.
find_commands() {
    local line number=0 fence="" language="" before=""
    texts=() lines=() blocks=() refusals=() number_of_blocks=0 block=() block_start=0
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        if [ -n "$fence" ]; then
            if [[ "$line" =~ ^[[:space:]]*\`\`\`[[:space:]]*$ ]]; then
                read_block "$language"
                fence="" block=()
            else
                block+=("${line#"$indent"}")
            fi
        elif [[ "$line" =~ ^([[:space:]]*)\`\`\`([A-Za-z]*) ]]; then
            [ ${#block[@]} -eq 0 ] || read_block ""
            fence=yes indent="${BASH_REMATCH[1]}" language="${BASH_REMATCH[2]}" block=() block_start=$((number + 1))
        # An indented block comes after an empty line; elsewhere it is a paragraph or a list that goes on.
        elif [[ "$line" == "    "* ]] && { [ ${#block[@]} -gt 0 ] || [ -z "$before" ]; }; then
            [ ${#block[@]} -gt 0 ] || block_start=$number
            block+=("${line#    }")
        else
            [ ${#block[@]} -eq 0 ] || read_block ""
            block=()
        fi
        before="$line"
    done <"$folder/$document"
    [ -z "$fence" ] || complain "$document" "a fence of code that is not closed"
    [ ${#block[@]} -eq 0 ] || read_block ""
}
