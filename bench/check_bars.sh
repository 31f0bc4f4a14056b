#!/usr/bin/env bash
# Measures all bars on the release build and exits with 1 if one is not met. Wants a quiet machine. What
# cannot be measured here (exit code 77) is named and is no failure.
set -uo pipefail
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null && cmake --build --preset release >/dev/null || exit 1
failed=0
check() {
  echo "=== $*"
  "build/release/bench/$@" --inlay_check_bars
  case $? in
    0 | 77) ;;
    *) failed=1 ;;
  esac
}
check get_bench
check get_bench --inlay_sweep=sockets
check write_bench
check scaling_bench
check map_count_bench
check memory_bench
check kernel/kernel_bench --inlay_sockets=500000
echo "=== counts.sh"
bench/counts.sh build/release/bench
case $? in
  0 | 77) ;;
  *) failed=1 ;;
esac
exit $failed
