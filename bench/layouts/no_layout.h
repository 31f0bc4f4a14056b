// NoLayout: takes the place of a layout, for a run without a map: the touch.

#ifndef INLAY_BENCH_NO_LAYOUT_H_
#define INLAY_BENCH_NO_LAYOUT_H_

namespace inlay::bench {

struct NoLayout {
  struct Map {};
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_NO_LAYOUT_H_
