#!/usr/bin/env bash
# Builds for arm64, and runs the tests by emulation. Debian's packages for arm64 are unpacked below
# build/arm64; nothing of theirs is installed.
#
#   tools/test_arm64.sh                        programs of the library, in QEMU's user mode: the
#                                              engine, the contract of every layout, run-time
#                                              constants, and the kernel's recorded answers
#   tools/test_arm64.sh --kernel [VERSION...]  all that test_kernels.sh runs, on Debian's arm64
#                                              kernels; without a version: 6.1 6.12
#
# What this cannot show: QEMU runs on this machine's processor, whose memory order is stronger than
# arm64's. A missing barrier stays unseen. Nor does it show speed.
#
# Packages are downloaded once, into the cache folders ~/.cache/inlay/arm64 and
# ~/.cache/inlay/kernels (XDG_CACHE_HOME). What the guests print is in
# build/arm64/kernels/VERSION/console.log.
#
# Exit codes: 0 all passed, 1 something failed, 2 wrong arguments, 77 no compiler, emulator or
# packages here.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/guest/guest.sh
. tools/guest/guest.sh

kernel=
versions=()
while [ $# -gt 0 ]; do
  case $1 in
    --kernel) kernel=1 ;;
    [0-9]*.[0-9]*) versions+=("$1") ;;
    *) echo "test_arm64: '$1': expected --kernel, and then a version such as 6.1" >&2; exit 2 ;;
  esac
  shift
done
if [ ${#versions[@]} -eq 0 ]; then
  versions=(6.1 6.12)
elif [ -z "$kernel" ]; then
  echo "test_arm64: ${versions[0]}: a version needs --kernel" >&2
  exit 2
fi

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

packages=(liburcu-dev liburcu8 libgtest-dev libgmock-dev googletest libxxhash-dev)
cache_arm64=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/inlay/arm64
folder=build/arm64
sysroot=$PWD/$guest_sysroot
if [ -n "$kernel" ]; then
  prepare_guests arm64 $folder/kernels
  need_for_guests
  packages+=(
    libbpf-dev libbpf1 libelf-dev libelf1 zlib1g-dev zlib1g  # what the command is built with
    libabsl-dev libabsl20220623 libcli11-dev nlohmann-json3-dev libzstd-dev libzstd1
    libbenchmark-dev libbenchmark1debian
    busybox-static bash dash util-linux mount  # what the guest runs, and needs for that
    libtinfo6 libselinux1 libpcre2-8-0 libmount1 libblkid1 libcap-ng0 libsmartcols1
  )
fi
mkdir -p "$cache_arm64" "$folder"

# apt-get or apt-cache, with lists of its own: the system stays without a second architecture.
apt=$PWD/$folder/apt
apt_arm64() {  # command arguments...
  "$1" -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" \
    -o Dir::Cache="$apt/cache" -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o APT::Sandbox::User=root "${@:2}"
}
fetch_lists() {
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  touch "$apt/status"
  apt_arm64 apt-get update >"$folder/fetch.log" 2>&1
}

missing=()
for package in "${packages[@]}"; do
  compgen -G "$cache_arm64/${package}_*.deb" >/dev/null || missing+=("$package")
done
# Without the lists, kernels that are in the cache already serve.
if [ ${#missing[@]} -ne 0 ] || [ -n "$kernel" ]; then fetch_lists || true; fi
if [ ${#missing[@]} -ne 0 ]; then
  (cd "$cache_arm64" && apt_arm64 apt-get download "${missing[@]}") >>"$folder/fetch.log" 2>&1 ||
    { cat "$folder/fetch.log" >&2; cannot "apt-get cannot download ${missing[*]} for arm64"; }
fi
rm -rf "$sysroot"
for package in "${packages[@]}"; do
  for file in "$cache_arm64/${package}"_*.deb; do dpkg-deb -x "$file" "$sysroot"; done
done
if [ -n "$kernel" ]; then  # as a system of today, where the linker finds what libraries need
  cp -a "$sysroot/lib/." "$sysroot/usr/lib"
  rm -rf "${sysroot:?}/lib"
  ln -s usr/lib "$sysroot/lib"
fi

build() {  # targets...
  printf '=== arm64: build\n'
  {
    cmake --preset arm64 "${options[@]}" && cmake --build "$build" -j "$(nproc)" --target "$@"
  } >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; exit 1; }
  built=$SECONDS
}
if [ -n "$kernel" ]; then
  build=$folder/live
  options=(-B "$build" -D INLAY_BUILD_TOOLS=ON -D INLAY_BUILD_BENCH=ON)
  build "${guest_targets[@]}"
  printf '(the build took %d s)\n' "$built"
  run_guests $build '' "${versions[@]}"
  rm -rf "$apt"
  printf '\nall in %d s\n' "$SECONDS"
  [ "$guests_failed" -eq 0 ] || exit 1
  [ "$guests_missing" -eq 0 ] || exit 77
  exit 0
fi
rm -rf "$apt"
build=$folder/build
options=()
targets=(
  engine_test engine_threads_test races_test no_thread_test
  runtime_constant_test runtime_constant_loads_test runtime_constant_unoptimised_fixed_test
  contract_test contract_threads_test recorded_answers_test
)
build "${targets[@]}"
printf '=== arm64: tests (the build took %d s)\n' "$built"
filter=$(printf '|%s' "${targets[@]}")
ctest --preset arm64 -R "^(${filter:1})(\.[01])?\$" 2>&1 | tee "$folder/tests.log"
printf 'arm64: %s (build %d s, tests %d s)\n' "$(grep 'tests passed' "$folder/tests.log")" \
  "$built" $((SECONDS - built))
