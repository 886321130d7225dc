# Sourced by check-docs.sh: faults in copies of documents, each of which has to be found, and named.

# DOCUMENT, what sed changes in its copy, and what is said of it.
faults=(
    'docs/score.md' 's/--precision fp32/--precison fp32/' 'exit code 64'
    'docs/add-an-objective.md' 's/ctb\.noise=0\.5 /ctb.nois=0.5 /' 'exit code 78'
    'docs/sample.md' '/--output s\.jsonl/d; s/--limit 1 /--limit 0 /' 'exit code 78'
    'docs/score.md' 's/^\$ gfn-dist score capitals/$ gfn-dist score capital/' 'exit code 66'
    'docs/tokenizers.md' 's/^\$ gfn-dist tokenize demo/$ gfn-dist tokenise demo/' 'exit code 64'
    'docs/tokenizers.md' "s/^\\\$ echo '{\"text\":7}'/\$ echo '{\"text\":\"7\"}'/" 'was not refused'
    'docs/tokenizers.md' 's/^gfn-dist: standard input:1: text is/gfn-dist: standard input:1: this is/'
    "expected 'gfn-dist: standard input:1: this is"
    'docs/tokenizers.md' "s/^\\\$ echo '{\"text\":7}'/\$ echo '{\"text\":7}/" 'the command has no end'
    'docs/tokenizers.md' 's/^\$ gfn-dist tokenize --decode/gfn-dist tokenize --decode/' 'a command among output'
    'docs/score.md' 's/^\$ cat /$ show /' 'no command that this check knows how to run'
    'CONTRIBUTING.md' 's#^scripts/test\.sh#scripts/tests.sh#' 'exit code 127'
    'CONTRIBUTING.md' 's/--product gfn-dist/--product gfn-dst/' 'Package.swift has no product gfn-dst'
    'CONTRIBUTING.md' 's/--filter ProgramTests/--filter ProgrammeTests/' 'there is no test ProgrammeTests'
    'docs/robustness.md' 's/fuzz\.sh --cases/fuzz.sh --case/' "fuzz.sh doesn't know --case"
)

self_test() {
    local index number name said missed=0
    mkdir -p "$work/faulty/docs"
    documents=(docs/sound-score.md)
    cp "$folder/docs/score.md" "$work/faulty/docs/sound-score.md"
    for ((index = 0; index < ${#faults[@]}; index += 3)); do
        name="docs/fault-$((index / 3 + 1))-$(basename "${faults[index]}")"
        sed "${faults[index + 1]}" "$folder/${faults[index]}" >"$work/faulty/$name"
        ! cmp -s "$work/faulty/$name" "$folder/${faults[index]}" ||
            status=70 fail "${faults[index]} has no place for the fault ${faults[index + 1]}; change it in scripts/docs/self-test.sh"
        documents+=("$name")
    done
    folder="$work/faulty" all_documents=yes
    said="$(run_documents)"
    for ((index = 0; index < ${#faults[@]}; index += 3)); do
        number=$((index / 3 + 1))
        if grep -F "FAILED     docs/fault-$number-" <<<"$said" | grep -qF "${faults[index + 2]}"; then
            echo "found      ${faults[index]}  ${faults[index + 1]}: ${faults[index + 2]}"
        else
            missed=$((missed + 1))
            echo "MISSED     ${faults[index]}  ${faults[index + 1]}: expected '${faults[index + 2]}'"
        fi
    done
    # The table has entries that these few documents don't need, and a document without faults has none.
    if ! grep -qF 'FAILED     check-docs.sh  no command needs this entry' <<<"$said"; then
        missed=$((missed + 1))
        echo "MISSED     an entry of the table that no command needs"
    fi
    if grep -qF 'FAILED     docs/sound-' <<<"$said"; then
        missed=$((missed + 1))
        echo "MISSED     a document without faults was found to have one"
    fi
    echo "$((${#faults[@]} / 3)) faults, $missed missed"
    [ "$missed" -eq 0 ] || {
        echo "$said"
        return 1
    }
}
