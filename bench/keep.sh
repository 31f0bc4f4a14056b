#!/usr/bin/env bash
# Keeps the results of a run under bench/results/<date>: the summary, and the JSON without fields
# that repeat others. `inlay report` makes the page with charts from the JSON at any time.
#
#   bench/keep.sh FOLDER
set -euo pipefail
export LC_ALL=C
from=$(realpath "${1:?usage: bench/keep.sh FOLDER}")
cd "$(dirname "$0")/.."
commit=$(sed -n 's/.*"commit": "\(.*\)".*/\1/p' "$from/get_base.json")
date=$(sed -n 's/.*"date": "\([0-9-]*\).*/\1/p' "$from/get_base.json")
case $commit in
  *-dirty | unknown* | "")
    echo "keep: these results are of '$commit': keep results of a commit only" >&2
    exit 1 ;;
esac
to=bench/results/$date
# What was typed to make the files, without where this machine had them.
local_folder="s#$from/#build/results/$date/#g"
# The folder of an earlier run of that day is replaced as a whole, and only if this one can be read.
made=$(mktemp -d bench/results/.keep.XXXXXX)
trap 'rm -rf "$made"' EXIT
for file in "$from"/*.json; do
  grep -vE '^ *"(repetitions|repetition_index|threads|cpu_time|iterations)": ' \
    "$file" | sed -e 's/^ *//' -e "$local_folder" >"$made/$(basename "$file")"
done
build/release/tools/inlay report "$made"/*.json --markdown "$made/checked.md" >/dev/null
rm "$made/checked.md"
sed "$local_folder" "$from/summary.md" >"$made/summary.md"
chmod 755 "$made"
rm -rf "$to"
mv "$made" "$to"
trap - EXIT
echo "kept in $to: $(du -sh "$to" | cut -f1)"
