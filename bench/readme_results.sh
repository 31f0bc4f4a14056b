#!/usr/bin/env bash
# Puts the headline table of the newest kept results into the README, between its two markers, and
# its chart into docs/headline.svg. With --check it changes nothing, and exits with 1 if one of them
# is missing or another.
#
#   bench/readme_results.sh [--check] [PATH_OF_INLAY]
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
check=
[ "${1:-}" = --check ] && { check=1; shift; }
inlay=${1:-build/release/tools/inlay}
[ -x "$inlay" ] || { echo "readme_results: $inlay is not there; build it or name it" >&2; exit 2; }

kept=(bench/results/*/)  # sorted, so the last one is the newest
results=${kept[-1]}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$inlay" report "$results"*.json --table --chart "$work/headline.svg" >"$work/table"
awk -v table="$work/table" '
  /<!-- results: end -->/ { inside = 0; ended = 1 }
  !inside
  /<!-- results: begin/ {
    inside = 1; began = 1
    print ""
    while ((getline line < table) > 0) print line
    print ""
  }
  END { if (!began || !ended) exit 1 }
' README.md >"$work/README.md" || {
  echo "readme_results: README.md lacks a marker, <!-- results: begin --> or end" >&2
  exit 2
}
if [ -n "$check" ]; then
  diff -u README.md "$work/README.md" >&2 || {
    echo "readme_results: README.md has not the table of $results; run bench/readme_results.sh" >&2
    exit 1
  }
  diff -u docs/headline.svg "$work/headline.svg" >&2 || {
    echo "readme_results: docs/headline.svg does not show $results; run bench/readme_results.sh" >&2
    exit 1
  }
else
  cat "$work/README.md" >README.md
  cat "$work/headline.svg" >docs/headline.svg
fi
