#!/usr/bin/env bash
# Shows the main job on real data: sets up, builds, analyses and replays two recordings that are kept in
# tests/data, and measures the get of each layout over 500,000 emulated sockets.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n=== %s\n\n' "$*"; }
show() {
  printf '$'
  printf ' %s' "$@"
  printf '\n'
  "$@"
}

step "Set-up and release build (the first time takes some minutes)"
tools/setup.sh
mkdir -p build
cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
cmake --build --preset release --target inlay_cli get_bench
inlay=build/release/tools/inlay
data=tests/data

step "Would kernel struct tcp_info deduplicate as a whole? 10,429 records of 362 sockets"
show $inlay analyze --value-bytes 224 --top 3 $data/tcp_info/snapshots.tcp_info.bin

step "And its configuration-like columns? The same records, decoded"
gzip -dc $data/tcp_info/snapshots.tsv.gz >build/snapshots.tsv
show $inlay analyze --format tsv --top 3 --columns 6,7,11,12,22,28,29,34,53,54,55 build/snapshots.tsv

step "The country of each of 334,373 address ranges"
gzip -dc $data/ip_country/ip_country.csv.gz >build/ip_country.csv
show $inlay analyze --columns 3 --top 3 build/ip_country.csv
show $inlay replay --columns 3 build/ip_country.csv

step "What a get costs per packet: 500,000 sockets, 500 values of 100 bytes"
show build/release/bench/get_bench --benchmark_context=commit="$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
