#!/bin/sh
# Searches every state of index_life.pml and reference_credits.pml with spin.
#
#   check_model.sh properties  every scenario keeps every property
#   check_model.sh mutations   every mutation breaks one
#
# Works in the current directory. Exit code 77: spin or a C compiler is missing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
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
      echo "$0: $model has no switch $name" >&2
      exit 1
    fi
  done
}

# Searches $model with the given switches; leaves what spin says of it in pan.out.
search() {
  check_switches "$@"
  rm -f pan pan.out ./*.trail
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

# Reads switches, a line for each search.
expect_properties_hold() {
  model=$here/$1
  while read -r switches; do
    # shellcheck disable=SC2086  # a list of words
    search $switches
    if ! grep -q 'errors: 0$' pan.out; then
      echo "FAILED: $1 [$switches]"
      cat pan.out
      cp "$1.trail" "$model.trail" 2>/dev/null || true
      # shellcheck disable=SC2086  # a list of words
      spin -t -p -k "$1.trail" $switches "$model" | tail -n 200
      rm -f "$model.trail"
      exit 1
    fi
    echo "$1 holds in $states states: [$switches]"
  done
}

expect_each_breaks_a_property() {
  model=$here/$1
  while read -r switches; do
    # shellcheck disable=SC2086
    search $switches
    if ! grep -q 'assertion violated' pan.out; then
      echo "FAILED: no property of $1 is broken by [$switches]"
      cat pan.out
      exit 1
    fi
    echo "$1 broken by [$switches]: $(sed -n 's/^pan:1: assertion violated *//p' pan.out)"
  done
}

case ${1:-} in
  properties)
    optimise=-O2
    expect_properties_hold index_life.pml <<-LIST
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
    expect_properties_hold reference_credits.pml <<-LIST
	-DSTEPS=3
	-DSTEPS=2 -DHELD=4 -DLENDS_FROM=7
	LIST
    ;;
  mutations)
    optimise=-O0 # a mutation is found sooner than the compiler is done
    expect_each_breaks_a_property index_life.pml <<-LIST
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
    expect_each_breaks_a_property reference_credits.pml <<-LIST
	-DWITHOUT_GRACE
	-DWITHOUT_SECTION
	-DEPOCH_NOT_RAISED
	-DKEEPS_BELOW_FLOOR
	-DNOBODY_ASKS
	-DSETTLES_ALL
	LIST
    ;;
  *)
    echo "usage: check_model.sh properties|mutations" >&2
    exit 2
    ;;
esac
