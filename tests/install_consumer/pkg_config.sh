#!/usr/bin/env bash
# Compiles the example with plain commands and what pkg-config says about the installed package:
# with the shared library, and with the static one.
#
#   pkg_config.sh PREFIX LIBDIR VERSION CXX FOLDER
set -euo pipefail
prefix=$1 libdir=$2 version=$3 cxx=$4 folder=$5
example=$(dirname "$0")/../example
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
mkdir -p "$folder"

expect() {  # what it is, what it should be, what it is called
  [ "$1" = "$2" ] || { echo "pkg_config: $3 is '$1', not '$2'" >&2; exit 1; }
}
run() {  # program
  expect "$("$1")" "$(printf '2 connections, 1 policy\npriorities 1 and 7')" "what $1 prints"
}
needs_shared() { readelf -d "$1" | grep -c 'NEEDED.*libinlay' || true; }

expect "$(pkg-config --modversion inlay)" "$version" 'the version'

read -ra flags <<<"$(pkg-config --cflags --libs inlay)"
"$cxx" -std=c++20 "$example/embed.cc" "${flags[@]}" -Wl,-rpath,"$prefix/$libdir" \
  -o "$folder/shared"
run "$folder/shared"
expect "$(needs_shared "$folder/shared")" 1 'the number of shared libraries of Inlay'

# Where both are there, -linlay is the shared one.
read -ra flags <<<"$(pkg-config --static --cflags --libs inlay | sed 's/-linlay/-l:libinlay.a/')"
"$cxx" -std=c++20 "$example/embed.cc" "${flags[@]}" -o "$folder/static"
run "$folder/static"
expect "$(needs_shared "$folder/static")" 0 'the number of shared libraries of Inlay'
