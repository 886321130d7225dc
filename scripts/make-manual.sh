#!/usr/bin/env bash
# Writes man pages from the help texts of a program: gfn-dist.1, and gfn-dist-<subcommand>.1 for each subcommand. The same each time.
# usage: scripts/make-manual.sh PROGRAM FOLDER
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: scripts/make-manual.sh PROGRAM FOLDER" >&2 && exit 64; }
program="$1" folder="$2"
[ -x "$program" ] || { echo "make-manual.sh: $program is no program: build it first (scripts/build.sh)" >&2 && exit 66; }
mkdir -p "$folder"
version="$("$program" --version)"
# No line is broken there, so that each text is one line here.
help_text() { COLUMNS=100000 "$program" "$@" --help; }

# page NAME: the help text on standard input as a page of man(7). A line that fits no part of a help text is an error, and not left out.
page() {
    awk -v name="$1" -v version="${version%%,*}" '
        function text(line) {
            gsub(/\\/, "\\e", line)
            gsub(/-/, "\\-", line)
            if (line ~ /^[.\047]/) line = "\\\\&" line
            return line
        }
        function fail() {
            print "make-manual.sh: the help of " name " has a line that no page has a place for: " $0 > "/dev/stderr"
            exit failed = 70
        }
        # A label, and in the same line or the next what it means.
        function item(pattern,    label) {
            if (match($0, pattern)) {
                label = substr($0, 3, RLENGTH - 2)
                if (section == "SUBCOMMANDS") label = "gfn-dist-" label
                print ".TP\n\\fB" text(label) "\\fR" (section == "SUBCOMMANDS" ? "(1)" : "")
                $0 = substr($0, RLENGTH + 1)
            } else if ($0 !~ /^          /) fail()
            sub(/^ +/, "")
            if ($0 != "") print text($0)
        }
        /^OVERVIEW: / {
            section = "OVERVIEW"
            title = toupper(name)
            print ".TH \"" text(title) "\" 1 \"\" \"" text(version) "\" \"gfn\\-dist\"\n.SH NAME"
            print text(name) " \\- " text(substr($0, 11))
            next
        }
        /^USAGE: / {
            section = "USAGE"
            print ".SH SYNOPSIS\n.nf\n" text(substr($0, 8))
            next
        }
        /^[A-Z]+:$/ {
            section = substr($0, 1, length($0) - 1)
            print ".SH " section
            next
        }
        /^ *$/ {
            if (section == "USAGE") print ".fi" description
            if (section != "OVERVIEW") section = ""
            next
        }
        # It comes behind the synopsis.
        section == "OVERVIEW" { description = description "\n" (description ? ".PP" : ".SH DESCRIPTION") "\n" text($0); next }
        section == "USAGE" { sub(/^ +/, ""); print text($0); next }
        section == "ARGUMENTS" { item("^  <[^>]*>"); next }
        section == "OPTIONS" { item("^  (-[a-z], )*--[a-z0-9-]+( <[^>]*>)?"); next }
        section == "SUBCOMMANDS" { item("^  [a-z][a-z-]*"); next }
        # Where the root says how to ask for more.
        /^ +See \047/ { next }
        { fail() }
        END {
            if (failed) exit failed
            print ".SH SEE ALSO"
            print (name == "gfn-dist" ? "\\fBmpirun\\fR(1)" : "\\fBgfn\\-dist\\fR(1), \\fBmpirun\\fR(1)")
        }' >"$folder/$1.1"
}

help_text | page gfn-dist
help_text | sed -n '/^SUBCOMMANDS:$/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | while read -r command; do
    help_text "$command" | page "gfn-dist-$command"
done
