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

kernels=build/kernels
summary=$kernels/summary
mkdir -p "$kernels"
: >"$summary"
conclude() {  # a line for the reader of all tests' results
  printf '%s\n' "$*" | tee -a "$summary"
}

cannot() {
  conclude "other kernels: not run: $*"
  exit 77
}
need() {  # command, package
  command -v "$1" >/dev/null || cannot "$1 is not installed: tools/setup.sh test installs $2"
}
[ "$(uname -m)" = x86_64 ] || cannot "runs on x86-64 only"
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need xz xz-utils
need apt-get apt
need dpkg-deb dpkg

# Paths below the folder of the build, which the initramfs keeps.
programs=(
  tests/kernel/live_kernel_test tests/kernel/differential_test
  tests/capture/live_capture_test tests/capture/capture_command_test
  tests/capture/capture_signals_test tools/demo_sockets
  bench/kernel/kernel_bench bench/kernel/leaves_nothing_test
  tools/inlay
)
if [ -z "$build" ]; then
  build=build/release
  mkdir -p build
  cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
  targets=("${programs[@]##*/}")
  cmake --build --preset release --target "${targets[@]/%inlay/inlay_cli}" \
    >build/release.log 2>&1 || { cat build/release.log; exit 1; }
fi
for program in "${programs[@]}"; do
  [ -x "$build/$program" ] || cannot "$build/$program is not built: needs libbpf-dev and clang"
done

started=$SECONDS
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/inlay/kernels

