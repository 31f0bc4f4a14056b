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
# Prints a line for each program. What the guests print is in build/kernels/VERSION/console.log.
# Exit codes: 0 all passed, 1 something failed, 2 wrong arguments, 77 no emulator or no kernel here.
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

cannot() {
  echo "test_kernels: $*" >&2
  exit 77
}
need() {  # command, package
  command -v "$1" >/dev/null || cannot "$1 is not installed: apt-get install $2"
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
  tests/capture/capture_signals_test
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
kernels=build/kernels
mkdir -p "$kernels"

# Unpacks the newest kernel of the version that can be downloaded into FOLDER/package.
fetch() {  # version folder
  local version=$1 folder=$2 name names
  names=$(apt-cache pkgnames "linux-image-$version." |
    grep -E "^linux-image-${version//./\\.}\.[0-9]+[^ ]*-cloud-amd64$" | sort -rV | head -n 3)
  [ -n "$names" ] ||
    cannot "no package linux-image-$version.*-cloud-amd64: is apt's list up to date?"
  for name in $names; do
    [ -d "$folder/package" ] && [ "$(cat "$folder/name" 2>/dev/null)" = "$name" ] && return
    rm -rf "$folder/package" "$folder"/*.deb
    (cd "$folder" && apt-get -o APT::Sandbox::User=root download "$name") \
      >"$folder/fetch.log" 2>&1 || continue
    dpkg-deb -x "$folder"/*.deb "$folder/package"
    rm "$folder"/*.deb
    echo "$name" >"$folder/name"
    return
  done
  cat "$folder/fetch.log" >&2
  cannot "Linux $version could not be downloaded"
}

# What is the same for all kernels, into FOLDER.
make_root() {  # folder
  local root=$1 program library
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,lib/modules,proc,run,sys,tmp,build,usr/bin,vectors}
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp -r tests/kernel/vectors/. "$root/vectors"
  for program in "${programs[@]}"; do
    mkdir -p "$root/build/${program%/*}"
    strip -o "$root/build/$program" "$build/$program"
  done
  # The tests use options that busybox does not have, and its shell prefers its own commands.
  for program in setpriv unshare mount; do
    cp -L "$(command -v "$program")" "$root/usr/bin/"
  done
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

failed=0
ran=0
run_kernel() {  # version
  local version=$1 folder=$kernels/$1 begun=$SECONDS status=0 line name code seconds finished=false
  mkdir -p "$folder"
  fetch "$version" "$folder"
  make_initramfs "$folder"
  printf '\n=== Linux %s (%s)\n' "$version" "$(cat "$folder/name")"
  timeout 600 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3G \
    -kernel "$folder"/package/boot/vmlinuz-* -initrd "$folder/initrd" \
    -append "console=ttyS0 quiet loglevel=3 panic=-1 $record" -nographic -no-reboot -nic none \
    </dev/null >"$folder/console.log" 2>&1 || status=$?
  while read -r line name code seconds; do
    ran=$((ran + 1))
    case $code in
      0) line=passed ;;
      77) line=SKIPPED; failed=$((failed + 1)) ;;
      *) line="FAILED ($code)"; failed=$((failed + 1)) ;;
    esac
    if [ "$name" = all ]; then
      finished=true
      ran=$((ran - 1))
    else
      printf '%-28s %-12s %4d s\n' "$name" "$line" "$seconds"
    fi
  done < <(tr -d '\r' <"$folder/console.log" | grep -a '^@result ' || true)
  if ! $finished; then
    failed=$((failed + 1))
    printf 'the guest ended too early (%s): see the end of %s\n' "$status" "$folder/console.log"
    tail -n 5 "$folder/console.log"
  fi
  [ -z "$record" ] || ! $finished || keep_differences "$version"
  printf '%s: %d s, output in %s\n' "Linux $version" $((SECONDS - begun)) "$folder/console.log"
}

make_root "$kernels/root"
for version in "${versions[@]}"; do run_kernel "$version"; done
rm -rf "$kernels/root"
if [ "$failed" -ne 0 ]; then
  printf '\n%d of %d runs FAILED, in %d s\n' "$failed" "$ran" $((SECONDS - started))
  exit 1
fi
printf '\nall %d runs passed on Linux %s, in %d s\n' "$ran" "${versions[*]}" $((SECONDS - started))
