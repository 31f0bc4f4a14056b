// Modify() that has to try again, on every layout.

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <thread>

#include "inlay/rcu.h"
#include "tests/contract/contract_fixture.h"
#include "tests/engine/races/stopped_thread.h"

namespace inlay {
namespace {

template <typename L>
class ModifyRacesTest : public ContractTest<L> {};
TYPED_TEST_SUITE(ModifyRacesTest, AllLayouts, LayoutName);

// A Modify() that retries for long must not keep objects alive that are retired meanwhile.
TYPED_TEST(ModifyRacesTest, ModifyHoldsNoReaderSectionBetweenTwoAttempts) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->map_->Update(socket, this->Value(1), UpdateFlag::kAny), Status::kOk);
  std::optional<bool> in_section;
  const AtTestPoint retries("modify.retries", [&] { in_section = InReadSection(); });
  int calls = 0;
  const auto modify = [&](std::span<std::byte> bytes) {
    if (calls++ == 0) {
      std::thread([&] {
        EXPECT_EQ(this->map_->Update(socket, this->Value(2), UpdateFlag::kAny), Status::kOk);
      }).join();
    }
    bytes[50] = std::byte{7};
  };
  EXPECT_EQ(this->map_->Modify(socket, modify), Status::kOk);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(in_section, false);
  Bytes expected = this->Value(2);
  expected[50] = std::byte{7};
  EXPECT_EQ(this->Held(socket), expected);
}

}  // namespace
}  // namespace inlay
