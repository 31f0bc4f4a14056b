#!/bin/sh
# Measures `inlay analyze` against other programs on the same file, and exits with 1 if it misses a
# bar.
#
#   bench/analyze_speed.sh [PATH_OF_INLAY] [FOLDER_FOR_FILES]
#
# Bars, as ratios in one run on the same file (in the page cache, programs interleaved, medians):
#   raw   10,000,000 records of 96 bytes, 500 distinct: 2 GB/s, or 60 % of the speed of
#         `cat FILE > /dev/null` plus XXH3 over the same bytes, whichever is lower
#   csv   whole rows, few distinct / all distinct: no slower than
#         LC_ALL=C awk '{c[$0]++} END{print length(c)}', for every awk that is installed
#   duckdb  the same job as DuckDB with as many threads: distinct rows and their copies, the copies
#         histogram, the ten most frequent rows, the distinct values of every column. On 494,021
#         rows of 42 columns, 145,586 distinct, 3.5 times as fast; on 3,000,000 rows of 5 columns,
#         93 % distinct, twice as fast. inlay's time is the whole run of `inlay analyze
#         --spoilers 0 --no-split`, which also counts the rows without each column and forecasts
#         growth; DuckDB's is that of its queries, without the start of the program. The default
#         report is printed beside it, without a bar
#   bytes per value  the second of these files: at most 80 bytes and the value's own for each
#         distinct value, of the whole process above what it takes for a file of one row
#   summary  of the same file: at most 1.5 times as long as the report
#   rss   the raw file, 960 MB: less than 100 MB of memory
#   memory  100,000,000 distinct records of 16 bytes from a pipe, with --memory 512M: no more memory
#         than that. The estimate is printed beside the true count
#   fields  500,000 distinct rows of 42 columns. Each column tells some rows apart, so none is
#         spared from counting. The report without each column in turn takes at most 12 times as
#         long as the plain pass, the report on the same file read as one column. The steps that
#         leave out several columns are printed, without a bar
#
# Environment: ROUNDS (default 5); SCALE (default 100), percent of the records, for a quick look;
# DUCKDB, the folder into which `npm install --prefix FOLDER @duckdb/node-api` has put DuckDB.
# Without DUCKDB that comparison is skipped. Needs python3, c++ and xxhash.h, and about 1.5 GB in
# the folder, which it removes again.

set -eu
export LC_ALL=C

inlay=${1:-build/release/tools/inlay}
folder=${2:-${TMPDIR:-/tmp}}
rounds=${ROUNDS:-5}
scale=${SCALE:-100}
[ -x "$inlay" ] || { echo "analyze_speed: $inlay is not there; build it or name it" >&2; exit 2; }

work=$(mktemp -d "$folder/analyze_speed.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

raw=$work/raw.bin
few=$work/few.csv
all=$work/all.csv
wide=$work/wide.csv
records=$((10000000 * scale / 100))
rows=$((4000000 * scale / 100))

# Always the same bytes: the generator is a plain congruence, not any awk's own rand().
awk -v n="$records" 'BEGIN {
  seed = 20261122
  for (i = 0; i < 500; i++) {
    v = sprintf("%08d", i)
    while (length(v) < 96) { seed = (seed * 16807) % 2147483647; v = v sprintf("%08x", seed) }
    value[i] = substr(v, 1, 96)
  }
  for (i = 0; i < n; i++) { seed = (seed * 16807) % 2147483647; printf "%s", value[seed % 500] }
}' > "$raw"
awk -v n="$rows" 'BEGIN {
  seed = 20261122
  for (i = 0; i < n; i++) {
    seed = (seed * 16807) % 2147483647
    k = seed % 500
    printf "%d,%d,name-%d,%d\n", k % 7, k * 4099, k, 65535 - k
  }
}' > "$few"
awk -v n="$((rows / 4))" 'BEGIN {
  seed = 20261122
  for (i = 0; i < n; i++) {
    seed = (seed * 16807) % 2147483647
    printf "%d,%d,name-%d,%d\n", i, seed, seed % 500, 65535 - seed % 65536
  }
}' > "$all"
# A row is six parts of seven columns each, drawn from 1,000 parts that are made once. Every second
# row repeats the one before it but for one column.
awk -v n="$((500000 * scale / 100))" 'BEGIN {
  seed = 20261122
  for (i = 0; i < 1000; i++) {
    for (j = 0; j < 7; j++) { seed = (seed * 16807) % 2147483647; cell[j] = seed % 50 }
    for (other = 0; other <= 7; other++) {
      text = ""
      for (j = 0; j < 7; j++) text = text (j > 0 ? "," : "") cell[j] + (j == other ? 50 : 0)
      part[i, other] = text
    }
  }
  for (i = 0; i < n; i++) {
    if (i % 2 == 0) {
      for (j = 0; j < 6; j++) { seed = (seed * 16807) % 2147483647; pick[j] = seed % 1000 }
    }
    column = i % 2 == 0 ? -1 : int(i / 2) % 42
    row = ""
    for (j = 0; j < 6; j++) {
      other = int(column / 7) == j && column >= 0 ? column % 7 : 7
      row = row (j > 0 ? "," : "") part[pick[j], other]
    }
    print row
  }
}' > "$wide"

