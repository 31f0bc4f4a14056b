// Inline functions that load run-time constants, for the two files that include this one, and the
// functions of the second file, runtime_constant_unit.cc.

#ifndef INLAY_TESTS_ENGINE_LAYOUTS_RUNTIME_CONSTANT_UNITS_H_
#define INLAY_TESTS_ENGINE_LAYOUTS_RUNTIME_CONSTANT_UNITS_H_

#include <cstdint>
#include <iterator>
#include <vector>

#include "inlay/runtime_constant.h"

namespace inlay {

// One for each test, since a test cannot unset a constant.
using Untouched = RuntimeConstant<struct UntouchedTag>;
using Repeated = RuntimeConstant<struct RepeatedTag>;
using Neighbour = RuntimeConstant<struct NeighbourTag>;
using Mapped = RuntimeConstant<struct MappedTag>;
using Refused = RuntimeConstant<struct RefusedTag>;
using Raced = RuntimeConstant<struct RacedTag>;
using Damaged = RuntimeConstant<struct DamagedTag>;
using Placeless = RuntimeConstant<struct PlacelessTag>;

// Small enough to be inlined in both files.
template <typename Constant>
inline uint32_t Small() {
  return Constant::Load();
}

// Not inlined: both files have a copy, and the linker keeps one. Far apart, so that the places lie
// in several runs of pages.
template <typename Constant, int kNumber>
[[gnu::noinline, gnu::aligned(0x4000)]] uint32_t OnItsOwnPage() {
  return Constant::Load() + kNumber;
}

// Two places in one function.
template <typename Constant>
[[gnu::noinline]] uint32_t InTwoBranches(bool branch) {
  if (branch) return Constant::Load() * 3;
  return Constant::Load() * 5;
}

// The place crosses a page boundary: padding before it fills the page up to its last bytes.
template <typename Constant>
[[gnu::noinline]] uint32_t AcrossPages() {
#if defined(__x86_64__)
  __asm__ volatile(".p2align 12, 0x90\n\t.skip 4093, 0x90");
#elif defined(__aarch64__)
  __asm__ volatile(".p2align 12\n\t.rept 1023\n\tnop\n\t.endr");
#endif
  return Constant::Load();
}

// The numbers that the functions above load when this file calls them.
template <typename Constant>
std::vector<uint32_t> LoadsHere() {
  // Through pointers that the compiler does not see through, so that nothing is inlined.
  uint32_t (*volatile const functions[])() = {&Small<Constant>, &OnItsOwnPage<Constant, 0>,
                                              &OnItsOwnPage<Constant, 1>,
                                              &OnItsOwnPage<Constant, 2>, &AcrossPages<Constant>};
  const uint32_t added[] = {0, 0, 1, 2, 0};
  std::vector<uint32_t> numbers = {Constant::Load(), Small<Constant>()};
  for (size_t i = 0; i != std::size(functions); ++i) numbers.push_back(functions[i]() - added[i]);
  for (const bool branch : {false, true}) {
    const uint32_t factor = branch ? 3 : 5;
    const uint32_t product = InTwoBranches<Constant>(branch);
    numbers.push_back(product == factor * Constant::Load() ? Constant::Load() : product);
  }
  return numbers;
}

// The same, called in the other file.
template <typename Constant>
std::vector<uint32_t> LoadsInOtherUnit();

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_LAYOUTS_RUNTIME_CONSTANT_UNITS_H_
