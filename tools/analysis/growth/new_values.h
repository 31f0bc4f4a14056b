// NewValues: estimates the unseen values that further records bring, from the numbers of values
// seen once, twice and three times.
//
// The model: records come in random order, and the rates at which the rare values occur follow a
// gamma distribution (Fisher, Corbet and Williams 1943). Then t * N further records bring
//
//   new(t) = once * ((1 + scale * t)^b - 1) / (scale * b),   b = 1 - shape
//
// A power law, values that are all new, and values that are all as frequent as each other are
// special cases: scale 1, shape 0, and shape towards infinity. docs/analyze.md says how it is
// fitted.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_ANALYSIS_GROWTH_NEW_VALUES_H_
#define INLAY_TOOLS_ANALYSIS_GROWTH_NEW_VALUES_H_

namespace inlay::analysis {

// The numbers of values that occur once, twice and three times.
struct RareValues {
  double once = 0;
  double twice = 0;
  double thrice = 0;
};

class NewValues {
 public:
  // The most likely model for `seen`, with a prior that favors a power law. REQUIRES: seen.once >
  // 0.
  explicit NewValues(const RareValues& seen);

  // The new values expected among `further` times as many more records; further > 0.
  double Expected(double further) const;
  // The fewest and the most new values from rates of the same mean, or of the same mean and
  // variance (Harris 1959): all rates equal; and some at zero, the others at one rate.
  double Least(double further) const;
  double Most(double further) const;

 private:
  double once_ = 0;  // by the model
  double shape_ = 0;
  double scale_ = 1;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_GROWTH_NEW_VALUES_H_
