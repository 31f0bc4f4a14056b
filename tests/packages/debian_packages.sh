#!/usr/bin/env bash
# Makes the Debian packages of a build, installs them with dpkg into an empty root, uses the command
# and both libraries there, and removes the packages again.
#
#   debian_packages.sh BUILD VERSION CXX CC FOLDER
#
# Exits with 77 if a tool of Debian's is missing. Depends on nothing of what the packages depend on
# being recorded in that root: the machine has it, or this build could not have been made.
set -euo pipefail
build=$1 version=$2 cxx=$3 cc=$4 folder=$5
here=$(dirname "$0")
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin  # dpkg wants to see ldconfig

for tool in cpack dpkg dpkg-deb dpkg-query dpkg-shlibdeps file ldconfig; do
  command -v "$tool" >/dev/null && continue
  echo "debian_packages: skipped: $tool is not installed (Debian: dpkg-dev, file)"
  exit 77
done

fail() { echo "debian_packages: $*" >&2; exit 1; }
expect() {  # text, pattern, what it is
  [[ $1 =~ $2 ]] || fail "$3 is '$1', which does not match '$2'"
}

rm -rf "$folder"
mkdir -p "$folder"
cpack --config "$build/CPackConfig.cmake" -B "$folder/made" >"$folder/cpack.log" 2>&1 ||
  { cat "$folder/cpack.log"; fail "cpack fails"; }
if grep -i 'warning' "$folder/cpack.log"; then fail "cpack warns"; fi

architecture=$(dpkg --print-architecture)
package() { echo "$folder/made/$1_$version-1_$architecture.deb"; }
field() { dpkg-deb --field "$(package "$1")" "$2"; }
has() {  # package, the end of a path
  dpkg-deb --contents "$(package "$1")" | grep -E "$2( -> .*)?\$" >/dev/null || fail "$1 has no $2"
}

# What each needs, as dpkg-shlibdeps has found it, and has.
expect "$(field libinlay0 Depends)" 'libc6 \(>= .*libstdc\+\+6 .*liburcu8 ' \
  "what libinlay0 needs"
expect "$(field libinlay-dev Depends)" "libinlay0 \(= $version-1\), liburcu-dev" \
  "what libinlay-dev needs"
expect "$(field inlay Depends)" 'libc6 \(>= .*liburcu8 ' "what inlay needs"
expect "$(dpkg-deb --info "$(package libinlay0)" shlibs)" \
  "^libinlay 0 libinlay0 \(= $version-1\)\$" "the line of shlibs"
expect "$(dpkg-deb --info "$(package libinlay0)" triggers)" 'ldconfig' "the trigger"
has libinlay0 "/libinlay.so.0.*"
for path in /libinlay.so /libinlay.a /inlay.pc /inlayConfig.cmake /inlay/inlay.h \
    /inlay/tsan.supp; do
  has libinlay-dev "$path"
done
for path in /usr/bin/inlay /man1/inlay.1 /man1/inlay-analyze.1 /bash-completion/completions/inlay \
    /zsh/site-functions/_inlay; do
  has inlay "$path"
done
for name in libinlay0 libinlay-dev inlay; do has "$name" "/doc/$name/copyright"; done

# An empty system, in which dpkg installs without being root.
root=$folder/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/log"
touch "$root/var/lib/dpkg/status"
in_root() {
  dpkg --root="$root" --log="$folder/dpkg.log" --force-not-root --force-script-chrootless \
    --force-depends "$@" >>"$folder/dpkg.out" 2>&1 ||
    { cat "$folder/dpkg.out"; fail "dpkg $1 fails"; }
}
in_root --install "$(package libinlay0)" "$(package libinlay-dev)" "$(package inlay)"
for name in libinlay0 libinlay-dev inlay; do
  # shellcheck disable=SC2016  # dpkg-query's variables
  expect "$(dpkg-query --admindir="$root/var/lib/dpkg" --show --showformat='${Status}' "$name")" \
    '^install ok installed$' "the state of $name"
done

# A hundred records of four bytes, of ten kinds.
for number in {0..99}; do printf '%d\0\0\0' $((number % 10)); done >"$folder/values.bin"
expect "$("$root/usr/bin/inlay" --version)" "inlay $version" "what inlay --version prints"
expect "$("$root/usr/bin/inlay" analyze --value-bytes 4 --json "$folder/values.bin")" \
  '"distinct": ?10,' "the report of inlay analyze"

libdir=$(dirname "$(cd "$root/usr" && find lib -name libinlay.a)")
"$here/../install_consumer/pkg_config.sh" "$root/usr" "$libdir" "$version" "$cxx" "$cc" \
  "$folder/consumer"

in_root --purge inlay libinlay-dev libinlay0
left=$(find "$root" -name '*inlay*' -not -path '*/var/lib/dpkg/*')
[ -z "$left" ] || fail "after --purge there is still $left"
