#include "engine/stores/field_allocator.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace inlay {
namespace {

FieldAllocator MakeAllocator(uint32_t reserved_bits, uint32_t word_bits) {
  return FieldAllocator(
      reserved_bits, word_bits,
      std::make_unique<uint64_t[]>(FieldAllocator::Words(reserved_bits, word_bits)));
}

// The number of fields of one width that fit.
uint32_t Count(FieldAllocator& fields, uint32_t width) {
  uint32_t count = 0;
  while (fields.Take(width).has_value()) ++count;
  return count;
}

TEST(FieldAllocatorTest, AsManyFieldsOfEveryWidthAsTheWordsHold) {
  struct Case {
    uint32_t reserved, word;
  };
  for (const auto [reserved, word] : {Case{16, 16}, Case{16, 32}, Case{16, 64}, Case{32, 32},
                                      Case{32, 64}, Case{64, 64}, Case{128, 64}, Case{256, 64}}) {
    for (uint32_t width = 1; width <= 16; ++width) {
      FieldAllocator fields = MakeAllocator(reserved, word);
      const uint32_t bits = reserved < word ? reserved : word;
      const uint32_t words = reserved / bits;
      EXPECT_EQ(Count(fields, width), words * (bits / width))
          << reserved << " bits in words of " << word << ", width " << width;
    }
  }
}

TEST(FieldAllocatorTest, AGivenFieldIsTakenOnce) {
  FieldAllocator fields = MakeAllocator(128, 64);
  const InlineField wanted{.word = 1, .shift = 7, .width_bits = 9};
  EXPECT_TRUE(fields.TakeAt(wanted));
  EXPECT_FALSE(fields.TakeAt(wanted));
  EXPECT_FALSE(fields.TakeAt({.word = 1, .shift = 15, .width_bits = 2})) << "shares a bit";
  EXPECT_TRUE(fields.TakeAt({.word = 1, .shift = 16, .width_bits = 2}));
  EXPECT_EQ(fields.taken_bits(), 11U);
  fields.Return(wanted);
  EXPECT_TRUE(fields.TakeAt(wanted));
}

TEST(FieldAllocatorTest, AGivenFieldLiesInOneWordOfTheReservation) {
  FieldAllocator fields = MakeAllocator(64, 64);
  EXPECT_FALSE(fields.TakeAt({.word = 1, .shift = 0, .width_bits = 9}));
  EXPECT_FALSE(fields.TakeAt({.word = 0, .shift = 56, .width_bits = 9}));
  EXPECT_TRUE(fields.TakeAt({.word = 0, .shift = 55, .width_bits = 9}));
  FieldAllocator half_used = MakeAllocator(16, 32);
  EXPECT_FALSE(half_used.TakeAt({.word = 0, .shift = 8, .width_bits = 9}));
  EXPECT_TRUE(half_used.TakeAt({.word = 0, .shift = 7, .width_bits = 9}));
}

TEST(FieldAllocatorTest, FieldsNeverOverlapNorStraddle) {
  FieldAllocator fields = MakeAllocator(256, 64);
  std::vector<InlineField> taken;
  uint64_t used[4] = {};
  std::mt19937 random(3);
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const std::optional<InlineField> field = fields.Take(random() % 16 + 1);
      if (!field.has_value()) continue;
      ASSERT_LE(field->shift + field->width_bits, 64);
      const uint64_t mask = uint64_t{field->mask()} << field->shift;
      ASSERT_EQ(used[field->word] & mask, 0U);
      used[field->word] |= mask;
      taken.push_back(*field);
    } else if (!taken.empty()) {
      const size_t at = random() % taken.size();
      fields.Return(taken[at]);
      used[taken[at].word] &= ~(uint64_t{taken[at].mask()} << taken[at].shift);
      taken[at] = taken.back();
      taken.pop_back();
    }
    uint32_t bits = 0;
    for (const InlineField field : taken) bits += field.width_bits;
    ASSERT_EQ(fields.taken_bits(), bits);
  }
}

TEST(FieldAllocatorTest, SevenFieldsOfNineBitsInOneWordAsDrawn) {
  FieldAllocator fields = MakeAllocator(64, 64);
  for (uint8_t i = 0; i < 7; ++i) {
    EXPECT_EQ(fields.Take(9), (InlineField{0, static_cast<uint8_t>(9 * i), 9}));
  }
  EXPECT_EQ(fields.Take(9), std::nullopt);
  EXPECT_EQ(fields.Take(1), (InlineField{0, 63, 1}));
}

}  // namespace
}  // namespace inlay
