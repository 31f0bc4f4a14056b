// NoLayout: stands where a benchmark wants a layout, for the same run without any map: its touch.

#ifndef INLAY_BENCH_NO_LAYOUT_H_
#define INLAY_BENCH_NO_LAYOUT_H_

namespace inlay::bench {

struct NoLayout {
  struct Map {};
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_NO_LAYOUT_H_
