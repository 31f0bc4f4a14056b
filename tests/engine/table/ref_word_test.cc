#include "engine/table/ref_word.h"

#include <gtest/gtest.h>

namespace inlay {
namespace {

// A live word with `count` references, made by transitions only.
RefWord Live(uint32_t count) {
  RefWord word = RefWord::LiveOnce();
  while (word.count() < count) word = *word.Ref();
  return word;
}

TEST(RefWordTest, FreeAndRetiredAreNotLive) {
  for (const RefWord word : {RefWord::Free(), RefWord::Retired()}) {
    EXPECT_FALSE(word.live());
    EXPECT_FALSE(word.unreferenced());
    EXPECT_EQ(word.count(), 0U);
    EXPECT_EQ(word.Ref(), std::nullopt) << "no reference without a value";
  }
  EXPECT_TRUE(RefWord::Free().free());
  EXPECT_FALSE(RefWord::Free().retired());
  EXPECT_TRUE(RefWord::Retired().retired());
  EXPECT_FALSE(RefWord::Retired().free());
  EXPECT_EQ(RefWord::Free().bits(), 0U) << "fresh pages are free entries";
}

TEST(RefWordTest, LiveOnceHasOneReferenceAndIsUsed) {
  const RefWord word = RefWord::LiveOnce();
  EXPECT_TRUE(word.live());
  EXPECT_TRUE(word.used());
  EXPECT_EQ(word.count(), 1U);
  EXPECT_FALSE(word.unreferenced());
}

TEST(RefWordTest, RefAndReleaseCount) {
  for (uint32_t count = 1; count < 100; ++count) {
    const RefWord word = Live(count);
    EXPECT_EQ(word.Ref()->count(), count + 1);
    EXPECT_EQ(word.Unref().count(), count - 1);
    EXPECT_TRUE(word.Unref().live());
    EXPECT_EQ(word.Ref()->Unref(), word);
  }
  EXPECT_TRUE(RefWord::LiveOnce().Unref().unreferenced());
}

TEST(RefWordTest, UnrefSubtractsOneReferenceFromTheWholeWord) {
  for (const RefWord word : {RefWord::LiveOnce(), Live(2), Live(100)}) {
    EXPECT_EQ(word.Unref().bits(), word.bits() - RefWord::kOneReference);
  }
}

TEST(RefWordDeathTest, UnrefWithoutAReference) {
  for (const RefWord word : {RefWord::LiveOnce().Unref(), RefWord::Retired(), RefWord::Free()}) {
    EXPECT_DEBUG_DEATH(static_cast<void>(word.Unref()), "released that nobody holds");
  }
}

TEST(RefWordTest, LendTakesOneReferenceAndTheCredits) {
  EXPECT_FALSE(Live(1).lent());
  const RefWord lent = *Live(3).Lend(8);
  EXPECT_TRUE(lent.lent());
  EXPECT_EQ(lent.count(), 12U);
  EXPECT_TRUE(lent.Ref()->lent());
  EXPECT_TRUE(lent.Unref().lent());
  EXPECT_FALSE(lent.Settled().lent());
  EXPECT_EQ(lent.Settled().count(), 12U);
}

TEST(RefWordTest, OnlyAReferencedValueLends) {
  EXPECT_EQ(RefWord::Free().Lend(1), std::nullopt);
  EXPECT_EQ(RefWord::Retired().Lend(1), std::nullopt);
  EXPECT_EQ(RefWord::LiveOnce().Unref().Lend(1), std::nullopt);
}

TEST(RefWordTest, LendNeverPassesTheLimit) {
  const RefWord room_for_nine(RefWord::LiveOnce().bits() + RefWord::kMaxCount - 10);
  ASSERT_EQ(room_for_nine.count(), RefWord::kMaxCount - 9);
  EXPECT_EQ(room_for_nine.Lend(8)->count(), RefWord::kMaxCount);
  EXPECT_EQ(room_for_nine.Lend(9), std::nullopt);
}

TEST(RefWordTest, OnlyARefFromZeroSetsUsed) {
  const RefWord unused = RefWord::LiveOnce().Unref().Passed();
  ASSERT_FALSE(unused.used());
  const RefWord back = *unused.Ref();
  EXPECT_TRUE(back.used());
  EXPECT_EQ(back.count(), 1U);
  EXPECT_TRUE(back.Ref()->used());
}

TEST(RefWordTest, TheClockHandGivesOneSecondChance) {
  const RefWord unreferenced = RefWord::LiveOnce().Unref();
  const RefWord passed = unreferenced.Passed();
  EXPECT_TRUE(passed.unreferenced());
  EXPECT_FALSE(passed.used());
  EXPECT_TRUE(passed.Passed().retired());
  EXPECT_FALSE(passed.Ref()->retired());
  EXPECT_TRUE(passed.Ref()->Unref().used()) << "a new reference earns a second chance";
}

TEST(RefWordTest, TheCountStopsAtItsLimitAndNeverWraps) {
  const RefWord almost(RefWord::LiveOnce().bits() + RefWord::kMaxCount - 2);
  ASSERT_EQ(almost.count(), RefWord::kMaxCount - 1);
  const std::optional<RefWord> full = almost.Ref();
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(full->count(), RefWord::kMaxCount);
  EXPECT_TRUE(full->live());
  EXPECT_TRUE(full->used());
  EXPECT_EQ(full->Ref(), std::nullopt);
  EXPECT_EQ(full->Unref(), almost);
}

}  // namespace
}  // namespace inlay
