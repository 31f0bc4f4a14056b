#!/usr/bin/env bash
# Installs the Debian packages that a use of the project needs and that are missing.
#
#   tools/setup.sh [demo|live|bench|test]     without a word: test
#
# demo    the `inlay` command and the benchmark of tools/demo.sh
# live    and what captures values of the running kernel, for tools/demo_live.sh
# bench   and what the other benchmarks need, for bench/run.sh
# test    and all that tools/test.sh runs
#
# Needs root or sudo. On a system without apt-get it names what to install and stops. What apt-get
# says goes to build/setup.log.
set -euo pipefail
cd "$(dirname "$0")/.."

use=${1:-test}
packages=(
  cmake ninja-build g++ pkg-config
  libabsl-dev libxxhash-dev liburcu-dev libcli11-dev nlohmann-json3-dev zlib1g-dev libzstd-dev
  libbenchmark-dev
)
live=(
  clang libbpf-dev  # without them capture says so, and tests on the live kernel are skipped
)
bench=(
  git           # names the commit in the results
  libboost-dev  # Boost.Flyweight is compared with
  valgrind      # counts instructions and simulated cache misses
)
test=(
  libgtest-dev libgmock-dev
  libclang-rt-14-dev  # sanitizers of clang
  ccache
  dpkg-dev file       # what the Debian packages need is looked up
  parallel            # the recipes of docs/fleet.md are tested
  python3-distributed # so is the one with Dask, on a scheduler and workers
  spin                # searches tests/model exhaustively
  qemu-system-x86 busybox-static cpio xz-utils  # boot other kernels
  python3 python3-jsonschema
  python3-prometheus-client  # reads what is written as OpenMetrics
  clang-format clang-tidy shellcheck codespell
)
case $use in
  demo) ;;
  live) packages+=("${live[@]}") ;;
  bench) packages+=("${live[@]}" "${bench[@]}") ;;
  test) packages+=("${live[@]}" "${bench[@]}" "${test[@]}") ;;
  *) echo "setup: '$use': expected demo, live, bench or test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is not a Debian system. Install the contents of these Debian packages:" >&2
  printf '  %s\n' "${packages[@]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages for '$use' are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: packages are missing, and there is neither root nor sudo to install them:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

mkdir -p build
log=build/setup.log
: >"$log"
run() {  # what it does, command...
  local what=$1 started=$SECONDS
  shift
  printf 'setup: %s ... ' "$what"
  if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >>"$log" 2>&1 </dev/null; then
    printf '%d s\n' $((SECONDS - started))
  else
    printf 'FAILED\n'
    tail -n 20 "$log" >&2
    echo "setup: '$*' failed, see above and $log" >&2
    exit 1
  fi
}
run "updating the list of packages" apt-get update
run "installing ${#missing[@]} packages for '$use': ${missing[*]}" \
  apt-get install -y --no-install-recommends "${missing[@]}"
