// The part of a benchmark's name that identifies its workload: /sockets:N/values:D/bytes:V.

#ifndef INLAY_BENCH_SHAPE_ARGUMENTS_H_
#define INLAY_BENCH_SHAPE_ARGUMENTS_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bench/workload/workload.h"

namespace inlay::bench {

inline const std::vector<std::string> kShapeArguments = {"sockets", "values", "bytes"};

inline WorkloadShape ShapeOf(const benchmark::State& state) {
  WorkloadShape shape;
  shape.sockets = static_cast<size_t>(state.range(0));
  shape.values = static_cast<uint32_t>(state.range(1));
  shape.value_bytes = static_cast<uint32_t>(state.range(2));
  return shape;
}

}  // namespace inlay::bench

#endif  // INLAY_BENCH_SHAPE_ARGUMENTS_H_
