// In the place of kernel_bench.cc where something was missing when this was built.

#include <cstdio>

int main() {
  constexpr int kSkipped = 77;
  std::fprintf(stderr, "kernel_bench: skipped: built without %s; install it and configure again\n",
               INLAY_KERNEL_BENCH_MISSES);
  return kSkipped;
}
