// The context of a result: machine, compiler, commit, command.

#ifndef INLAY_BENCH_RUN_CONTEXT_H_
#define INLAY_BENCH_RUN_CONTEXT_H_

#include <string>
#include <utility>
#include <vector>

namespace inlay::bench {

// Keys: program, command, commit, compiler, build_type, cpu, kernel and transparent_hugepage.
using RunContext = std::vector<std::pair<std::string, std::string>>;

RunContext ContextOfRun(int argc, char** argv);

}  // namespace inlay::bench

#endif  // INLAY_BENCH_RUN_CONTEXT_H_
