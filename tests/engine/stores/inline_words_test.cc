#include "inlay/inline_words.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace inlay {
namespace {

// --- the codec

static_assert(InlineField{.width_bits = 9}.mask() == 511);
static_assert(InlineField{.width_bits = 9}.max_index() == 510);
static_assert(InlineField{.width_bits = 9}.spilled_code() == 511);
static_assert(InlineField{.width_bits = 16}.mask() == 65535);
static_assert(ExtractCode(uint64_t{0x5a5} << 27, InlineField{0, 27, 12}) == 0x5a5);
static_assert(ReplaceCode(~uint64_t{0}, InlineField{0, 48, 16}, 0) == 0xffff'ffff'ffff);
static_assert(ReplaceCode(uint16_t{0xffff}, InlineField{0, 4, 8}, 0) == 0xf00f);
static_assert(ReplaceCode(uint16_t{0}, InlineField{0, 0, 16}, 0xffff) == 0xffff);
static_assert(ReplaceCode(uint32_t{0}, InlineField{0, 8, 4}, 0xff) == 0xf00,
              "a code that does not fit is cut, not spread");

// --- neighbours, exhaustively

// The codes to try in a field: all if they are few, otherwise those at the boundaries.
std::vector<uint32_t> CodesOf(InlineField field) {
  const uint32_t mask = field.mask();
  std::vector<uint32_t> codes;
  if (field.width_bits <= 6) {
    for (uint32_t code = 0; code <= mask; ++code) codes.push_back(code);
  } else {
    codes = {0, 1, mask / 2, mask - 1, mask, 0};
  }
  return codes;
}

// Words beside a model of their bits; 16-bit fields read all bits.
template <size_t kBits>
class CheckedWords {
 public:
  static constexpr uint32_t kWords = InlineWords<kBits>::kWords;
  static constexpr uint32_t kWordBits = InlineWords<kBits>::kWordBits;

  void Fill(uint64_t bits) {
    for (uint32_t word = 0; word < kWords; ++word) {
      for (uint32_t shift = 0; shift < kWordBits; shift += 16) {
        const auto piece = static_cast<uint32_t>(bits >> shift & 0xffff);
        ref_.Exchange(Piece(word, shift), piece);
        SetExpected(Piece(word, shift), piece);
      }
    }
  }

  void SetExpected(InlineField field, uint32_t code) {
    expected_[field.word] = ReplaceCode(expected_[field.word], field, code);
  }

  bool AsExpected() const {
    for (uint32_t word = 0; word < kWords; ++word) {
      for (uint32_t shift = 0; shift < kWordBits; shift += 16) {
        const InlineField piece = Piece(word, shift);
        if (ref_.Load(piece) != ExtractCode(expected_[word], piece)) return false;
        if (words_.Load(piece) != ref_.Load(piece)) return false;
      }
    }
    return true;
  }

  const InlineWordsRef& ref() const { return ref_; }
  const InlineWords<kBits>& words() const { return words_; }

 private:
  static InlineField Piece(uint32_t word, uint32_t shift) {
    return {static_cast<uint16_t>(word), static_cast<uint8_t>(shift), 16};
  }

