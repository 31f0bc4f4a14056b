#!/usr/bin/env bash
# Shows the main job on real data: sets up, builds, analyses and replays two recordings of
# tests/data, and measures the get of each layout over 500,000 emulated sockets.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n=== %s (after %d s)\n\n' "$*" "$SECONDS"; }
show() {
  printf '$'
  printf ' %s' "$@"
  printf '\n'
  "$@"
}
# On a terminal ninja shows its progress in one line.
build() {
  if [ -t 1 ]; then
    cmake --build --preset demo --target "$@"
  else
    cmake --build --preset demo --target "$@" >build/demo.log 2>&1 || {
      cat build/demo.log
      exit 1
    }
  fi
}

step "Packages that are missing, and a build of the command"
tools/setup.sh demo
mkdir -p build
cmake --preset demo >build/demo.log 2>&1 || { cat build/demo.log; exit 1; }
build inlay_cli
inlay=build/demo/tools/inlay
data=tests/data

step "Would kernel struct tcp_info deduplicate as a whole? 10,429 records of 362 sockets"
show $inlay analyze --value-bytes 224 --top 3 $data/tcp_info/snapshots.tcp_info.bin

step "And its configuration-like columns? The same records, decoded"
gzip -dc $data/tcp_info/snapshots.tsv.gz >build/snapshots.tsv
show $inlay analyze --format tsv --top 3 --columns 6,7,11,12,22,28,29,34,53,54,55 \
  build/snapshots.tsv

step "The country of each of 334,373 address ranges"
gzip -dc $data/ip_country/ip_country.csv.gz >build/ip_country.csv
show $inlay analyze --columns 3 --top 3 build/ip_country.csv
show $inlay replay --columns 3 build/ip_country.csv

step "What does a get cost per packet? 500,000 sockets, 500 values of 100 bytes"
build get_bench
show build/demo/bench/get_bench --benchmark_repetitions=11 --benchmark_min_time=0.05
