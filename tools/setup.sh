#!/usr/bin/env bash
# Installs exactly the Debian packages that are missing. Needs root or sudo; on another system it names
# what to install and stops.
set -euo pipefail

packages=(
  cmake ninja-build g++ clang pkg-config git
  libabsl-dev libxxhash-dev liburcu-dev libcli11-dev nlohmann-json3-dev zlib1g-dev libzstd-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  libvalijson-dev  # validates JSON against its schema, in a test
  valgrind  # counts instructions and simulated cache misses
  libboost-dev  # Boost.Flyweight, which the benchmarks compare with
  parallel  # the recipes of docs/fleet.md are tested
  libbpf-dev  # loads programs and reads BTF; without it --btf and capture say so, and tests on the live kernel are skipped
  libclang-rt-14-dev  # sanitizer and fuzzer runtimes of clang
)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is not a Debian system. Install what these Debian packages hold, then build:" >&2
  printf '  %s\n' "${packages[@]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: missing packages, and neither root nor sudo to install them. As root, run:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
