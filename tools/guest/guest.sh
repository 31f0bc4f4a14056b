# shellcheck shell=bash
# Boots Debian's kernels in QEMU, by software emulation, with an initramfs of the built test
# programs. Nothing is installed or mounted, and the machine's own kernel is not touched.
# test_kernels.sh and test_arm64.sh source this file and call, in this order,
#
#   prepare_guests MACHINE FOLDER   amd64 or arm64; FOLDER gets kernels, consoles and the summary
#   need_for_guests                 exits with 77 if a command is missing
#   run_guests BUILD OPTION VERSION...  BUILD has guest_programs; OPTION is for init.sh, or empty
#
# For arm64 the caller defines apt_arm64(), and has unpacked the libraries into `guest_sysroot`.

# Paths below the folder of the build, which the initramfs keeps.
guest_programs=(
  tests/kernel/live_kernel_test tests/kernel/differential_test
  tests/capture/live_capture_test tests/capture/capture_command_test
  tests/capture/capture_signals_test tools/demo_sockets tools/demo_bpf
  tests/bpf/live_map_test tests/bpf/ready_programs_test tests/bpf/collector_test
  tests/bpf/bring_home_test tests/bpf/collect_command_test tests/bpf/mark_users_test
  tests/bpf/shadow_test
  bench/kernel/kernel_bench bench/kernel/leaves_nothing_test
  tools/inlay
)
guest_targets=("${guest_programs[@]##*/}")
guest_targets=("${guest_targets[@]/%inlay/inlay_cli}")
guest_sysroot=build/arm64/sysroot

prepare_guests() {  # machine folder
  machine=$1 guests=$2
  summary=$guests/summary
  cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/inlay/kernels
  mkdir -p "$guests" "$cache"
  : >"$summary"
  case $machine in
    amd64) on= ;;
    arm64) on=" on arm64" ;;
  esac
}

conclude() {  # a line for the reader of all tests' results
  printf '%s\n' "$*" | tee -a "$summary"
}

cannot_boot() {
  conclude "other kernels$on: not run: $*"
  exit 77
}

need_for_guests() {
  local pair
  local needed=(cpio:cpio xz:xz-utils apt-get:apt dpkg-deb:dpkg)
  case $machine in
    amd64) needed+=(qemu-system-x86_64:qemu-system-x86 busybox:busybox-static) ;;
    arm64) needed+=(qemu-system-aarch64:qemu-system-arm) ;;
  esac
  for pair in "${needed[@]}"; do
    command -v "${pair%:*}" >/dev/null ||
      cannot_boot "${pair%:*} is not installed: apt-get install ${pair#*:}"
  done
}

# --- what depends on the machine that is emulated ---

guest_apt() {  # apt-get or apt-cache, and its arguments
  case $machine in
    amd64) "$1" -o APT::Sandbox::User=root "${@:2}" ;;
    arm64) apt_arm64 "$@" ;;
  esac
}

# Prints the path of Debian's program.
debian_program() {  # name
  case $machine in
    amd64) command -v "$1" ;;
    arm64) find "$guest_sysroot"/{bin,usr/bin} -name "$1" | head -n 1 ;;
  esac
}

strip_program() {  # from to
  case $machine in
    amd64) strip -o "$2" "$1" ;;
    arm64) aarch64-linux-gnu-strip -o "$2" "$1" ;;
  esac
}

# Copies the libraries of all programs in the folder to where the loader searches for them.
copy_libraries() {  # root
  local root=$1 library programs=()
  mapfile -t programs < <(find "$root"/{build,usr/bin,bin/sh} -type f)
  case $machine in
    amd64)
      printf '%s\0' "${programs[@]}" | xargs -0 -n 1 ldd | grep -o '/lib[^ ]*' | sort -u |
        while read -r library; do
          mkdir -p "$root/${library%/*}"
          cp -L "$library" "$root$library"
        done
      ;;
    arm64)
      local cross=/usr/aarch64-linux-gnu/lib to=$root/lib/aarch64-linux-gnu
      local libraries=$guest_sysroot/usr/lib/aarch64-linux-gnu
      mkdir -p "$to"
      cp -L $cross/ld-linux-aarch64.so.1 "$root/lib"
      printf '%s\0' "${programs[@]}" | xargs -0 -n 1 qemu-aarch64-static \
        $cross/ld-linux-aarch64.so.1 --library-path "$libraries:$cross" --list |
        awk '$2 == "=>" && $1 !~ /^\// { print $3 }' | sort -u |
        while read -r library; do cp -L "$library" "$to"; done
      ;;
  esac
}

emulate() {  # kernel initrd options
  local emulator threads=multi
  case $machine in
    # In two threads, a processor of QEMU 7.2 meets the breakpoint of a jump that another one has
    # patched, after it is gone: "Oops: int3". Attaching a program to a tracepoint patches one.
    amd64)
      emulator=(qemu-system-x86_64 -cpu max -append "console=ttyS0 $3")
      threads=single
      ;;
    # Pointers are signed in QEMU's own way: the architecture's takes long to emulate.
    arm64) emulator=(qemu-system-aarch64 -M virt -cpu "max,pauth-impdef=on"
                     -append "console=ttyAMA0 $3") ;;
  esac
  timeout 1200 "${emulator[@]}" -accel "tcg,thread=$threads" -smp 2 -m 3G -kernel "$1" \
    -initrd "$2" -nographic -no-reboot -nic none
}

# --- kernels ---