  InlineWords<kBits> words_;
  InlineWordsRef ref_{words_};
  std::array<uint64_t, kWords> expected_ = {};
};

template <typename Bits>
class InlineWordsTest : public testing::Test {};
using AllSizes =
    testing::Types<std::integral_constant<size_t, 16>, std::integral_constant<size_t, 32>,
                   std::integral_constant<size_t, 64>, std::integral_constant<size_t, 128>,
                   std::integral_constant<size_t, 256>>;
TYPED_TEST_SUITE(InlineWordsTest, AllSizes);

TYPED_TEST(InlineWordsTest, StartsAbsentEverywhere) {
  CheckedWords<TypeParam::value> words;
  EXPECT_TRUE(words.AsExpected());
}

// Every width at every place, between neighbours that are all zeroes and all ones.
TYPED_TEST(InlineWordsTest, AWriteChangesItsFieldAndNoOtherBit) {
  using Words = CheckedWords<TypeParam::value>;
  Words words;
  for (const uint64_t neighbours : {uint64_t{0}, ~uint64_t{0}}) {
    words.Fill(neighbours);
    for (uint32_t word = 0; word < Words::kWords; ++word) {
      for (uint32_t width = 1; width <= 16; ++width) {
        for (uint32_t shift = 0; shift + width <= Words::kWordBits; ++shift) {
          const InlineField field{static_cast<uint16_t>(word), static_cast<uint8_t>(shift),
                                  static_cast<uint8_t>(width)};
          const uint32_t at_first = words.ref().Load(field);
          ASSERT_EQ(at_first, static_cast<uint32_t>(neighbours) & field.mask());
          uint32_t before = at_first;
          for (const uint32_t code : CodesOf(field)) {
            uint32_t expected = before;
            ASSERT_TRUE(words.ref().CompareExchange(field, &expected, code));
            words.SetExpected(field, code);
            ASSERT_EQ(words.words().Load(field), code);
            ASSERT_TRUE(words.AsExpected())
                << "word " << word << " shift " << shift << " width " << width << " code " << code;
            before = code;
          }
          ASSERT_EQ(words.ref().Exchange(field, at_first), before);
          words.SetExpected(field, at_first);
          ASSERT_TRUE(words.AsExpected());
        }
      }
    }
  }
}

TYPED_TEST(InlineWordsTest, CompareExchangeOfAnotherCodeChangesNothingAndSaysWhatIsThere) {
  using Words = CheckedWords<TypeParam::value>;
  Words words;
  words.Fill(~uint64_t{0});
  const InlineField field{Words::kWords - 1, 3, 9};
  words.ref().Exchange(field, 17);
  words.SetExpected(field, 17);
  for (const uint32_t wrong : {0U, 16U, 18U, 511U}) {
    uint32_t expected = wrong;
    EXPECT_FALSE(words.ref().CompareExchange(field, &expected, 5));
    EXPECT_EQ(expected, 17U);
    EXPECT_TRUE(words.AsExpected());
  }
}

TYPED_TEST(InlineWordsTest, ANewOwnersAbsentFieldIsStoredAndAnotherIsKept) {
  CheckedWords<TypeParam::value> words;
  const InlineField field{CheckedWords<TypeParam::value>::kWords - 1, 3, 9};
  for (const uint64_t bits : {uint64_t{0}, ~uint64_t{0}}) {
    words.Fill(bits);
    words.ref().Exchange(field, kAbsentCode);
    words.SetExpected(field, kAbsentCode);
    EXPECT_TRUE(words.ref().StoreInNewOwner(field, 0x155));
    words.SetExpected(field, 0x155);
    EXPECT_TRUE(words.AsExpected());
    EXPECT_FALSE(words.ref().StoreInNewOwner(field, 1)) << "present";
    EXPECT_TRUE(words.AsExpected());
  }
}

// As many fields as fit, side by side from bit 0: each holds its own code.
TYPED_TEST(InlineWordsTest, NeighbouringFieldsOfEveryWidthHoldTheirOwnCodes) {
  using Words = CheckedWords<TypeParam::value>;
  for (uint32_t width = 1; width <= 16; ++width) {
    Words words;
    std::vector<InlineField> fields;
    for (uint32_t word = 0; word < Words::kWords; ++word) {
      for (uint32_t shift = 0; shift + width <= Words::kWordBits; shift += width) {
        fields.push_back({static_cast<uint16_t>(word), static_cast<uint8_t>(shift),
                          static_cast<uint8_t>(width)});
      }
    }
    for (uint32_t round = 0; round < 3; ++round) {
      for (uint32_t i = 0; i < fields.size(); ++i) {
        words.ref().Exchange(fields[i], (i * 37 + round) & fields[i].mask());
      }
      for (uint32_t i = 0; i < fields.size(); ++i) {
        ASSERT_EQ(words.words().Load(fields[i]), (i * 37 + round) & fields[i].mask());
      }
    }
  }
}

// --- W1 under concurrency

// Holds threads back until all have started, so that their work overlaps.
class StartTogether {
 public:
  explicit StartTogether(uint32_t threads) : missing_(threads) {}
  void ArriveAndWait() {
    --missing_;
    while (missing_.load() != 0) std::this_thread::yield();
  }