# Like KDD Cup 1999: connections, of which many repeat, with a few columns of many values.
python3 - "$work" "$scale" <<'END'
import random, sys
folder, scale = sys.argv[1], int(sys.argv[2])
draw = random.Random(20261128)
below = lambda n: str(int(draw.random() * n))
rate = lambda: "%.2f" % (int(draw.random() * 101) / 100) if draw.random() < 0.3 else "0.00"
distinct, rows = 145586 * scale // 100, 494021 * scale // 100
protocols, services = ["tcp", "udp", "icmp"], "http smtp ecr_i private ftp domain_u other".split()
flags, labels = ["SF", "S0", "REJ", "RSTO"], ["normal.", "smurf.", "neptune."]
pool = []
for i in range(distinct):
    row = [below(60000) if draw.random() < 0.05 else "0", draw.choice(protocols),
           draw.choice(services), draw.choice(flags), below(6000), below(20000)]
    row += ["0" if draw.random() < 0.97 else below(5) for _ in range(16)]
    row += [below(512), below(512)] + [rate() for _ in range(7)] + [below(256), below(256)]
    pool.append(",".join(row + [rate() for _ in range(8)] + [draw.choice(labels)]))
written = pool + [pool[int(distinct * draw.random() ** 4)] for _ in range(rows - distinct)]
draw.shuffle(written)
with open(folder + "/connections.csv", "w") as file:
    file.write("\n".join(written) + "\n")
with open(folder + "/many.csv", "w") as file:
    for _ in range(3000000 * scale // 100):
        a, b = int(draw.random() * 65536), int(draw.random() * 330 * scale / 100)
        file.write(f"{a},{b},{a * 7 % 256},{b % 13},{(a // 64 + b) % 1024}\n")
END

cat > "$work/xxh3.cc" <<'END'
// XXH3 alone: hashes the file's records from memory and prints the seconds that took.
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <chrono>
#include <cstdio>
#include <vector>
int main(int, char** argv) {
  std::FILE* file = std::fopen(argv[1], "rb");
  std::fseek(file, 0, SEEK_END);
  std::vector<char> bytes(static_cast<size_t>(std::ftell(file)));
  std::rewind(file);
  if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) return 1;
  const auto start = std::chrono::steady_clock::now();
  unsigned long long sum = 0;
  for (size_t i = 0; i + 96 <= bytes.size(); i += 96) sum += XXH3_64bits(bytes.data() + i, 96);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::fprintf(stderr, "%llu\n", sum);
  std::printf("%.6f\n", took.count());
}
END
c++ -O2 -o "$work/xxh3" "$work/xxh3.cc"

cat > "$work/distinct.cc" <<'END'
// Writes as many records of 16 bytes as it is told, all distinct.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
int main(int, char** argv) {
  const uint64_t records = std::strtoull(argv[1], nullptr, 10);
  for (uint64_t i = 0; i < records; ++i) {
    const uint64_t record[2] = {i, i * 0x9E3779B97F4A7C15};
    if (std::fwrite(record, sizeof(record), 1, stdout) != 1) return 1;
  }
}
END
c++ -O2 -o "$work/distinct" "$work/distinct.cc"

