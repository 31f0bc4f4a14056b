#include "engine/layouts/owner_array.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "tests/failing_allocations.h"

namespace inlay {
namespace {

// Owners at the distance of real ones.
const void* OwnerAt(uint32_t number) {
  return reinterpret_cast<const void*>(uintptr_t{0x1000} + uintptr_t{number} * 64);
}

TEST(OwnerArrayTest, AgreesWithAModel) {
  OwnerArray* array = OwnerArray::TryCreate(64);
  ASSERT_NE(array, nullptr);
  std::vector<SideValue> values(200);
  for (uint32_t i = 0; i < values.size(); ++i) values[i].owner = OwnerAt(i % 100);
  std::map<const void*, SideValue*> model;
  std::mt19937 random(1);
  for (int step = 0; step < 20000; ++step) {
    SideValue& value = values[random() % values.size()];
    const auto held = model.find(value.owner);
    if (held == model.end()) {
      if (array->HasRoom()) {
        array->Insert(&value);
        model[value.owner] = &value;
      } else {
        // Full of tombstones: a copy has room again, and holds the same.
        OwnerArray* const fresh = OwnerArray::TryCreate(64);
        array->CopyTo(fresh);
        OwnerArray::Free(array);
        array = fresh;
        while (model.size() > 10) {
          EXPECT_EQ(array->Remove(model.begin()->first), model.begin()->second);
          model.erase(model.begin());
        }
      }
    } else if (random() % 2 == 0) {
      EXPECT_EQ(array->Replace(&value), held->second);
      held->second = &value;
    } else {
      EXPECT_EQ(array->Remove(value.owner), held->second);
      model.erase(held);
    }
    ASSERT_EQ(array->values(), model.size());
    for (uint32_t i = 0; i < 100; ++i) {
      const auto expected = model.find(OwnerAt(i));
      ASSERT_EQ(array->Find(OwnerAt(i)), expected == model.end() ? nullptr : expected->second);
    }
  }
  uint32_t visited = 0;
  array->ForEach([&](SideValue* value) {
    EXPECT_EQ(model.at(value->owner), value);
    ++visited;
  });
  EXPECT_EQ(visited, model.size());
  OwnerArray::Free(array);
}

TEST(OwnerArrayTest, CreationWithoutMemoryFails) {
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(OwnerArray::TryCreate(16), nullptr);
  SetAllocationsLeftForTest(-1);
}

}  // namespace
}  // namespace inlay
