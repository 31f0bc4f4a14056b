// The second file of runtime_constant_test.

#include "tests/engine/layouts/runtime_constant_units.h"

namespace inlay {

template <typename Constant>
std::vector<uint32_t> LoadsInOtherUnit() {
  // The linker may keep the first file's LoadsHere(); the other functions are this file's own.
  std::vector<uint32_t> numbers = LoadsHere<Constant>();
  numbers.push_back(Constant::Load());
  numbers.push_back(Small<Constant>());
  numbers.push_back(OnItsOwnPage<Constant, 0>());
  numbers.push_back(AcrossPages<Constant>());
  return numbers;
}

template std::vector<uint32_t> LoadsInOtherUnit<Untouched>();
template std::vector<uint32_t> LoadsInOtherUnit<Repeated>();
template std::vector<uint32_t> LoadsInOtherUnit<Neighbour>();
template std::vector<uint32_t> LoadsInOtherUnit<Mapped>();
template std::vector<uint32_t> LoadsInOtherUnit<Refused>();

}  // namespace inlay
