#!/bin/sh
# Searches every state of index_life.pml with spin.
#
#   check_model.sh properties  every scenario keeps every property
#   check_model.sh mutations   every mutation breaks one
#
# Works in the current directory. Exit code 77: spin or a C compiler is missing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=$here/index_life.pml
for program in spin cc; do
  if ! command -v "$program" >/dev/null; then
    echo "SKIPPED: $program is not installed (Debian packages: spin, gcc)"
    exit 77
  fi
done

# What the model's -D switches are, so that a misspelt one is not taken for a scenario of its own.
check_switches() {
  for switch in "$@"; do
    name=${switch#-D}
    name=${name%%=*}
    if ! grep -Eq "^#(ifdef|ifndef|if|elif).*\<$name\>" "$model"; then
      echo "$0: index_life.pml has no switch $name" >&2
      exit 1
    fi
  done
}

# Searches the model with the given switches; leaves what spin says of it in pan.out.
search() {
  check_switches "$@"
  rm -f pan pan.out index_life.pml.trail
  spin -a "$@" "$model" >spin.out || { cat spin.out >&2; exit 1; }
  # COLLAPSE saves memory; SAFETY leaves out what only liveness needs.
  cc "$optimise" -w -DSAFETY -DCOLLAPSE -DNOCLAIM -DMEMLIM=4096 -o pan pan.c
  ./pan -m50000 -w24 >pan.out 2>&1 || true
  if ! grep -q 'State-vector' pan.out ||
    grep -Eiq 'depth too small|out of memory|memory limit' pan.out; then
    echo "$0: the search ended early, with: $*" >&2
    cat pan.out >&2
    exit 1
  fi
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)
}

case ${1:-} in
  properties)
    optimise=-O2
    while read -r switches; do
      # shellcheck disable=SC2086  # a list of words
      search $switches
      if ! grep -q 'errors: 0$' pan.out; then
        echo "FAILED: [$switches]"
        cat pan.out
        cp index_life.pml.trail "$model.trail" 2>/dev/null || true
        # shellcheck disable=SC2086  # a list of words
        spin -t -p -k index_life.pml.trail $switches "$model" | tail -n 200
        rm -f "$model.trail"
        exit 1
      fi
      echo "holds in $states states: [$switches]"
    done <<-LIST
	-DWITH_FIND -DINDEXES=2
	-DWITH_UPDATE_OF_PRESENT
	-DWITH_MODIFY -DWITHOUT_READER
	-DWITH_CLONE -DWITH_UPDATE_OF_PRESENT -DWITHOUT_READER
	-DWITH_CLONE -DINDEXES=2 -DVALUES=3 -DWITHOUT_READER
	-DWITH_CLONE -DWITH_MODIFY -DWITH_UPDATE_OF_PRESENT -DWITH_FIND -DFIRST_WRITES=1
	-DWITH_CLONE -DFETCH_ADD -DWITHOUT_READER
	-DWITH_HOMECOMING
	-DWITH_HOMECOMING -DWITH_MODIFY -DWITH_UPDATE_OF_PRESENT -DWITHOUT_READER
	-DWITH_CLOSE -DSECOND_WRITES=2 -DWITHOUT_READER
	LIST
    ;;
  mutations)
    optimise=-O0 # a mutation is found sooner than the compiler is done
    while read -r switches; do
      # shellcheck disable=SC2086
      search $switches
      if ! grep -q 'assertion violated' pan.out; then
        echo "FAILED: no property is broken by [$switches]"
        cat pan.out
        exit 1
      fi
      echo "broken by [$switches]: $(sed -n 's/^pan:1: assertion violated *//p' pan.out)"
    done <<-LIST
	-DREUSE_WITHOUT_GRACE
	-DREUSE_WITHOUT_GRACE -DFETCH_ADD
	-DGRACE_BEFORE_ERASE -DWITH_FIND
	-DRETIRE_WITHOUT_SWAP
	-DTRY_REF_IGNORES_RETIRED
	-DRELEASE_DOES_NOT_TALLY
	-DRELEASE_BEFORE_SWAP -DINDEXES=2
	-DINTERN_OUTSIDE_SECTION
	-DINTERN_OUTSIDE_SECTION -DFETCH_ADD
	-DNO_SEARCH_UNDER_MUTEX -DINDEXES=2
	-DNO_RECHECK_IN_GET -DWITH_UPDATE_OF_PRESENT
	-DNO_RECHECK_IN_CLONE -DWITH_UPDATE_OF_PRESENT -DWITH_CLONE -DWITHOUT_READER
	-DCLONE_USES_FAILED_CODE -DWITH_CLONE
	-DCLONE_OUTSIDE_SECTION -DWITH_CLONE
	-DCODE_BEFORE_PRIVATE
	-DDELETE_WITHOUT_LOCK
	-DMODIFY_OUTSIDE_SECTION -DWITH_MODIFY
	-DMODIFY_IGNORES_PRIVATE -DWITH_MODIFY
	-DHOME_WITHOUT_LOCK -DWITH_CLOSE -DWITHOUT_READER
	-DHOME_WITHOUT_SWAP -DWITH_CLOSE -DWITHOUT_READER
	LIST
    ;;
  *)
    echo "usage: check_model.sh properties|mutations" >&2
    exit 2
    ;;
esac