cat > "$work/duckdb.cjs" <<'END'
// Does the job with DuckDB: FOLDER FILE THREADS COLUMNS. Prints the seconds and the distinct rows.
const [folder, file, threads, count] = process.argv.slice(2);
const { DuckDBInstance } = require(folder + '/node_modules/@duckdb/node-api');
(async () => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads })).connect();
  const columns = [...Array(Number(count)).keys()].map((i) => `c${i}`);
  const types = columns.map((c) => `'${c}': 'VARCHAR'`).join(',');
  const start = process.hrtime.bigint();
  const rows = async (query) => (await connection.runAndReadAll(query)).getRows();
  await rows(`CREATE TEMP TABLE v AS SELECT ${columns.join(',')}, count(*) AS copies
              FROM read_csv('${file}', columns={${types}}, delim=',', quote='"', escape='"',
                            header=false, auto_detect=false) GROUP BY ALL`);
  const distinct = await rows('SELECT count(*), sum(copies) FROM v');
  await rows('SELECT floor(log2(copies)) b, count(*), sum(copies) FROM v GROUP BY b ORDER BY b');
  await rows('SELECT * FROM v ORDER BY copies DESC LIMIT 10');
  await rows(`SELECT ${columns.map((c) => `count(DISTINCT ${c})`).join(',')} FROM v`);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log(seconds.toFixed(6), String(distinct[0][0]));
})().catch((error) => { console.error(String(error)); process.exit(1); });
END
duckdb=
if [ -z "${DUCKDB:-}" ]; then
  no_duckdb="DUCKDB names no folder; npm install --prefix FOLDER @duckdb/node-api gets it"
elif ! command -v node > /dev/null; then
  no_duckdb="no node"
elif [ ! -d "$DUCKDB/node_modules/@duckdb/node-api" ]; then
  echo "analyze_speed: no @duckdb/node-api in DUCKDB=$DUCKDB" >&2
  exit 2
else
  duckdb=$(cd "$DUCKDB" && pwd)
fi
# As many as inlay uses.
duckdb_threads=$(nproc | awk '{ print ($1 > 8 ? 8 : $1) }')

now() { date +%s.%N; }
# seconds COMMAND...: the wall time of a command whose output is dropped.
seconds() {
  from=$(now)
  "$@" > /dev/null 2>&1
  now | awk -v from="$from" '{ printf "%.6f\n", $1 - from }'
}
# shellcheck disable=SC2317  # seconds() calls it
copy() { cat "$1" > /dev/null; }
# shellcheck disable=SC2016,SC2317  # $0 is awk's; seconds() calls it
count_with() { "$1" '{c[$0]++} END{print length(c)}' "$2"; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

awks=
for name in mawk gawk; do
  if command -v "$name" > /dev/null; then awks="$awks $name"; fi
done
[ -n "$awks" ] || awks='awk'

# The files of the job that DuckDB does too, and how many columns they have.
columns_of() { case $1 in connections) echo 42 ;; *) echo 5 ;; esac; }

cat "$raw" "$few" "$all" "$wide" "$work/connections.csv" "$work/many.csv" > /dev/null
round=0
while [ "$round" -lt "$rounds" ]; do
  seconds "$inlay" analyze --value-bytes 96 "$raw" >> "$work/t.raw"
  seconds copy "$raw" >> "$work/t.cat"
  "$work/xxh3" "$raw" 2> /dev/null >> "$work/t.xxh3"
  for file in few all; do
    seconds "$inlay" analyze "$work/$file.csv" >> "$work/t.$file"
    for name in $awks; do
      seconds count_with "$name" "$work/$file.csv" >> "$work/t.$file.$name"
    done
  done
  for file in connections many; do
    seconds "$inlay" analyze "$work/$file.csv" >> "$work/t.$file.report"
    seconds "$inlay" analyze --spoilers 0 --no-split "$work/$file.csv" >> "$work/t.$file"
    if [ -n "$duckdb" ]; then
      node "$work/duckdb.cjs" "$duckdb" "$work/$file.csv" "$duckdb_threads" \
        "$(columns_of "$file")" > "$work/duckdb.out"
      cut -d' ' -f1 "$work/duckdb.out" >> "$work/t.$file.duckdb"
    fi
  done
  seconds "$inlay" analyze --summary "$work/summary" "$work/many.csv" >> "$work/t.summary"
  seconds "$inlay" analyze --format csv --delimiter '|' "$wide" >> "$work/t.plain"
  seconds "$inlay" analyze --spoilers 0 "$wide" >> "$work/t.fields"
  seconds "$inlay" analyze "$wide" >> "$work/t.spoilers"
  round=$((round + 1))
