#!/usr/bin/env bash
# Builds the library and its tests for arm64, and runs them in QEMU's user mode: the engine, the
# contract of every layout, run-time constants, and the kernel's recorded answers. Debian's packages
# for arm64 are unpacked below build/arm64; nothing of theirs is installed.
#
#   tools/test_arm64.sh
#
# What this cannot show: QEMU runs on this machine's processor, whose memory order is stronger than
# arm64's. A missing barrier stays unseen. Nor does it show speed.
#
# Packages are downloaded once, into the cache folder ~/.cache/inlay/arm64 (XDG_CACHE_HOME).
# Exit codes: 0 all passed, 1 something failed, 77 no compiler, emulator or packages here.
set -euo pipefail
cd "$(dirname "$0")/.."

cannot() {
  echo "test_arm64: not run: $*" >&2
  exit 77
}
need() {  # command, package
  command -v "$1" >/dev/null || cannot "$1 is not installed: apt-get install $2"
}
need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
need qemu-aarch64-static qemu-user-static
need apt-get apt
need dpkg-deb dpkg

started=$SECONDS
packages=(liburcu-dev liburcu8 libgtest-dev libgmock-dev googletest libxxhash-dev)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/inlay/arm64
folder=build/arm64
sysroot=$PWD/$folder/sysroot
mkdir -p "$cache" "$folder"

# apt-get, with lists of its own: the system stays without a second architecture.
apt_arm64() {
  local apt=$PWD/$folder/apt
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  touch "$apt/status"
  (cd "$cache" && apt-get -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" \
    -o Dir::Cache="$apt/cache" -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o APT::Sandbox::User=root "$@")
}

missing=()
for package in "${packages[@]}"; do
  compgen -G "$cache/${package}_*.deb" >/dev/null || missing+=("$package")
done
if [ ${#missing[@]} -ne 0 ]; then
  { apt_arm64 update && apt_arm64 download "${missing[@]}"; } >"$folder/fetch.log" 2>&1 ||
    { cat "$folder/fetch.log" >&2; cannot "apt-get cannot download ${missing[*]} for arm64"; }
  rm -rf "$folder/apt"
fi
rm -rf "$sysroot"
for package in "${packages[@]}"; do
  for file in "$cache/${package}"_*.deb; do dpkg-deb -x "$file" "$sysroot"; done
done

targets=(
  engine_test engine_threads_test races_test no_thread_test
  runtime_constant_test runtime_constant_loads_test runtime_constant_unoptimised_fixed_test
  contract_test contract_threads_test recorded_answers_test
)
printf '=== arm64: build\n'
{
  cmake --preset arm64 && cmake --build --preset arm64 --target "${targets[@]}"
} >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; exit 1; }
built=$SECONDS
printf '=== arm64: tests (the build took %d s)\n' $((built - started))
filter=$(printf '|%s' "${targets[@]}")
ctest --preset arm64 -R "^(${filter:1})(\.[01])?\$" 2>&1 | tee "$folder/tests.log"
printf 'arm64: %s (build %d s, tests %d s)\n' "$(grep 'tests passed' "$folder/tests.log")" \
  $((built - started)) $((SECONDS - built))
