// The tests of the same name compile this file several times. It must compile as it is. With each
// of the macros, which is a mistake that a caller may make, it must fail with a clear message.

#include "inlay/rcu.h"
#include "inlay/shared_map.h"

namespace {

struct Policy {
  unsigned rate_limit;
};

constexpr inlay::InlineField kField{.word = 0, .shift = 10, .width_bits = 10};

void Use(inlay::SharedMap<Policy, kField>& map, inlay::InlineWords<64>& large,
         [[maybe_unused]] inlay::InlineWords<16>& small) {
  static_cast<void>(map.Modify(large, [](Policy& policy) { ++policy.rate_limit; }));
  static_cast<void>(map.Modify(large, [](auto& policy) { ++policy.rate_limit; }));
#ifdef INLAY_TEST_MODIFY_COPY
  static_cast<void>(map.Modify(large, [](Policy policy) { ++policy.rate_limit; }));
#endif
  static_cast<void>(map.ReplaceAll([](Policy& policy) { policy.rate_limit = 0; }));
  static_cast<void>(map.ReplaceAll([](Policy& policy) { return policy.rate_limit == 0; }));
#ifdef INLAY_TEST_REPLACE_ALL_RESULT
  static_cast<void>(map.ReplaceAll([](Policy& policy) { return policy.rate_limit = 0; }));
#endif
#ifdef INLAY_TEST_UNNAMED_SECTION
  inlay::ReadSection();
#endif
  const inlay::ReadSection section;
  map.Get(large);
  map.Get(section, large);
  map.bytes().Get(section, large);
#ifdef INLAY_TEST_TEMPORARY_SECTION
  map.Get(inlay::ReadSection(), large);
#endif
#ifdef INLAY_TEST_TEMPORARY_SECTION_OF_BYTES
  map.bytes().Get(inlay::ReadSection(), large);
#endif
#ifdef INLAY_TEST_FIELD_BEYOND_OWNER
  map.Get(small);
#endif
}

}  // namespace

int main() { return &Use == nullptr; }
