// Scale: maps values to positions on an axis, and chooses the ticks of the axis.
//
// Thread-safe: immutable.

#ifndef INLAY_TOOLS_PAGES_DOCUMENT_SCALE_H_
#define INLAY_TOOLS_PAGES_DOCUMENT_SCALE_H_

#include <string>
#include <vector>

namespace inlay::page {

class Scale {
 public:
  // From `from` to `to` over the range of values, with a tick at each multiple of a round step, of
  // which there are about `steps`.
  static Scale Linear(double least, double most, double from, double to, int steps);
  // The same, widened at its upper end to the next tick.
  static Scale LinearToTick(double least, double most, double from, double to, int steps);
  // REQUIRES: 0 < least <= most. Not widened.
  static Scale Logarithmic(double least, double most, double from, double to);

  // The position of a value; the nearest end for a value beyond the scale.
  double At(double value) const;
  double least() const { return least_; }
  double most() const { return most_; }

  // Ascending: the multiples of the step, or powers of ten and, where these are few, 2 and 5 times
  // them.
  std::vector<double> Ticks() const;
  bool logarithmic() const { return logarithmic_; }

 private:
  bool logarithmic_ = false;
  double least_ = 0;
  double most_ = 1;
  double step_ = 1;  // of a linear scale
  double from_ = 0;
  double to_ = 1;
};

// A value beside a tick, short: "0.5", "100", "10k", "2.5M".
std::string TickLabel(double value);

}  // namespace inlay::page

#endif  // INLAY_TOOLS_PAGES_DOCUMENT_SCALE_H_