download_kernel() {  # package
  local new=$cache/new
  rm -rf "$new"
  mkdir -p "$new"
  (cd "$new" && guest_apt apt-get download "$1") >"$guests/fetch.log" 2>&1 &&
    mv "$new"/*.deb "$cache/$1.deb"
}

# Prints the name of the newest package of the version that is in the cache or can be downloaded.
newest_kernel() {  # version
  local name file known
  known=$(guest_apt apt-cache pkgnames "linux-image-$1." 2>/dev/null |
    grep -E "^linux-image-${1//./\\.}\.[0-9]+[^ ]*-cloud-$machine\$" | sort -rV | head -n 3 || true)
  for name in $known; do
    [ -f "$cache/$name.deb" ] || download_kernel "$name" || continue
    echo "$name"
    return
  done
  # apt has no list of packages, or its list is old and names packages that are gone.
  file=$(find "$cache" -name "linux-image-$1.*-cloud-$machine.deb" 2>/dev/null | sort -V |
    tail -n 1)
  [ -n "$file" ] || return 0
  basename "$file" .deb
}

# Unpacks the kernel into FOLDER/package, and its name into FOLDER/name.
fetch_kernel() {  # version folder
  local version=$1 folder=$2 name
  name=$(newest_kernel "$version")
  [ -n "$name" ] || return 0
  [ "$(cat "$folder/name" 2>/dev/null)" != "$name" ] || return 0
  rm -rf "$folder/package" "$folder/name"
  dpkg-deb -x "$cache/$name.deb" "$folder/package"
  echo "$name" >"$folder/name"
  find "$cache" -name "linux-image-$version.*-cloud-$machine.deb" ! -name "$name.deb" -delete
}

# --- initramfs ---

# What is the same for all kernels, into FOLDER.
make_root() {  # folder build
  local root=$1 build=$2 program
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,lib/modules,proc,run,sys,tmp,build,tools,usr/bin,vectors}
  cp "$(debian_program busybox)" "$root/bin/busybox"
  cp -r tests/kernel/vectors/. "$root/vectors"
  for program in "${guest_programs[@]}"; do
    mkdir -p "$root/build/${program%/*}"
    strip_program "$build/$program" "$root/build/$program"
  done
  # The tests use options that busybox does not have, and its shell prefers its own commands.
  for program in setpriv unshare mount bash; do
    cp -L "$(debian_program "$program")" "$root/usr/bin/"
  done
  cp tools/demo_live.sh tools/demo_bpf.sh "$root/tools"
  cp -L "$(debian_program dash)" "$root/bin/sh"
  copy_libraries "$root"
  echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
  cp tools/guest/init.sh "$root/init"
  chmod 755 "$root/init"
}

make_initramfs() {  # folder of the version
  local folder=$1 module file
  rm -rf "$folder/root"
  cp -a "$guests/root" "$folder/root"
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

# --- running ---

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

# Prints the end of what a program has printed. Of a line of progress, only its last state.
said_by() {  # console.log name
  sed -e 's/\r$//' -e 's/.*\r//' "$1" | awk -v name="$2" '
    /^=== / { begin = NR }
    { lines[NR] = $0 }
    $1 == "@result" && $2 == name {
      for (i = begin > NR - 40 ? begin : NR - 40; i < NR; ++i) print "  | " lines[i]
      exit
    }'
}

run_guest() {  # version option
  local version=$1 option=$2 folder=$guests/$1 begun=$SECONDS status=0 passed=0 bad=()
  local finished=false name code seconds word
  printf '\n=== Linux %s%s (%s)\n' "$version" "$on" "$(cat "$folder/name")"
  make_initramfs "$folder"
  TIMEFORMAT='%U %S'
  {
    time emulate "$folder"/package/boot/vmlinuz-* "$folder/initrd" \
      "quiet loglevel=3 panic=-1 $option" </dev/null >"$folder/console.log" 2>&1 || status=$?
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
    if [ "$code" -eq 0 ]; then
      passed=$((passed + 1))
    else
      bad+=("$name")
      said_by "$folder/console.log" "$name"
    fi
  done < <(tr -d '\r' <"$folder/console.log" | grep -a '^@result ' || true)
  if ! $finished; then
    bad+=("the guest, which ended too early")
    printf 'the guest ended too early (%s): see the end of %s\n' "$status" "$folder/console.log"
    tail -n 5 "$folder/console.log"
  fi
  skipped_tests "$folder/console.log"
  word="$passed programs passed"
  [ ${#bad[@]} -eq 0 ] || word+=", FAILED: ${bad[*]}"
  seconds=$(awk '{ printf "%.0f", $1 + $2 }' "$folder/cpu_seconds")
  conclude "Linux $version$on: $word, in $((SECONDS - begun)) s ($seconds s of CPU)"
  guests_failed=$((guests_failed + ${#bad[@]}))
}

# Exits with 77 if a program is not built. Sets guests_failed and guests_missing: programs, and
# kernels that could not be had.
run_guests() {  # build option version...
  local build=$1 option=$2 program version folder
  shift 2
  for program in "${guest_programs[@]}"; do
    [ -x "$build/$program" ] ||
      cannot_boot "$build/$program is not built: needs libbpf-dev and clang"
  done
  guests_failed=0
  guests_missing=0
  for version in "$@"; do
    folder=$guests/$version
    mkdir -p "$folder"
    fetch_kernel "$version" "$folder"
  done
  make_root "$guests/root" "$build"
  for version in "$@"; do
    if [ -f "$guests/$version/name" ]; then
      run_guest "$version" "$option"
    else
      conclude "Linux $version$on: not run: apt-get cannot download" \
        "linux-image-$version.*-cloud-$machine"
      guests_missing=$((guests_missing + 1))
    fi
  done
  rm -rf "$guests/root"
}
