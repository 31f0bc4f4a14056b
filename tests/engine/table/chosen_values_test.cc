// S1 at scale: 100,000 values that an attacker has chosen to collide under one seed. Counts probes,
// not time.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "engine/table/hash.h"
#include "inlay/value_table.h"
#include "tests/engine/table/made_table.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay {
namespace {

constexpr uint64_t kKnownSeed = 42;
constexpr size_t kChosen = 100'000;
constexpr uint32_t kChosenBytes = 16;
// Under the known seed, the hash of every chosen value has zeroes in these bits.
constexpr uint32_t kChosenMask = 0xff;

std::vector<uint64_t> ChosenNumbers() {
  std::vector<uint64_t> numbers;
  Bytes value = NumberedValue(0, kChosenBytes);
  for (uint64_t n = 0; numbers.size() < kChosen; ++n) {
    std::memcpy(value.data(), &n, sizeof(n));
    value.back() = static_cast<std::byte>(n);
    if ((HashValue(value, kKnownSeed) & kChosenMask) == 0) numbers.push_back(n);
  }
  return numbers;
}

struct Probes {
  double mean = 0;
  uint32_t longest = 0;
};

// Passes all the numbers through a table that holds up to `held` of them at a time, and returns the
// longest probes that it had on the way.
Probes PassThrough(ValueTable& table, const std::vector<uint64_t>& numbers, size_t held) {
  Probes worst;
  std::deque<ValueIndex> indexes;
  for (size_t i = 0; i < numbers.size(); ++i) {
    ValueIndex index = kNoIndex;
    EXPECT_EQ(table.Intern(NumberedValue(numbers[i], kChosenBytes), &index), Status::kOk);
    EXPECT_EQ(Copied(table.At(index), kChosenBytes), NumberedValue(numbers[i], kChosenBytes));
    indexes.push_back(index);
    if (indexes.size() > held) {
      table.Release(indexes.front());
      indexes.pop_front();
    }
    if (i % 10'000 != 9'999) continue;
    table.ReclaimAndWait();
    const ValueTableStats stats = table.stats();
    worst.mean = std::max(worst.mean, stats.mean_probe);
    worst.longest = std::max(worst.longest, stats.max_probe);
  }
  for (const ValueIndex index : indexes) table.Release(index);
  ExpectSound(table);
  return worst;
}

TEST(ChosenValuesTest, S1AHundredThousandCollisionsHoldForOneSeedOnly) {
  const std::vector<uint64_t> chosen = ChosenNumbers();
  std::vector<uint64_t> unchosen(kChosen);
  for (size_t i = 0; i < kChosen; ++i) unchosen[i] = i;
  constexpr size_t kHeld = 50'000;

  const auto ordinary = MakeTable({.value_bytes = kChosenBytes, .seed = 7});
  const Probes usual = PassThrough(*ordinary, unchosen, kHeld);
  const auto unknown = MakeTable({.value_bytes = kChosenBytes, .seed = 8});
  const Probes other = PassThrough(*unknown, chosen, kHeld);
  EXPECT_LT(other.mean, 1.1 * usual.mean);
  EXPECT_LT(other.longest, 2 * usual.longest);
  const auto random = MakeTable({.value_bytes = kChosenBytes});
  EXPECT_LT(PassThrough(*random, chosen, kHeld).mean, 1.1 * usual.mean);

  // The values do collide under the known seed. Uses a tenth of them, since it is slow.
  const std::vector<uint64_t> some(chosen.begin(), chosen.begin() + kChosen / 10);
  const auto known = MakeTable({.value_bytes = kChosenBytes, .seed = kKnownSeed});
  EXPECT_GT(PassThrough(*known, some, kHeld).mean, 10 * usual.mean);
}

// Values that differ in their second half only.
Bytes NumberedAtTheEnd(uint64_t n) {
  Bytes value = Zeroes(kChosenBytes);
  std::memcpy(value.data() + kChosenBytes / 2, &n, sizeof(n));
  return value;
}

// Two values whose hashes are equal in all 32 bits are one to the hash index: only their bytes tell
// them apart.
TEST(ChosenValuesTest, V1ValuesOfEqualHashesAreToldApart) {
  constexpr uint64_t kManyHashes = 300'000;  // there are about ten pairs among so many
  std::vector<std::pair<uint32_t, uint64_t>> hashes;
  for (uint64_t n = 0; n < kManyHashes; ++n) {
    hashes.emplace_back(HashValue(NumberedAtTheEnd(n), kKnownSeed), n);
  }
  std::sort(hashes.begin(), hashes.end());
  const auto table = MakeTable({.value_bytes = kChosenBytes, .seed = kKnownSeed});
  int pairs = 0;
  for (size_t i = 1; i < hashes.size(); ++i) {
    if (hashes[i].first != hashes[i - 1].first) continue;
    ++pairs;
    ValueIndex both[2] = {kNoIndex, kNoIndex};
    for (const size_t k : {0U, 1U}) {
      const Bytes value = NumberedAtTheEnd(hashes[i - k].second);
      ASSERT_EQ(table->Intern(value, &both[k]), Status::kOk);
      EXPECT_EQ(Copied(table->At(both[k]), kChosenBytes), value);
    }
    EXPECT_NE(both[0], both[1]);
    for (const ValueIndex index : both) table->Release(index);
  }
  EXPECT_GE(pairs, 1);
  ExpectSound(*table);
}

}  // namespace
}  // namespace inlay
