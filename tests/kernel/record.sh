#!/usr/bin/env bash
# Records answers anew, next to the scripts in vectors/:
#
#   record.sh build/release/tests/kernel/bpf_script kernel    the live kernel's answers (needs root)
#   record.sh build/release/tests/kernel/bpf_script layouts   where layouts answer differently
#
# Look at what has changed before you keep it. The second is for layouts whose charges have changed
# on purpose; recorded_answers_test still refuses differences on lines that depend on no charge.
set -euo pipefail

if [ $# -ne 2 ]; then
  sed -n 's/^# \{0,1\}//p' "$0" | sed -n 2,5p >&2
  exit 2
fi
bpf_script=$(realpath "$1")
cd "$(dirname "$0")/vectors"

case $2 in
  kernel)
    for script in *.txt; do
      "$bpf_script" --on kernel <"$script" >new.expected || { rm -f new.expected; exit 1; }
      mv new.expected "${script%.txt}.expected"
    done
    ;;
  layouts)
    for layout in inline single_pointer shared_pointer index; do
      mkdir -p "$layout"
      rm -f "$layout"/*.differs
      for script in *.txt; do
        "$bpf_script" --on "$layout" <"$script" |
          awk 'NR == FNR { kernel[FNR] = $0; next } $0 != kernel[FNR] { print FNR "\t" $0 }' \
            "${script%.txt}.expected" - >"$layout/${script%.txt}.differs"
      done
      find "$layout" -name '*.differs' -empty -delete
    done
    ;;
  *)
    echo "record.sh: neither kernel nor layouts: $2" >&2
    exit 2
    ;;
esac
