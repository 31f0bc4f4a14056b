#!/usr/bin/env bash
# Runs what touches a kernel on other kernels than the machine's own: boots Debian's in QEMU, by
# software emulation, with an initramfs of the built test programs. Nothing is installed or mounted,
# and the machine's own kernel is not touched.
#
#   tools/test_kernels.sh [--build FOLDER] [VERSION...]    without a version: 6.1 6.12
#   tools/test_kernels.sh --record [--build FOLDER] [VERSION...]
#
# --record runs the scripts of tests/kernel/vectors alone, and keeps the answers that differ from
# those of the recording kernel in tests/kernel/vectors/linux-VERSION.
#
# Prints a line for each program, and one for each test that a program skips, with its reason. What
# the guests print is in build/kernels/VERSION/console.log; a line for each kernel, in
# build/kernels/summary. The kernels' packages are downloaded once, into the cache folder
# ~/.cache/inlay/kernels (XDG_CACHE_HOME).
#
# Exit codes: 0 all passed, 1 something failed, 2 wrong arguments, 77 no emulator here, or not all
# kernels could be had, and the others passed.
set -euo pipefail
cd "$(dirname "$0")/.."

build=
record=
versions=()
while [ $# -gt 0 ]; do
  case $1 in
    --build)
      [ $# -ge 2 ] || { echo "test_kernels: --build: expected a folder" >&2; exit 2; }
      build=$2
      shift
      ;;
    --record) record=inlay.record ;;
    [0-9]*.[0-9]*) versions+=("$1") ;;
    *) echo "test_kernels: '$1': expected --build FOLDER or a version such as 6.1" >&2; exit 2 ;;
  esac
  shift
done
[ ${#versions[@]} -gt 0 ] || versions=(6.1 6.12)
# shellcheck source=tools/guest/guest.sh
. tools/guest/guest.sh

prepare_guests amd64 build/kernels
[ "$(uname -m)" = x86_64 ] || cannot_boot "runs on x86-64 only"
need_for_guests
if [ -z "$build" ]; then
  build=build/release
  cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
  cmake --build --preset release --target "${guest_targets[@]}" >build/release.log 2>&1 ||
    { cat build/release.log; exit 1; }
fi

# Writes NAME.differs files from what live_kernel_test --differs has printed.
keep_differences() {  # version
  local version=$1 folder=tests/kernel/vectors/linux-$1
  grep -aq '^@result all ' "build/kernels/$version/console.log" || return 0
  rm -rf "$folder"
  mkdir -p "$folder"
  { tr -d '\r' <"build/kernels/$version/console.log" | grep -a '^@differs ' || true; } |
    while read -r _ script rest; do printf '%s\n' "$rest" >>"$folder/$script.differs"; done
  rmdir --ignore-fail-on-non-empty "$folder"
  grep -qx "$version" tests/kernel/vectors/versions ||
    echo "$version" >>tests/kernel/vectors/versions
}

run_guests "$build" "$record" "${versions[@]}"
if [ -n "$record" ]; then
  for version in "${versions[@]}"; do
    [ ! -f "build/kernels/$version/name" ] || keep_differences "$version"
  done
fi
printf '\nall in %d s\n' "$SECONDS"
[ "$guests_failed" -eq 0 ] || exit 1
[ "$guests_missing" -eq 0 ] || exit 77
