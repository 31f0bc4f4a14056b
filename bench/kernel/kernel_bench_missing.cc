// Replaces kernel_bench.cc if the build lacks libbpf or a compiler for BPF.

#include <cstdio>

int main() {
  constexpr int kSkipped = 77;
  std::fprintf(stderr, "kernel_bench: skipped: built without %s; install it and configure again\n",
               INLAY_KERNEL_BENCH_MISSES);
  return kSkipped;
}