 private:
  std::atomic<uint32_t> missing_;
};

// Threads write neighbouring fields of one word; each must find in its own only what it wrote.
TYPED_TEST(InlineWordsTest, ThreadsOnNeighbouringFieldsSeeOnlyTheirOwnWrites) {
  constexpr uint32_t kThreads = 4;
  constexpr uint32_t kRounds = 200'000;
  InlineWords<TypeParam::value> words;
  const InlineWordsRef ref(words);
  constexpr auto kWidth = static_cast<uint8_t>(InlineWords<TypeParam::value>::kWordBits / kThreads);
  std::array<uint32_t, kThreads> wrong = {};
  StartTogether start(kThreads);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.ArriveAndWait();
      const InlineField field{0, static_cast<uint8_t>(t * kWidth), kWidth};
      uint32_t mine = 0;
      for (uint32_t round = 0; round < kRounds; ++round) {
        const uint32_t next = (round * 7 + t) & field.mask();
        if (round % 2 == 0) {
          uint32_t expected = mine;
          if (!ref.CompareExchange(field, &expected, next)) ++wrong[t];
        } else if (ref.Exchange(field, next) != mine) {
          ++wrong[t];
        }
        mine = next;
        if (words.Load(field) != mine) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (uint32_t t = 0; t < kThreads; ++t) EXPECT_EQ(wrong[t], 0U) << "thread " << t;
}

// The library's thread may bring an earlier value of a new owner home while a code is stored.
TYPED_TEST(InlineWordsTest, ACodeStoredInANewOwnerUndoesNoOtherWrite) {
  constexpr uint32_t kRounds = 300'000;
  InlineWords<TypeParam::value> words;
  const InlineWordsRef ref(words);
  const InlineField stored{0, 0, 4};
  const InlineField swapped{0, 4, 8};
  ref.Exchange(swapped, 1);
  StartTogether start(2);
  uint32_t wrong = 0;
  std::thread home([&] {
    start.ArriveAndWait();
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint32_t expected = 1 + round % 200;
      if (ref.Exchange(swapped, 1 + (round + 1) % 200) != expected) ++wrong;
    }
  });
  start.ArriveAndWait();
  for (uint32_t round = 0; round < kRounds; ++round) {
    EXPECT_TRUE(ref.StoreInNewOwner(stored, 5));
    ref.Exchange(stored, kAbsentCode);
  }
  home.join();
  EXPECT_EQ(wrong, 0U);
}

// Of the threads that swap one field from the code they saw, exactly one wins each step.
TYPED_TEST(InlineWordsTest, ThreadsOnOneFieldCountEachStepOnce) {
  constexpr uint32_t kThreads = 3;
  constexpr uint32_t kSteps = 100'000;
  InlineWords<TypeParam::value> words;
  const InlineWordsRef ref(words);
  const InlineField counter{0, 2, 12};
  const InlineField noise{0, 0, 2};
  StartTogether start(kThreads);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      start.ArriveAndWait();
      for (uint32_t step = 0; step < kSteps; ++step) {
        ref.Exchange(noise, step & 3);
        uint32_t seen = ref.Load(counter);
        while (!ref.CompareExchange(counter, &seen, (seen + 1) & counter.mask())) {
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(words.Load(counter), (kThreads * kSteps) & counter.mask());
}

}  // namespace
}  // namespace inlay
