#!/usr/bin/env bash
# Checks how the tree is written: prints a line for each check and its faults below it. Exits with 1
# if there are any.
#
#   tools/check.sh [--all | --since COMMIT] [CHECK...]
#
# Without a name, all checks:
#   format     C++ and BPF are formatted as clang-format does with .clang-format
#   tidy       clang-tidy finds nothing in files that changed since COMMIT: where the branch left
#              origin/main, or else the commit before the last one. --all: in any file
#   shell      shellcheck finds nothing in the shell scripts
#   spelling   codespell finds no mistake but the words in .codespell_words
#   links      relative links in documents lead somewhere
#   lines      no line is longer than 100 columns
#   includes   files include only what their room may see, see tools/check/rooms.txt
#   shape      no file and no folder is too large, and every name says something
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 1

need() {  # command: fails with a hint if it is not there
  command -v "$1" >/dev/null && return
  echo "$1 is not installed: tools/setup.sh test installs it"
  return 1
}

files() { python3 tools/check/project_files.py "$@"; }

check_format() {
  need clang-format || return
  case $(clang-format --version) in
    *" 14."*) ;;
    *) echo "clang-format 14 is needed: others format otherwise"; return 1 ;;
  esac
  files .cc .h .bpf.c | xargs clang-format --dry-run --Werror 2>&1 | grep 'error:'
  [ "${PIPESTATUS[1]}" -eq 0 ]
}

# clang-tidy reads the files as clang compiles them, without precompiled headers: those that changed
# each alone, all of them several together, which takes a third of the time.
check_tidy() {
  need clang-tidy || return
  local build=build/tidy together=()
  if [ "${what_changed[*]}" = --all ]; then
    build=build/tidy_all
    together=(-D CMAKE_UNITY_BUILD=ON -D CMAKE_UNITY_BUILD_BATCH_SIZE=12)
  fi
  {
    cmake --preset tidy -B $build "${together[@]}" && cmake --build $build --target inlay_commit
  } >build/tidy.log 2>&1 || { cat build/tidy.log; return 1; }
  python3 tools/check/tidy.py $build "${what_changed[@]}"
}

check_shell() {
  need shellcheck || return
  { files .sh; echo .ci/run; } | xargs shellcheck --format=gcc
}

check_spelling() {
  need codespell || return
  files | xargs codespell --ignore-words .codespell_words
}

check_links() { python3 tools/check/links.py; }
check_lines() { python3 tools/check/line_length.py; }
check_includes() { python3 tools/check/includes.py; }
check_shape() { python3 tools/check/tree_shape.py; }

all_checks=(format shell spelling links lines includes shape tidy)
what_changed=()
checks=()
while [ $# -gt 0 ]; do
  case $1 in
    --all) what_changed=(--all) ;;
    --since) what_changed=(--since "${2:?--since needs a commit}"); shift ;;
    -*) echo "check: $1: there are --all and --since COMMIT" >&2; exit 2 ;;
    *)
      case " ${all_checks[*]} " in
        *" $1 "*) checks+=("$1") ;;
        *) echo "check: there is no check '$1', but ${all_checks[*]}" >&2; exit 2 ;;
      esac ;;
  esac
  shift
done
[ ${#checks[@]} -gt 0 ] || checks=("${all_checks[@]}")

mkdir -p build
failed=()
for check in "${checks[@]}"; do
  started=$SECONDS
  printf 'check: %-9s ' "$check"
  if faults=$("check_$check"); then
    printf 'ok (%d s)\n' $((SECONDS - started))
  else
    printf 'FAILED (%d s)\n' $((SECONDS - started))
    printf '%s\n' "$faults" | sed 's/^/  /'
    failed+=("$check")
  fi
done
[ ${#failed[@]} -eq 0 ] || { echo "check: FAILED: ${failed[*]}" >&2; exit 1; }