done

load=$(cut -d' ' -f1 /proc/loadavg)
cpu=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
echo "$(date -u +%F), ${cpu:-unknown CPU}, $(nproc) cores, load $load"
echo "$("$inlay" --version | head -n 1), $rounds rounds, medians of wall seconds"
# inlay keeps every core busy, so its own rounds account for a load of about half the cores.
if awk -v load="$load" -v cores="$(nproc)" 'BEGIN { exit !(load > cores * 0.75) }'; then
  echo "note: other work shares the cores, which slows two threads more than cat: repeat when quiet"
fi
missed=0
bytes=$(wc -c < "$raw")
awk -v bytes="$bytes" -v t="$(median "$work/t.raw")" -v c="$(median "$work/t.cat")" \
    -v x="$(median "$work/t.xxh3")" 'BEGIN {
  own = bytes / t / 1e9; reference = bytes / (c + x) / 1e9
  bar = 0.6 * reference < 2 ? 0.6 * reference : 2
  printf "raw %d bytes: inlay %.3f s = %.2f GB/s; cat %.3f s + XXH3 %.3f s = %.2f GB/s\n",
         bytes, t, own, c, x, reference
  printf "  bar %.2f GB/s: %s\n", bar, (own >= bar ? "met" : "MISSED")
  exit (own < bar)
}' || missed=1
for file in few all; do
  for name in $awks; do
    awk -v t="$(median "$work/t.$file")" -v a="$(median "$work/t.$file.$name")" -v name="$name" \
        -v file="$file" -v bytes="$(wc -c < "$work/$file.csv")" 'BEGIN {
      printf "csv %s distinct, %d bytes: inlay %.3f s = %.2f GB/s; %s %.3f s, %.1f times as long\n",
             file, bytes, t, bytes / t / 1e9, name, a, a / t
      printf "  bar 1.0: %s\n", (t <= a ? "met" : "MISSED")
      exit (t > a)
    }' || missed=1
  done
done
for file in connections many; do
  own=$("$inlay" analyze --json --spoilers 0 --no-split "$work/$file.csv" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["distinct"])')
  if [ -z "$duckdb" ]; then
    echo "$file, $own distinct: inlay $(median "$work/t.$file") s"
    continue
  fi
  # Whoever counts something else is not compared.
  counted=$(node "$work/duckdb.cjs" "$duckdb" "$work/$file.csv" "$duckdb_threads" \
    "$(columns_of "$file")" | cut -d' ' -f2)
  [ "$counted" = "$own" ] || {
    echo "analyze_speed: DuckDB counts $counted distinct rows of $file.csv, inlay $own" >&2
    exit 2
  }
  bar=2
  [ "$file" = many ] || bar=3.5
  awk -v t="$(median "$work/t.$file")" -v d="$(median "$work/t.$file.duckdb")" -v bar="$bar" \
      -v report="$(median "$work/t.$file.report")" -v file="$file" -v own="$own" \
      -v threads="$duckdb_threads" 'BEGIN {
    printf "%s, %d distinct rows: inlay %.3f s, its default report %.3f s; ", file, own, t, report
    printf "DuckDB, %d threads, %.3f s, %.2f times as long\n", threads, d, d / t
    printf "  bar %s: %s\n", bar, (bar * t <= d ? "met" : "MISSED")
    exit (bar * t > d)
  }' || missed=1
