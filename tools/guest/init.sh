#!/bin/busybox sh
# shellcheck shell=dash
# The first process of a guest of guest.sh: runs the test programs and powers off. A line
# "@result NAME EXIT_CODE SECONDS" follows each program, and one for `all` the last. An empty line
# comes before, since a program may have left a line of progress without an end.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
# Before Linux 6.8 the machine has one limit. The tests need that of newer kernels.
echo 131072 >/proc/sys/net/core/optmem_max
ulimit -n 65536
export INLAY_TEST_SCALE_DOWN=20
cd /tmp || exit

run() {  # name command...
  local name=$1 begun code
  shift
  echo "=== $*"
  begun=$(date +%s)
  timeout 400 "$@"
  code=$?
  echo
  echo "@result $name $code $(($(date +%s) - begun))"
}

# Succeeds if a capture of this machine, which has no socket yet, says just that.
no_sockets() {
  /build/tools/inlay capture --sockets -o none.inlay 2>said || return
  cat said
  grep -q 'note: no socket was found' said || return
  if grep 'not complete' said || /build/tools/inlay analyze none.inlay 2>said; then return 1; fi
  cat said
  grep -q 'no socket was captured' said
}

uname -a
record=$(grep -c inlay.record /proc/cmdline)
if [ "$record" -eq 0 ]; then
  begun=$(date +%s)
  no_sockets
  echo "@result no_sockets $? $(($(date +%s) - begun))"
  # Captures need no module.
  run live_sockets_test /build/tests/capture/live_capture_test --gtest_filter='LiveSockets.*'
fi
# Not raw_diag: the recordings are from a machine without it.
for module in inet_diag tcp_diag udp_diag unix_diag; do
  [ -e /lib/modules/$module.ko ] && insmod /lib/modules/$module.ko
done
if [ "$record" -ne 0 ]; then
  run live_kernel_test /build/tests/kernel/live_kernel_test /vectors --differs
  echo "@result all 0 0"
  poweroff -f
fi
run live_kernel_test /build/tests/kernel/live_kernel_test /vectors
run differential_test /build/tests/kernel/differential_test --on-kernel --operations 1000
run live_capture_test /build/tests/capture/live_capture_test --gtest_filter='-LiveSockets.*'
run capture_command_test /build/tests/capture/capture_command_test
run capture_signals_test /build/tests/capture/capture_signals_test
run live_map_test /build/tests/bpf/live_map_test
run mark_users_test /build/tests/bpf/mark_users_test
run ready_programs_test /build/tests/bpf/ready_programs_test
run collector_test /build/tests/bpf/collector_test
run bring_home_test /build/tests/bpf/bring_home_test
run collect_command_test /build/tests/bpf/collect_command_test
run shadow_test env INLAY_SHADOW_SECONDS=5 /build/tests/bpf/shadow_test
run kernel_bench /build/bench/kernel/kernel_bench --inlay_sockets=1000 --benchmark_repetitions=1
run leaves_nothing_test /build/bench/kernel/leaves_nothing_test /build/bench/kernel/kernel_bench
run demo_live bash /tools/demo_live.sh /build
run demo_bpf bash /tools/demo_bpf.sh /build 5
echo "@result all 0 0"
poweroff -f
