#!/usr/bin/env bash
# Builds and runs every test, in debug and in release, with warnings as errors; those over mpirun included. Shows what a build or a failing
# test says, and once a minute how far it is; everything is in .build/tests-debug.log and .build/tests-release.log. Tests of which nothing is
# heard for a quarter of an hour have come to a stop: they are ended, with the stacks of their threads in that log.
# usage: scripts/test.sh [OPTION]...    options of swift test, as in scripts/test.sh --filter ModelTests
# GFN_TEST_PATIENCE: how many seconds of silence are a stop, instead of 900.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$here")"

"$here/dependencies.sh"
source "$here/mpi-environment.sh"
export GFN_STRICT=1
patience="${GFN_TEST_PATIENCE:-900}"

minutes() { printf '%d:%02d' $((($2 - $1) / 60)) $((($2 - $1) % 60)); }

# Reads what `swift test`, process $2, says. It hands on what tests write 4 KB at a time, so that all this is a little behind.
follow() {
    local configuration="$1" tests="$2" log="$3"
    local begun="$SECONDS" heard="$SECONDS" shown="$SECONDS" isBuilt="" passed=0 line part=""
    while true; do
        if IFS= read -r -t 10 line; then
            line="$part$line" part="" heard="$SECONDS"
            printf '%s\n' "$line"
            case "$line" in
                'Build complete!'*)
                    isBuilt=yes shown="$SECONDS"
                    echo "$configuration: built after $(minutes "$begun" "$SECONDS")" >&3
                    ;;
                '✔ Test run with'* | '✘'*) echo "$line" >&3 ;;
                '✔ Test '*) passed=$((passed + 1)) ;;
                '◇'* | '✔'* | '['*/*']'*) ;;
                *)
                    # Of what tests print, what belongs to a failure.
                    [ -n "$isBuilt" ] && [[ ! "$line" =~ ^(↳|error|\*\*\*)|'Fatal error' ]] || echo "$line" >&3
                    ;;
            esac
        elif [ $? -gt 128 ]; then
            part="$part$line"
        else
            break
        fi
        if [ -n "$isBuilt" ] && [ $((SECONDS - shown)) -ge 60 ]; then
            shown="$SECONDS"
            echo "$configuration: $passed tests passed after $(minutes "$begun" "$SECONDS")" >&3
        fi
        if [ -n "$isBuilt" ] && [ $((SECONDS - heard)) -ge "$patience" ]; then
            echo "test.sh: nothing was heard of the tests for $(minutes "$heard" "$SECONDS"); the end of $log says where they are" >&3
            heard="$SECONDS"
            pkill -ABRT -P "$tests" || kill "$tests" || true
        fi
    done 3>&1 >"$log"
}

mkdir -p "$root/.build"
for configuration in debug release; do
    echo "== $configuration =="
    log="$root/.build/tests-$configuration.log"
    exec {output}< <(exec swift test --package-path "$root" -c "$configuration" "$@" 2>&1)
    tests=$!
    follow "$configuration" "$tests" "$log" <&"$output"
    exec {output}<&-
    wait "$tests" || { echo "test.sh: the $configuration tests did not pass (exit code $?); all they said is in $log" >&2 && exit 1; }
done
