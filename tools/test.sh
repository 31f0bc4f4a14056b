#!/usr/bin/env bash
# Sets up, builds with both compilers, runs every test, then the sanitizers on the tests that matter for
# them (label `sanitize`). Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh
started=$SECONDS
run() {
  local preset=$1
  shift
  printf '\n=== %s (after %d s)\n' "$preset" $((SECONDS - started))
  cmake --preset "$preset" >"build.$preset.log" 2>&1 || { cat "build.$preset.log"; exit 1; }
  cmake --build --preset "$preset" >"build.$preset.log" 2>&1 || { cat "build.$preset.log"; exit 1; }
  rm -f "build.$preset.log"
  ctest --preset "$preset" "$@"
}

run release
run clang -L sanitize
run asan -L sanitize
run tsan -L sanitize
printf '\nall tests passed, in %d s\n' $((SECONDS - started))
