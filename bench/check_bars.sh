#!/usr/bin/env bash
# Measures all bars on the release build, and exits with 1 if one is not met. Wants a quiet machine.
# Programs that cannot measure here (exit code 77) say why, and are no failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
cmake --preset release >/dev/null && cmake --build --preset release >/dev/null || exit 1
failed=0
check() {  # program arguments...
  local program=$1
  shift
  echo "=== $program $*"
  "build/release/bench/$program" "$@" --inlay_check_bars
  case $? in
    0 | 77) ;;
    *) failed=1 ;;
  esac
}
check get_bench
check get_bench --inlay_sweep=sockets
check section_bench
check section_shared_bench
check write_bench
check full_table_bench
check spill_bench
check attack_bench
check report_bench
check keyed_bench
check handle_bench
check snapshot_bench
check scaling_bench
check map_count_bench
check memory_bench
check kernel/kernel_bench --inlay_sockets=500000
for sweep in maps connections census; do
  check kernel/kernel_bench --inlay_sweep="$sweep" --inlay_sockets=500000
done
echo "=== reload_bench: nobody is spilled 100 ms after each of 100 reloads at 10 bits"
build/release/bench/reload_bench 10 100 || failed=1
echo "=== counts.sh"
bench/counts.sh build/release/bench
case $? in
  0 | 77) ;;
  *) failed=1 ;;
esac
exit $failed