download() {  # package
  local new=$cache/new
  rm -rf "$new"
  mkdir -p "$new"
  (cd "$new" && apt-get -o APT::Sandbox::User=root download "$1") >"$kernels/fetch.log" 2>&1 &&
    mv "$new"/*.deb "$cache/$1.deb"
}

# Prints the name of the newest package of the version that is in the cache or can be downloaded.
newest_package() {  # version
  local name file known
  known=$(apt-cache pkgnames "linux-image-$1." 2>/dev/null |
    grep -E "^linux-image-${1//./\\.}\.[0-9]+[^ ]*-cloud-amd64$" | sort -rV | head -n 3 || true)
  for name in $known; do
    [ -f "$cache/$name.deb" ] || download "$name" || continue
    echo "$name"
    return
  done
  # apt has no list of packages, or its list is old and names packages that are gone.
  file=$(find "$cache" -name "linux-image-$1.*-cloud-amd64.deb" 2>/dev/null | sort -V | tail -n 1)
  [ -n "$file" ] || return 0
  basename "$file" .deb
}

# Unpacks the kernel into FOLDER/package, and its name into FOLDER/name.
fetch() {  # version folder
  local version=$1 folder=$2 name
  name=$(newest_package "$version")
  [ -n "$name" ] || return 0
  [ "$(cat "$folder/name" 2>/dev/null)" != "$name" ] || return 0
  rm -rf "$folder/package" "$folder/name"
  dpkg-deb -x "$cache/$name.deb" "$folder/package"
  echo "$name" >"$folder/name"
  find "$cache" -name "linux-image-$version.*.deb" ! -name "$name.deb" -delete
}

# What is the same for all kernels, into FOLDER.
make_root() {  # folder
  local root=$1 program library
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,lib/modules,proc,run,sys,tmp,build,tools,usr/bin,vectors}
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp -r tests/kernel/vectors/. "$root/vectors"
  for program in "${programs[@]}"; do
    mkdir -p "$root/build/${program%/*}"
    strip -o "$root/build/$program" "$build/$program"
  done
  # The tests use options that busybox does not have, and its shell prefers its own commands.
  for program in setpriv unshare mount bash; do
    cp -L "$(command -v "$program")" "$root/usr/bin/"
  done
  cp tools/demo_live.sh "$root/tools"
  cp -L "$(command -v dash)" "$root/bin/sh"
  find "$root/build" "$root/usr/bin" "$root/bin/sh" -type f -exec ldd {} \; |
    grep -o '/lib[^ ]*' | sort -u |
    while read -r library; do
      mkdir -p "$root/${library%/*}"
      cp -L "$library" "$root$library"
    done
  echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
  cp tools/test_kernels_init.sh "$root/init"
  chmod 755 "$root/init"
}

make_initramfs() {  # folder of the version
  local folder=$1 module file
  rm -rf "$folder/root"
  cp -a "$kernels/root" "$folder/root"
  for module in inet_diag tcp_diag udp_diag unix_diag; do
    file=$(find "$folder/package/lib/modules" -name "$module.ko*" | head -n 1)
    case $file in
      *.xz) xz -dc "$file" >"$folder/root/lib/modules/$module.ko" ;;
      ?*) cp "$file" "$folder/root/lib/modules/$module.ko" ;;
    esac
  done
  (cd "$folder/root" && find . -print0 | cpio --null --quiet -o -H newc) | gzip -1 >"$folder/initrd"
  rm -rf "$folder/root"
}

# Writes NAME.differs files from what live_kernel_test --differs has printed.
keep_differences() {  # version
  local version=$1 folder=tests/kernel/vectors/linux-$1
  rm -rf "$folder"
  mkdir -p "$folder"
  { tr -d '\r' <"$kernels/$version/console.log" | grep -a '^@differs ' || true; } |
    while read -r _ script rest; do printf '%s\n' "$rest" >>"$folder/$script.differs"; done
  rmdir --ignore-fail-on-non-empty "$folder"
  grep -qx "$version" tests/kernel/vectors/versions ||
    echo "$version" >>tests/kernel/vectors/versions
}

# Prints the tests that the programs have skipped, each with its reason.
skipped_tests() {  # console.log
  tr -d '\r' <"$1" | awk '
    / Skipped$/ { reason = ""; reading = 1; next }
    /SKIPPED/ && reading {
      gsub(/\033\[[0-9;]*m/, "")
      print "skipped: " $4 ": " reason
      reading = 0
    }
    reading && reason == "" { reason = $0 }'
}

failed=0
missing=0
run_kernel() {  # version
  local version=$1 folder=$kernels/$1 begun=$SECONDS status=0 passed=0 bad=() finished=false
  local name code seconds word
  printf '\n=== Linux %s (%s)\n' "$version" "$(cat "$folder/name")"
  make_initramfs "$folder"
  TIMEFORMAT='%U %S'
  {
    time timeout 1200 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3G \
      -kernel "$folder"/package/boot/vmlinuz-* -initrd "$folder/initrd" \
      -append "console=ttyS0 quiet loglevel=3 panic=-1 $record" -nographic -no-reboot -nic none \
      </dev/null >"$folder/console.log" 2>&1 || status=$?
  } 2>"$folder/cpu_seconds"
  rm "$folder/initrd"
  while read -r _ name code seconds; do
    case $code in
      0) word=passed ;;
      77) word=SKIPPED ;;
      *) word="FAILED ($code)" ;;
    esac
    if [ "$name" = all ]; then
      finished=true
      continue
    fi
    printf '%-28s %-12s %4d s\n' "$name" "$word" "$seconds"
    if [ "$code" -eq 0 ]; then passed=$((passed + 1)); else bad+=("$name"); fi
  done < <(tr -d '\r' <"$folder/console.log" | grep -a '^@result ' || true)
  if ! $finished; then
    bad+=("the guest, which ended too early")
    printf 'the guest ended too early (%s): see the end of %s\n' "$status" "$folder/console.log"
    tail -n 5 "$folder/console.log"
  fi
  skipped_tests "$folder/console.log"
  [ -z "$record" ] || ! $finished || keep_differences "$version"
  word="$passed programs passed"
  [ ${#bad[@]} -eq 0 ] || word+=", FAILED: ${bad[*]}"
  seconds=$(awk '{ printf "%.0f", $1 + $2 }' "$folder/cpu_seconds")
  conclude "Linux $version: $word, in $((SECONDS - begun)) s ($seconds s of CPU)"
  failed=$((failed + ${#bad[@]}))
}

for version in "${versions[@]}"; do
  folder=$kernels/$version
  mkdir -p "$folder"
  fetch "$version" "$folder"
done
make_root "$kernels/root"
for version in "${versions[@]}"; do
  if [ -f "$kernels/$version/name" ]; then
    run_kernel "$version"
  else
    conclude "Linux $version: not run: apt-get cannot download linux-image-$version.*-cloud-amd64"
    missing=$((missing + 1))
  fi
done
rm -rf "$kernels/root"
printf '\nall in %d s\n' $((SECONDS - started))
[ "$failed" -eq 0 ] || exit 1
[ "$missing" -eq 0 ] || exit 77
