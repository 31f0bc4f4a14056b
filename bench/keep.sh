#!/usr/bin/env bash
# Keeps the results of a run under bench/results/<date>: the report, the summary, and the JSON without the
# fields that repeat what others say.
#
#   bench/keep.sh FOLDER
set -euo pipefail
export LC_ALL=C
from=${1:?usage: bench/keep.sh FOLDER}
cd "$(dirname "$0")/.."
commit=$(sed -n 's/.*"commit": "\(.*\)".*/\1/p' "$from/get_base.json")
date=$(sed -n 's/.*"date": "\([0-9-]*\).*/\1/p' "$from/get_base.json")
case $commit in
  *-dirty | unknown* | "") echo "keep: these results are of '$commit': keep results of a commit only" >&2; exit 1 ;;
esac
to=bench/results/$date
mkdir -p "$to"
for file in "$from"/*.json; do
  grep -vE '^ *"(repetitions|repetition_index|threads|cpu_time|iterations)": ' \
    "$file" | sed 's/^ *//' >"$to/$(basename "$file")"
done
cp "$from/report.html" "$from/summary.md" "$to/"
echo "kept in $to: $(du -sh "$to" | cut -f1)"
