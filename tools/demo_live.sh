#!/usr/bin/env bash
# Shows a capture from the running kernel: opens some thousands of TCP and UDP sockets on loopback,
# in network namespaces of its own, while a BPF program gives each socket the 88 bytes that a
# runtime-security product keeps of the task that opened it. Captures these values, and says whether
# they would deduplicate. Leaves nothing behind.
#
#   tools/demo_live.sh [FOLDER OF A BUILD]
#
# Needs root, a kernel with BTF (Linux 5.12 or newer) and cgroup2; without one of them it says
# which, and exits with 77.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n=== %s\n\n' "$*"; }
show() {
  printf '$'
  printf ' %s' "$@"
  printf '\n'
  "$@"
}
cannot() {
  echo "demo_live: $*" >&2
  exit 77
}

[ "$(id -u)" -eq 0 ] || cannot "run it as root: it loads a BPF program"
[ -r /sys/kernel/btf/vmlinux ] || cannot "this kernel has no BTF (/sys/kernel/btf/vmlinux)"
grep -q ' cgroup2 ' /proc/mounts || cannot "no cgroup2 file system is mounted"

build=${1:-build/demo}
if [ $# -eq 0 ]; then
  step "Packages that are missing, and a build of the command"
  tools/setup.sh live
  mkdir -p build
  cmake --preset demo >build/demo.log 2>&1 || { cat build/demo.log; exit 1; }
  cmake --build --preset demo --target inlay_cli
  # Where nothing compiles for BPF there is no such target.
  cmake --build --preset demo --target demo_sockets ||
    cannot "built without libbpf or a compiler for BPF"
fi
inlay=$build/tools/inlay
[ -x "$build/tools/demo_sockets" ] || cannot "built without libbpf or a compiler for BPF"

work=$(mktemp -d)
holder=
clean_up() {
  # It ends with its standard input, and its sockets, cgroup, namespaces and programs with it.
  exec 3>&- || true
  [ -z "$holder" ] || wait "$holder" || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP PIPE

step "60 processes open 40 connections and 40 UDP sockets each; a BPF program notes who"
mkfifo "$work/hold"
"$build/tools/demo_sockets" 60 40 40 <"$work/hold" >"$work/map_id" 3>&- &
holder=$!
exec 3>"$work/hold"
until [ -s "$work/map_id" ]; do
  kill -0 "$holder" 2>/dev/null || cannot "demo_sockets could not open its sockets"
  sleep 0.1
done
map_id=$(cat "$work/map_id")

step "Which maps are there, and what do they take?"
show "$inlay" maps

step "The values of all sockets, as a file"
show "$inlay" capture --map-id "$map_id" -o "$work/now.inlay"
show "$inlay" analyze --top 3 "$work/now.inlay"

step "And what is set on the sockets of this machine, whatever opened them?"
show "$inlay" capture --sockets --analyze | sed -n 1,40p
