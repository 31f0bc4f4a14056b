// What numbers mean nothing without: the machine, the compiler, the commit, the command. Goes into the
// context that Google Benchmark prints and writes.

#ifndef INLAY_BENCH_RUN_CONTEXT_H_
#define INLAY_BENCH_RUN_CONTEXT_H_

namespace inlay::bench {

// Adds the keys program, command, commit, compiler, build_type, cpu, kernel and transparent_hugepage.
void AddRunContext(int argc, char** argv);

}  // namespace inlay::bench

#endif  // INLAY_BENCH_RUN_CONTEXT_H_
