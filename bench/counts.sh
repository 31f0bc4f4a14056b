#!/usr/bin/env bash
# Counts what an operation of each layout takes, in figures that no noise touches: instructions, and
# misses in a simulated data cache (valgrind's cachegrind), beside the cache lines that a get loads
# by the layout's own account.
#
#   bench/counts.sh [FOLDER_OF_PROGRAMS] [OUT.json]
#
# The cost of one operation is the difference between a run of three rounds over all sockets and a
# run of one round, less the same difference for the walk alone. The simulated caches hold the table
# of values but not the sockets: 32 KiB first level, 512 KiB last level, 10,000 sockets.
#
# Exits with 1 if the simulation disagrees with a layout: own lines must miss in the first level,
# shared lines may. SOCKETS=N sets another size. Exits with 77 without valgrind.
set -euo pipefail
export LC_ALL=C
programs=${1:-$(dirname "$0")/../build/release/bench}
out=${2:-}
sockets=${SOCKETS:-10000}
layouts="pointer single_pointer inline shared_pointer index index9"

command -v valgrind >/dev/null || {
  echo "counts: valgrind is not installed (apt-get install valgrind)" >&2
  exit 77
}
[ -x "$programs/count_rounds" ] || {
  echo "counts: $programs/count_rounds is not there; build it" >&2
  exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Instructions, first-level and last-level data misses (reads and writes) of one run.
run() {  # operation layout rounds
  valgrind --tool=cachegrind --cache-sim=yes --D1=32768,8,64 --LL=524288,16,64 \
    --cachegrind-out-file="$work/counts" --log-file="$work/log" \
    "$programs/count_rounds" "$1" "$2" "$3" "$sockets" >"$work/lines" || {
      cat "$work/log" >&2
      exit 1
    }
  awk '/^summary:/ { print $2, $6 + $9, $7 + $10 }' "$work/counts"
}
# The same of one operation: by the difference of two runs.
per_operation() {  # operation layout
  local one three
  one=$(run "$1" "$2" 1) || return
  three=$(run "$1" "$2" 3) || return
  echo "$one $three" | awk -v n="$sockets" '{
    for (i = 1; i <= 3; i++) printf "%.3f ", ($(i + 3) - $i) / (2 * n)
  }'
}

"$programs/count_rounds" context
echo "sockets $sockets, values 500 of 100 bytes; per operation, over touch"
printf '%-8s %-16s %12s %9s %9s %10s %13s\n' \
  op layout instructions D1-misses LL-misses own_lines shared_lines
failed=0
: >"$work/json"
for layout in $layouts; do
  touch=$(per_operation touch "$layout") || exit 1
  for operation in get update; do
    figures=$(per_operation "$operation" "$layout") || exit 1
    lines=$(awk '{ print ($4 == "" ? "- -" : $4 " " $6) }' "$work/lines")
    echo "$figures $touch $lines" |
      awk -v op="$operation" -v layout="$layout" -v n="$sockets" -v json="$work/json" '{
      instructions = $1 - $4; d1 = $2 - $5; ll = $3 - $6
      printf "%-8s %-16s %12.1f %9.2f %9.2f %10s %13s\n", op, layout, instructions, d1, ll, $7, $8
      name = sprintf("Counts/%s/%s/sockets:%d", layout, op, n)
      printf ",\n    {\"name\": \"%s\", \"run_name\": \"%s\", \"run_type\": \"iteration\"", \
        name, name >> json
      printf ", \"iterations\": %d, \"real_time\": 0, \"cpu_time\": 0, \"time_unit\": \"ns\"", \
        2 * n >> json
      printf ", \"instructions\": %.1f, \"d1_misses\": %.3f, \"ll_misses\": %.3f", \
        instructions, d1, ll >> json
      if (op == "get") printf ", \"own_lines\": %s, \"shared_lines\": %s", $7, $8 >> json
      printf "}" >> json
      # A line more or less now and then is the walk itself, which shares the cache.
      if (op == "get" && (d1 < $7 - 0.1 || d1 > $7 + $8 + 0.1)) {
        printf "counts: %s: by its account a get loads %s own lines and %s shared lines, ", \
          layout, $7, $8 > "/dev/stderr"
        printf "but %.2f lines miss\n", d1 > "/dev/stderr"
        exit 1
      }
    }' || failed=1
  done
done

if [ -n "$out" ]; then
  {
    printf '{\n  "context": {\n    "date": "%s",\n    "num_cpus": %d' \
      "$(date -Iseconds)" "$(grep -c ^processor /proc/cpuinfo)"
    "$programs/count_rounds" context | sed 's/[\\"]/\\&/g' |
      while read -r key value; do
        [ "$key" = command ] && value="bench/counts.sh"
        [ "$key" = program ] && value="counts.sh"
        printf ',\n    "%s": "%s"' "$key" "$value"
      done
    printf '\n  },\n  "benchmarks": [\n'
    tail -c +3 "$work/json"
    printf '\n  ]\n}\n'
  } >"$out.partial"
  mv "$out.partial" "$out"
fi
exit $failed
