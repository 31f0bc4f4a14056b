#!/usr/bin/env bash
# Sets up, builds with both compilers, runs every test, then the sanitizers on the tests that matter for
# them (label `sanitize`). Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
started=$SECONDS
run() {  # preset options-of-cmake options-of-ctest...
  local preset=$1 options=$2
  shift 2
  local log=build/$preset.log
  mkdir -p build
  printf '\n=== %s (after %d s)\n' "$preset" $((SECONDS - started))
  # shellcheck disable=SC2086
  cmake --preset "$preset" $options >"$log" 2>&1 || { cat "$log"; exit 1; }
  cmake --build --preset "$preset" >"$log" 2>&1 || { cat "$log"; exit 1; }
  ctest --preset "$preset" "$@"
}

# Everything as it is shipped, with g++.
run release -DINLAY_TEST_TOOLS=OFF
# Everything but the benchmarks, with clang: lock annotations checked, assertions on. The tools, which
# read what others wrote, are tested here only.
run asan "" -L 'sanitize|tools'
run tsan "" -L sanitize
printf '\nall tests passed, in %d s\n' $((SECONDS - started))
