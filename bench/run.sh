#!/usr/bin/env bash
# Runs all benchmarks and makes a report of the results.
#
#   bench/run.sh [quick|full] [FOLDER]
#
# quick   about 5 minutes: fewer sockets and repetitions, for a first picture
# full    about 20 minutes: the runs that bench/results/ keeps. Wants a quiet machine and 16 GB
#
# Everything goes into FOLDER (build/results/<date>): a JSON file and a text file per run,
# report.html and summary.md. A program that cannot run here (exit code 77) is left out, and its
# reason printed. One that fails is named at the end, and the exit code is 1.
set -uo pipefail
export LC_ALL=C
here=$PWD
cd "$(dirname "$0")/.." || exit 1

size=${1:-quick}
case $size in
  quick) sockets=100000 kernel_sockets=20000 counted=3000
         get=(--benchmark_repetitions=5 --benchmark_min_time=0.02)
         sockets_sweep=("${get[@]}")
         few=(--benchmark_repetitions=3 --benchmark_min_time=0.02) ;;
  full)  sockets=500000 kernel_sockets=500000 counted=10000
         get=(--benchmark_repetitions=7 --benchmark_min_time=0.02)
         sockets_sweep=(--benchmark_repetitions=15 --benchmark_min_time=0.02)  # has a bar
         few=(--benchmark_repetitions=3) ;;
  *) echo "run: $size: there are quick and full" >&2; exit 2 ;;
esac
folder=${2:-build/results/$(date +%Y-%m-%dT%H%M)}
case $folder in
  /*) ;;
  *) [ $# -lt 2 ] || folder=$here/$folder ;;
esac
mkdir -p "$folder" || exit 1
if compgen -G "$folder/*.json" >/dev/null; then
  echo "run: $folder: holds results already; name another folder" >&2
  exit 2
fi

build() {
  # A warning of a compiler that this project does not know need not stop a measurement.
  cmake --preset release -D INLAY_WERROR=OFF &&
    cmake --build --preset release --target get_bench section_bench section_shared_bench \
      write_bench full_table_bench spill_bench attack_bench report_bench keyed_bench handle_bench \
      snapshot_bench churn_bench scaling_bench map_count_bench memory_bench kernel_bench \
      count_rounds inlay_cli
}
echo "building"
mkdir -p build
if ! build >build/bench.log 2>&1; then
  tail -n 30 build/bench.log >&2
  echo "run: the build failed, see above and build/bench.log" >&2
  exit 1
fi
programs=build/release/bench
started=$SECONDS
total=26
number=0
skipped=()
failed=()

# One program (and sweep) into its own files.
run() {  # name command...
  local name=$1 before=$SECONDS code=0
  shift
  number=$((number + 1))
  printf '[%2d/%d] %-22s ' "$number" "$total" "$name"
  "$@" >"$folder/$name.txt" 2>&1 || code=$?
  case $code in
    0)  printf '%4d s\n' $((SECONDS - before)) ;;
    77)
      printf 'skipped: %s\n' "$(tail -1 "$folder/$name.txt")"
      skipped+=("$name")
      rm -f "$folder/$name.json" ;;
    *)
      printf 'FAILED (exit code %d), see %s\n' "$code" "$folder/$name.txt"
      failed+=("$name")
      rm -f "$folder/$name.json" ;;
  esac
}
bench() {  # name program arguments...
  local name=$1 program=$2
  shift 2
  run "$name" "$programs/$program" --inlay_sockets="$sockets" \
    --benchmark_out="$folder/$name.json" --benchmark_out_format=json "$@"
}

if [ "$size" = full ]; then
  bench get_base get_bench --inlay_sweep=base  # with its own, many repetitions
else
  bench get_base get_bench --inlay_sweep=base "${get[@]}"
fi
bench get_sockets get_bench --inlay_sweep=sockets "${sockets_sweep[@]}"
for sweep in values bytes touched; do
  bench "get_$sweep" get_bench --inlay_sweep=$sweep "${get[@]}"
done
bench section section_bench "${few[@]}"
bench section_shared section_shared_bench "${few[@]}"
bench write write_bench "${few[@]}"
bench full_table full_table_bench "${few[@]}"
bench spill spill_bench
bench attack attack_bench "${few[@]}"
bench report_time report_bench
bench keyed keyed_bench "${few[@]}"
bench handle handle_bench "${few[@]}"
bench snapshot snapshot_bench "${few[@]}"
bench churn churn_bench "${few[@]}"
bench scaling scaling_bench "${few[@]}"
if [ "$size" = full ]; then
  bench map_count map_count_bench  # has bars
else
  bench map_count map_count_bench "${few[@]}"
fi
run kernel "$programs/kernel/kernel_bench" --inlay_sockets="$kernel_sockets" \
  --benchmark_out="$folder/kernel.json" --benchmark_out_format=json "${few[@]}"
for sweep in base values bytes maps breakeven; do
  bench "memory_$sweep" memory_bench --inlay_sweep=$sweep
done
run counts env SOCKETS=$counted bench/counts.sh "$programs" "$folder/counts.json"

number=$((number + 1))
printf '[%2d/%d] %-22s ' "$number" "$total" report
# The run that all others are compared with comes first, if there is one.
results=()
[ ! -f "$folder/get_base.json" ] || results=("$folder/get_base.json")
for file in "$folder"/*.json; do
  [ "$file" = "$folder/get_base.json" ] || results+=("$file")
done
build/release/tools/inlay report "${results[@]}" \
  --html "$folder/report.html" --markdown "$folder/summary.md" || failed+=(report)
printf '\nin %d s: %s\n' $((SECONDS - started)) "$folder/report.html"
[ ${#skipped[@]} -eq 0 ] || echo "skipped: ${skipped[*]}"
[ ${#failed[@]} -eq 0 ] || { echo "FAILED: ${failed[*]}" >&2; exit 1; }
