# Sourced by reproduce-paper.sh: the page of results, from the tables and pictures that `evaluate` has written. It reads the configuration's
# variables and the folder `$output`.

do_page() {
    local method entry index file kind searched
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
        echo "Differences from ${methods[0]}, problem by problem. Where no \`*\` stands, the interval contains 0: not significant."
        echo
        echo '```'
        differences "$output/table/evaluation.txt"
        echo '```'
        echo
        echo "## At equal accuracy"
        echo
        echo "Accuracy falls and variety rises with the temperature, so that counts compare at equal accuracy only: the most distinct"
        echo "correct solutions at an accuracy of at least so much, over temperatures $curve_temperatures."
        echo
        table 'At equal accuracy: ' "$output/against-${others[0]}/evaluation.md"
        echo
        echo "![Accuracy against distinct correct solutions, a curve for each method](against-${others[0]}/evaluation.svg)"
        echo
        for method in "${others[@]}"; do
            table 'At equal accuracy, ' "$output/against-$method/evaluation.md"
            echo
        done
        for entry in "${by[@]}"; do
            echo "## By $entry"
            echo
            for kind in 'At equal accuracy: ' 'At equal accuracy, '; do
                table "$kind" "$output/kinds/evaluation.md" "$entry"
                echo
            done
        done
        if [ -n "$thresholds" ]; then
            echo "## Other thresholds"
            echo
            for kind in 'At equal accuracy: ' 'At equal accuracy, '; do
                table "$kind" "$output/thresholds/evaluation.md"
                echo
            done
        fi
        if [ "$many_samples" -gt 0 ]; then
            echo "## With $many_samples samples of each problem"
            echo
            echo "Of $samples samples at most $samples can differ, which keeps those low that have many different ones."
            echo
            for kind in 'At equal accuracy: ' 'At equal accuracy, '; do
                table "$kind" "$output/many/evaluation.md"
                echo
            done
        fi
        for entry in "${also[@]}"; do
            echo "## On $entry"
            echo
            for kind in 'Accuracy ' 'At equal accuracy: ' 'At equal accuracy, '; do
                table "$kind" "$output/also-$(word "$entry")/evaluation.md"
                echo
            done
        done
        searched=no
        for method in "${methods[@]}"; do [ "$(grid_size "$method")" -eq 1 ] || searched=yes; done
        echo "## How settings were chosen"
        echo
        if [ "$searched" = yes ]; then
            echo "Each with seed $search_seed on $search_trajectories sampled solutions, judged on $validation: the most distinct correct"
            echo "solutions (ROUGE-L 0.7) at an accuracy of at least $choose_accuracy, at the best temperature of $curve_temperatures."
        else
            echo "The configuration gives them: nothing was searched."
        fi
        echo
        echo "| method | settings | distinct correct at accuracy ≥ $choose_accuracy | best accuracy | chosen |"
        echo "|---|---|---|---|---|"
        for method in "${methods[@]}"; do
            index=0
            while read -r entry; do
                index=$((index + 1))
                file="$output/search/$method-$index/validation.json"
                [ -e "$file" ] || file=/dev/null
                echo "| $method | ${entry//,/, } | $(at_accuracy "$file" | digits 2) | $(best_accuracy "$file" | digits 3) |" \
                    "$([ "$(cut -d' ' -f1 "$output/search/$method.chosen")" = "$index" ] && echo "✓") |"
            done < <(grid_of "$method")
        done
        echo
        echo "## Commands"
        echo
        for method in "${methods[@]}"; do
            echo "    ${launch[*]} gfn-dist $(<"$output/runs/$method-${seeds%% *}/command") --output RUN"
        done
    } | cat -s >"$output/results.md.part"
    mv "$output/results.md.part" "$output/results.md"
}
# The number that comes in with so many DIGITS; a dash where none does.
digits() { awk -v form="%.$1f" 'NF { printf form, $1; some = 1 } END { if (!some) printf "–" }'; }
processor() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\1 × \2/' | head -1; }
# The note and the table of FILE that begin with TEXT, up to the next table's title; of those by FIELD, or of all problems.
table() {
    awk -v text="$1" -v field="${3:-}" '
        /^\*\*/ { on = 0; this = match($0, /\*\*, by [^:]*/) ? substr($0, RSTART + 7, RLENGTH - 7) : "" }
        index($0, text) == 1 && this == field { on = 1 }
        on' "$2"
}
# Of the table for people in FILE, what each set has over the one it is compared with: the figures that say most.
differences() {
    awk '!NF { on = 0 }
        /^difference from / { on = 1; printf "%s%s: ", some++ ? "\n" : "", name; print; next }
        / on .*:/ { name = $1 }
        on && /^(mean|accuracy|pass@8|maj@8|best@8|distinct|self-BLEU|entropy|length)/ && !/^distinct: /' "$1"
}
