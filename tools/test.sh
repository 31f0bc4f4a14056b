#!/usr/bin/env bash
# Sets up, checks, builds and runs every test. Stops at the first failure.
#
#   tools/test.sh [quick | --mutants]
#
# check   tools/check.sh: formatting, clang-tidy on what changed, scripts, spelling, links, includes
# gcc     everything with g++, optimised: all tests, those on the live kernel included
# kernels the tests on the live kernel again, on Debian's other kernels in QEMU
# asan    the library and the tools with clang, assertions, lock annotations, and the address and
#         undefined-behaviour sanitizers: their tests
# tsan    the library with clang and the thread sanitizer: the tests that start threads
#
# quick runs check without clang-tidy, and gcc without the long tests and those on the live kernel.
# --mutants runs nothing of this, but seeds bugs into a copy of the library, one at a time: each
# must make a test fail (tests/mutants/README.md).
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-all} in
  all) quick= ;;
  quick) quick=1 ;;
  --mutants) exec python3 tests/mutants/run_mutants.py ;;
  *) echo "test: '$1': expected quick, --mutants, or nothing" >&2; exit 2 ;;
esac

summary=()
run() {  # preset options-of-ctest...
  local preset=$1 log=build/$1.log started=$SECONDS built
  shift
  printf '\n=== %s: build (after %d s)\n' "$preset" "$SECONDS"
  {
    cmake --preset "$preset" && cmake --build --preset "$preset"
  } >"$log" 2>&1 || { cat "$log"; exit 1; }
  built=$SECONDS
  printf '\n=== %s: tests (the build took %d s)\n' "$preset" $((built - started))
  ctest --preset "$preset" "$@" 2>&1 | tee "build/$preset.tests"
  summary+=("$preset: $(grep 'tests passed' "build/$preset.tests")$(
    ) (build $((built - started)) s, tests $((SECONDS - built)) s)")
}

run_kernels() {  # folder of a build
  local code=0 line
  printf '\n=== kernels: tests (after %d s)\n' "$SECONDS"
  tools/test_kernels.sh --build "$1" || code=$?
  [ "$code" -eq 0 ] || [ "$code" -eq 77 ] || exit 1
  while read -r line; do summary+=("$line"); done <build/kernels/summary
}

tools/setup.sh test
mkdir -p build
printf '\n=== check\n'
if [ -n "$quick" ]; then
  tools/check.sh format shell spelling links lines includes shape
  run gcc -LE 'kernel|long'
else
  tools/check.sh
  run gcc
  run_kernels build/gcc
  run asan -L 'sanitize|tools'
  run tsan -L sanitize
fi
printf '\n'
printf '%s\n' "${summary[@]}"
printf 'all in %d s\n' "$SECONDS"
