#!/usr/bin/env bash
# Measures all bars on the release build and exits with 1 if one is not met. Wants a quiet machine.
set -uo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
cmake --preset release >/dev/null && cmake --build --preset release >/dev/null || exit 1
failed=0
for program in get_bench write_bench memory_bench map_count_bench; do
  echo "=== $program"
  build/release/bench/$program --inlay_check_bars --benchmark_context=commit="$commit" || failed=1
done
exit $failed
