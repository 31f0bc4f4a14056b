#!/usr/bin/env bash
# Compiles the examples with plain commands and what pkg-config says about the installed package:
# with the shared library, and with the static one.
#
#   pkg_config.sh PREFIX LIBDIR VERSION CXX CC FOLDER
set -euo pipefail
prefix=$1 libdir=$2 version=$3 cxx=$4 cc=$5 folder=$6
examples=$(dirname "$0")/../example
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
mkdir -p "$folder"

expect() {  # what it is, what it should be, what it is called
  [ "$1" = "$2" ] || { echo "pkg_config: $3 is '$1', not '$2'" >&2; exit 1; }
}
run() {  # program, how many shared libraries of Inlay it needs
  expect "$("$1")" "$(printf '2 connections, 1 policy\npriorities 1 and 7')" "what $1 prints"
  expect "$(readelf -d "$1" | grep -c 'NEEDED.*libinlay')" "$2" "the number of libinlay in $1"
}

expect "$(pkg-config --modversion inlay)" "$version" 'the version'

read -ra shared <<<"$(pkg-config --cflags --libs inlay) -Wl,-rpath,$prefix/$libdir"
# Where both are there, -linlay is the shared one.
read -ra static <<<"$(pkg-config --static --cflags --libs inlay | sed 's/-linlay/-l:libinlay.a/')"

"$cxx" -std=c++20 "$examples/embed.cc" "${shared[@]}" -o "$folder/shared"
run "$folder/shared" 1
"$cxx" -std=c++20 "$examples/embed.cc" "${static[@]}" -o "$folder/static"
run "$folder/static" 0
"$cc" -std=c11 "$examples/embed.c" "${shared[@]}" -o "$folder/shared_c"
run "$folder/shared_c" 1
"$cc" -std=c11 "$examples/embed.c" "${static[@]}" -o "$folder/static_c"
run "$folder/static_c" 0
