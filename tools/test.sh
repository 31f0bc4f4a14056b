#!/usr/bin/env bash
# Sets up, builds with both compilers, runs every test, then the sanitizers on the tests that matter
# for them (label `sanitize`). Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
started=$SECONDS
run() {  # preset options-of-ctest...
  local preset=$1
  shift
  local log=build/$preset.log
  mkdir -p build
  printf '\n=== %s (after %d s)\n' "$preset" $((SECONDS - started))
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; exit 1; }
  cmake --build --preset "$preset" >"$log" 2>&1 || { cat "$log"; exit 1; }
  ctest --preset "$preset" "$@"
}

# The library and the benchmarks as they are shipped, with g++.
run library
# Everything but the benchmarks, with clang: lock annotations checked, assertions on. The tools,
# which read what others wrote, are built and tested here only; tools/demo.sh builds them with g++.
run asan -L 'sanitize|tools'
run tsan -L sanitize
printf '\nall tests passed, in %d s\n' $((SECONDS - started))
