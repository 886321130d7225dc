# Sourced by check-docs.sh: runs the commands of documents.

# The first entry of the table for a command: sets `kind`, `added` and `reason`, and counts its use.
declare -A used=()
find_exception() {
    local index pattern
    kind=run added="" reason=""
    for index in "${!exceptions[@]}"; do
        # The pattern may have bars of its own: kind is before the first one, words and reason after the last two.
        reason="${exceptions[index]##*|}" pattern="${exceptions[index]%|*}"
        added="${pattern##*|}" pattern="${pattern%|*}"
        kind="${pattern%%|*}" pattern="${pattern#*|}"
        if [[ "${1//\\$'\n'/ }" =~ ^($pattern) ]]; then
            used[$index]=yes
            return
        fi
    done
    kind=run added="" reason=""
}

# What can be said of a command that isn't run: its scripts are there, bash can read them, and they know its options; products and tests
# that it names exist; a package has the program's version. Prints what is wrong.
read_only() {
    local text="${1%%  #*}" word before="" script="" version
    text="${text//\\$'\n'/ }"
    for word in $text; do
        case "$word" in
            scripts/* | ./scripts/*)
                script="$project/${word#./}"
                [ -x "$script" ] || echo "${word} is no script"
                [[ "$script" != *.sh ]] || bash -n "$script" 2>&1
                ;;
            '&&' | '|' | ';' | swift) script="" ;;
            --*) [ -z "$script" ] || grep -qwe "$word" "$script" || echo "${script##*/} doesn't know $word" ;;
            gfn-dist-*.tar.gz)
                version="$("$GFN_DOCS_PROGRAM" --version)"
                version="${version#gfn-dist }"
                [[ "$word" == "gfn-dist-${version%%,*}-"* ]] || echo "$word is not of the program's version ${version%%,*}"
                ;;
        esac
        case "$before" in
            --product) grep -qE "(executable|library).*\"$word\"" "$project/Package.swift" || echo "Package.swift has no product $word" ;;
            --filter)
                word="${word%/*}"
                [ -d "$project/Tests/${word%%.*}" ] || grep -rqE "(struct|enum|class) ${word%%.*}" "$project/Tests" ||
                    echo "there is no test ${word%%.*}"
                [[ "$word" != *.* ]] || grep -rq "${word#*.}" "$project/Tests/${word%%.*}" || echo "there is no test $word"
                ;;
        esac
        before="$word"
    done
}

# A message's first words, with numbers and the names of files and hosts made alike.
shape() {
    sed -E 's/^\[[^]]*\] *//; s/ on [^ ]+ \(/ on HOST (/; s#[^ ]*/[^ ]*#PATH#g; s/[0-9]+(\.[0-9]+)?/N/g' <<<"$1" | cut -d' ' -f1-6
}

# Runs `text` in the document's folder, where the commands before it left its environment; sets `code`, and `output` to a file.
run_text() {
    local limit=90 launcher=(timeout -k 5) process
    [ "$kind" != whole ] || launcher=(timeout --preserve-status -k 20)
    {
        echo "source '$sandbox.environment'; cd \"\$(<'$sandbox.folder')\""
        [ "$kind" != whole ] || echo "export GFN_DOCS_WHOLE=yes"
        echo "set -o pipefail"
        # The shell itself is what a signal finds: alone, the command takes its place.
        if [ "$kind" = whole ]; then echo "exec env $1"; else echo "$1"; fi
        echo "code=\$?; export -p >'$sandbox.environment'; pwd >'$sandbox.folder'; exit \$code"
    } >"$sandbox.command"
    "${launcher[@]}" "$limit" bash "$sandbox.command" >"$output" 2>&1 </dev/null &
    process=$!
    if [ "$kind" = whole ]; then
        # As soon as it has done something, however fast the machine is.
        until grep -qE '^(step|problem) [0-9]+/' "$output" || ! kill -0 "$process" 2>/dev/null; do sleep 0.02; done
        kill -TERM "$process" 2>/dev/null || true
    fi
    code=0
    wait "$process" || code=$?
    # A reader of a pipe that has seen enough.
    [ "$code" -ne 141 ] || code=0
    [ "$kind" != whole ] || [ "$code" -ne 75 ] || [ -n "$refusal" ] || code=0
}