done
awk -v summary="$(median "$work/t.summary")" -v report="$(median "$work/t.many")" 'BEGIN {
  printf "summary of many: %.3f s, %.2f times as long as the report\n", summary, summary / report
  printf "  bar 1.5: %s\n", (summary <= 1.5 * report ? "met" : "MISSED")
  exit (summary > 1.5 * report)
}' || missed=1
[ -n "$duckdb" ] || echo "DuckDB not compared: $no_duckdb"
awk -v p="$(median "$work/t.plain")" -v f="$(median "$work/t.fields")" \
    -v s="$(median "$work/t.spoilers")" -v bytes="$(wc -c < "$wide")" 'BEGIN {
  printf "fields, 42 columns, %d bytes: plain %.3f s; ", bytes, p
  printf "without each column %.3f s, %.1f times as long; ", f, f / p
  printf "and ten steps %.3f s, %.1f times\n", s, s / p
  printf "  bar 12: %s\n", (f <= 12 * p ? "met" : "MISSED")
  exit (f > 12 * p)
}' || missed=1

# The peak of resident memory, which the kernel counts; a shell cannot ask for it without GNU time.
if command -v python3 > /dev/null; then
  python3 - "$inlay" "$raw" <<'END' || missed=1
import resource, subprocess, sys
subprocess.run([sys.argv[1], "analyze", "--format", "raw", "--value-bytes", "96", sys.argv[2]],
               stdout=subprocess.DEVNULL, check=True)
megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
print(f"rss {megabytes:.1f} MB\n  bar 100 MB: {'met' if megabytes < 100 else 'MISSED'}")
sys.exit(megabytes >= 100)
END
  python3 - "$inlay" "$work" <<'END' || missed=1
import json, os, subprocess, sys

def peak_bytes(path, options):
    process = subprocess.Popen([sys.argv[1], "analyze", *options, path], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"analyze_speed: inlay analyze {path} failed")
    return usage.ru_maxrss * 1024

# A process starts with the peak of the one that forked it, so this one stays small until the end.
folder = sys.argv[2]
many = folder + "/many.csv"
with open(folder + "/one.csv", "w") as file:
    file.write("1,2,3,4,5\n")
fixed = peak_bytes(folder + "/one.csv", ["--format", "csv"])
short = ["--spoilers", "0", "--no-split"]
peaks = {"default report": peak_bytes(many, []), "no spoilers, no split": peak_bytes(many, short)}
report = json.loads(subprocess.run([sys.argv[1], "analyze", "--json", *short, many],
                                   stdout=subprocess.PIPE, check=True).stdout)
with open(many, "rb") as file:
    own = sum(len(line) - 1 for line in set(file)) / report["distinct"]
missed = False
for name, peak in peaks.items():
    each = (peak - fixed) / report["distinct"]
    missed = missed or each > 80 + own
    print(f"bytes per value, {report['distinct']:,} of {own:.1f} bytes, {name}: {each:.1f}")
    print(f"  bar 80 and the value, {80 + own:.1f}: {'met' if each <= 80 + own else 'MISSED'}")
sys.exit(missed)
END
  python3 - "$inlay" "$work/distinct" "$((100000000 * scale / 100))" <<'END' || missed=1
import json, resource, subprocess, sys, time
start = time.time()
records = subprocess.Popen([sys.argv[2], sys.argv[3]], stdout=subprocess.PIPE)
report = json.loads(subprocess.run(
    [sys.argv[1], "analyze", "--json", "--value-bytes", "16", "--memory", "512M", "-"],
    stdin=records.stdout, stdout=subprocess.PIPE, check=True).stdout)
seconds = time.time() - start
mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"memory, {report['records']:,} records of 16 bytes, all distinct: "
      f"{seconds:.1f} s, {mebibytes:.0f} MiB; counted {report['distinct']:,}, "
      f"{'exact' if report['exact'] else 'an estimate'}")
print(f"  bar 512 MiB: {'met' if mebibytes <= 512 else 'MISSED'}")
sys.exit(mebibytes > 512 or report['records'] != int(sys.argv[3]))
END
else
  echo "rss and memory not measured: no python3"
fi
exit "$missed"
