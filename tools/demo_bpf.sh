#!/usr/bin/env bash
# Shows socket storage and a map of inlay.bpf.h side by side on the running kernel: 60 processes
# open UDP sockets on loopback, in a network namespace and a cgroup of their own; a BPF program
# gives each socket the 88 bytes that a runtime-security product keeps of the task that opened it,
# in both; datagrams find the sockets in random order. Prints what a get, a create and a socket cost
# in both. Takes at most two minutes, and leaves nothing behind.
#
#   tools/demo_bpf.sh [FOLDER OF A BUILD [SOCKETS OF A PROCESS]]
#
# Needs root, a kernel with BTF (Linux 6.1 or newer) and cgroup2; without one of them it says which,
# and exits with 77.
set -euo pipefail
cd "$(dirname "$0")/.."

cannot() {
  echo "demo_bpf: $*" >&2
  exit 77
}

[ "$(id -u)" -eq 0 ] || cannot "run it as root: it loads BPF programs"
[ -r /sys/kernel/btf/vmlinux ] || cannot "this kernel has no BTF (/sys/kernel/btf/vmlinux)"
grep -q ' cgroup2 ' /proc/mounts || cannot "no cgroup2 file system is mounted"

build=${1:-build/demo}
if [ $# -eq 0 ]; then
  tools/setup.sh live
  mkdir -p build
  cmake --preset demo >build/demo.log 2>&1 || { cat build/demo.log; exit 1; }
  # Where nothing compiles for BPF there is no such target.
  cmake --build --preset demo --target demo_bpf ||
    cannot "built without libbpf or a compiler for BPF"
fi
[ -x "$build/tools/demo_bpf" ] || cannot "built without libbpf or a compiler for BPF"

# 30,000 sockets take 130 MiB of kernel memory, and are more than a cache holds.
timeout 120 "$build/tools/demo_bpf" 60 "${2:-500}"