# Of a command: one line that says that it is well, or what is wrong with its last lines. INDEX of `texts`.
run_command() {
    local text="${texts[$1]}" refusal="${refusals[$1]}" place="$document:${lines[$1]}" shown wrong placeholder path found began took
    shown="${text//\\$'\n'/ }"
    shown="$(tr -s ' \n' '  ' <<<"${shown%%  #*}")"
    shown="${shown:0:110}"
    find_exception "$text"
    if [ "$kind" = read ]; then
        wrong="$(read_only "$text")"
        only_read=$((only_read + 1))
        if [ -z "$wrong" ]; then echo "read       $place  $shown ($reason)"; else complain "$place" "$shown: $wrong"; fi
        return
    fi
    ran=$((ran + 1))
    if [ "$kind" = slurm ]; then
        wrong="$(read_only "$text")"
        # The batch script starts launch.sh with what comes after it.
        text="scripts/launch.sh ${text#*.sbatch}"
        text="${text/launch.sh *\\$'\n'/launch.sh }"
        [ -z "$wrong" ] || complain "$place" "$shown: $wrong"
    fi
    for placeholder in "${placeholders[@]}"; do
        text="$(sed -E "s/(^|[ =])${placeholder%%=*}\b/\1${placeholder#*=}/g" <<<"$text")"
    done
    # A row of a measured table: one of many calls that differ in settings.
    [ -z "$brief" ] || [[ ! "$text" =~ ' RUN'(/|$|[[:space:]]) ]] || added="--dry-run"
    [ -z "$added" ] || text="$(sed -E '1s/ +#.*//' <<<"$text") $added"
    # What an earlier section made is not there for this one's reader, and RUN is another folder each time.
    while read -r path; do
        [ -n "$path" ] || continue
        if [[ "$text" != *--resume* ]] && { [[ "$path" =~ ^[A-Z]+$ ]] || [ "${made[$path]:-0}" != "${blocks[$1]}" ]; }; then
            [[ "$path" == /* || "$path" == *..* ]] || rm -rf "${sandbox:?}/$path" "${sandbox:?}/$path-attempts"
        fi
        made[$path]="${blocks[$1]}"
    done < <(grep -oE -e '--output [^[:space:]]+' <<<"$text" | cut -d' ' -f2)
    (cd "$sandbox" && provide "$text") || complain "$place" "what it names could not be put there"
    output="$sandbox.output" began="${EPOCHREALTIME/[.,]/}"
    run_text "$text"
    took=$((${EPOCHREALTIME/[.,]/} - began))
    wrong=""
    if [ -n "$refusal" ]; then
        found="$(grep -m1 -E '^(\[[^]]*\] *)?(gfn-dist|Error): ' "$output")"
        if [ "$code" -eq 0 ]; then
            wrong="was not refused, expected '${refusal:0:80}…'"
        elif [ "$(shape "$found")" != "$(shape "$refusal")" ]; then
            wrong="exit code $code with '${found:0:80}', expected '${refusal:0:80}'"
        fi
    elif [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        wrong="took too long"
    elif [ "$code" -ne 0 ]; then
        wrong="exit code $code"
    fi
    if [ -z "$wrong" ]; then
        printf 'ok %4d.%d s  %s  %s\n' $((took / 1000000)) $((took / 100000 % 10)) "$place" "$shown"
    else
        complain "$place" "$shown: $wrong"
        # What the program said, without what mpirun adds.
        { grep -E '(gfn-dist|\.sh): ' "$output" || tail -4 "$output"; } | tail -4 | cut -c1-300 | sed 's/^/        /'
    fi
}

run_documents() {
    local index name
    ran=0 only_read=0 with_commands=0
    for document in "${documents[@]}"; do
        find_commands
        [ ${#texts[@]} -gt 0 ] || continue
        with_commands=$((with_commands + 1))
        sandbox="$work/$with_commands"
        mkdir "$sandbox"
        declare -A made=()
        (cd "$sandbox" && make_sandbox)
        own_things="$(<"$sandbox.things")"
        export -p >"$sandbox.environment"
        echo "$sandbox" >"$sandbox.folder"
        for index in "${!texts[@]}"; do run_command "$index"; done
        rm -rf "${sandbox:?}"
    done
    if [ "$all_documents" = yes ]; then
        for index in "${!exceptions[@]}"; do
            [ -n "${used[$index]:-}" ] || complain "check-docs.sh" "no command needs this entry of the table any more: ${exceptions[index]}"
        done
    fi
    echo "$ran commands of $with_commands documents run, $only_read only read, $complaints failed"
    [ "$complaints" -eq 0 ]
}
