#!/bin/bash
# Records what bpftool prints of maps that rest and of maps that change meanwhile, in all forms.
# Needs root, clang, libbpf-dev and bpftool, and leaves no map behind. Usage: record.sh OUT_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: record.sh OUT_DIR}
mkdir -p "$out"
work=$(mktemp -d)
pins=/sys/fs/bpf/inlay_record_$$  # no dots: the file system refuses them
mkdir "$pins"
churn_pid=
clean() {
  if [ -n "$churn_pid" ]; then kill "$churn_pid" 2>/dev/null || true; fi
  rm -rf "$work" "$pins"
}
trap clean EXIT

clang -g -O2 -target bpf -I "/usr/include/$(uname -m)-linux-gnu" \
  -c "$here/churned.bpf.c" -o "$work/churned.bpf.o"
cc -O2 -Wall "$here/churn.c" -lbpf -o "$work/churn"
bpftool prog loadall "$work/churned.bpf.o" "$pins/prog" type socket pinmaps "$pins/maps"
for map in "plain_hash hash 8" "plain_wide hash 32" "plain_pcpu percpu_hash 8"; do
  read -r name type bytes <<<"$map"
  bpftool map create "$pins/maps/$name" type "$type" key 4 value "$bytes" entries 8 name "$name"
done

forms=("plain" "j -j" "jp -jp")
maps=(conf_hash conf_pcpu num_hash num_pcpu error_hash wide_hash
      plain_hash plain_wide plain_pcpu)

# record MAP STATE: all forms of a map, as bpftool prints them with its errors.
record() {
  for form in "${forms[@]}"; do
    read -r name option <<<"$form "
    bpftool ${option:+"$option"} map dump pinned "$pins/maps/$1" >"$out/$1.$2.$name" 2>&1 || true
  done
}

"$work/churn" "$pins/maps" fill
for map in "${maps[@]}"; do record "$map" rest; done
record stored rest

# Until an entry was gone when bpftool asked for it, and some key was met twice.
"$work/churn" "$pins/maps" churn 300 &
churn_pid=$!
for map in "${maps[@]}"; do
  for form in "${forms[@]}"; do
    read -r name option <<<"$form "
    file=$out/$map.churned.$name
    for _ in $(seq 1 300); do
      bpftool ${option:+"$option"} map dump pinned "$pins/maps/$map" >"$file" 2>&1 || true
      if grep -qE 'no entry|No such file|error"' "$file" && [ "$map" != error_hash ]; then break; fi
    done
  done
done
