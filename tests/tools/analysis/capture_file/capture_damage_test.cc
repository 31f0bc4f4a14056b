// Truncated or damaged captures: the reader returns all intact blocks and nothing else, and reports
// the losses.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/analysis/capture_file/capture_reading.h"
#include "tests/tools/analysis/capture_file/capture_writing.h"
#include "tests/tools/strings.h"
#include "tools/analysis/capture_file/capture_format.h"

namespace inlay::analysis {
namespace {

uint64_t Number(const std::string& bytes, size_t at, size_t count) {
  uint64_t number = 0;
  while (count-- > 0) number = number << 8 | static_cast<uint8_t>(bytes[at + count]);
  return number;
}

// The values of a capture without some of its blocks, by a second reader written from
// docs/format.md. Nothing if the description is lost.
std::optional<Strings> PlainValues(const std::string& capture, size_t value_bytes,
                                   const std::set<size_t>& lost) {
  const std::vector<PlacedBlock> blocks = BlocksOf(capture);
  if (lost.contains(0) && lost.contains(1)) return std::nullopt;
  std::map<uint64_t, std::string> dictionary;
  Strings values;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (lost.contains(i)) continue;
    const std::string payload = capture.substr(blocks[i].offset + 40, blocks[i].size - 40);
    if (blocks[i].type == CaptureBlockType::kDictionary) {
      uint64_t index = Number(payload, 4, 4);
      for (size_t at = 8; at < payload.size(); at += value_bytes) {
        dictionary[index++] = payload.substr(at, value_bytes);
      }
    }
    if (blocks[i].type != CaptureBlockType::kRecords) continue;
    const uint64_t count = Number(payload, 16, 4);
    const uint64_t bits = Number(payload, 20, 1);
    for (uint64_t record = 0; record < count; ++record) {
      uint64_t index = 0;
      for (uint64_t bit = 0; bit < bits; ++bit) {
        const uint64_t at = record * bits + bit;
        index |= (Number(payload, 24 + at / 8, 1) >> (at % 8) & 1) << bit;
      }
      if (dictionary.contains(index)) values.push_back(dictionary[index]);
    }
  }
  return values;
}

class CaptureDamageTest : public testing::Test {
 protected:
  static constexpr size_t kValueBytes = 1300;  // three in a block

  CaptureDamageTest() {
    const auto value = [](char c) { return std::string(kValueBytes, c); };
    // Values of the first snapshot in the others too, and new ones in each.
    capture_ = CaptureOf(
        PlainHeader(kValueBytes, true),
        {{1'000'000'000, {value('a'), value('b'), value('a'), value('c'), value('d'), value('a')}},
         {2'000'000'000, {value('a'), value('d'), value('e'), value('d')}},
         {3'000'000'000, {value('c'), value('f')}}});
    blocks_ = BlocksOf(capture_);
  }

  // The blocks that have a byte in [begin, end).
  std::set<size_t> Touched(size_t begin, size_t end) const {
    std::set<size_t> touched;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      if (blocks_[i].offset < end && begin < blocks_[i].offset + blocks_[i].size) touched.insert(i);
    }
    return touched;
  }

  // Those of `touched` that are in `damaged` nowhere: bytes that are put in may be the ones that
  // were there.
  std::set<size_t> Lost(const std::set<size_t>& touched, const std::string& damaged) const {
    std::set<size_t> lost;
    for (const size_t i : touched) {
      if (damaged.find(capture_.substr(blocks_[i].offset, blocks_[i].size)) == std::string::npos) {
        lost.insert(i);
      }
    }
    return lost;
  }

  // `damaged` is the capture without the blocks `lost`.
  void Expect(const std::string& damaged, const std::set<size_t>& lost, const std::string& what) {
    const CaptureRead read = ReadCapture(damaged);
    const std::optional<Strings> expected = PlainValues(capture_, kValueBytes, lost);
    if (!expected.has_value() || expected->empty()) {
      EXPECT_NE(read.error, "") << what;
      EXPECT_EQ(read.values, Strings()) << what;
      return;
    }
    EXPECT_EQ(read.error, "") << what;
    EXPECT_TRUE(read.values == *expected)
        << what << ": " << read.values.size() << " values instead of " << expected->size();
    EXPECT_FALSE(read.losses.empty()) << what;
  }

  std::string capture_;
  std::vector<PlacedBlock> blocks_;
};

TEST_F(CaptureDamageTest, TheWholeOneHasNoLosses) {
  const CaptureRead read = ReadCapture(capture_);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.values.size(), 12U);
  EXPECT_EQ(read.values, *PlainValues(capture_, kValueBytes, {}));
  EXPECT_EQ(read.snapshots, (Strings{"1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z",
                                     "1970-01-01T00:00:03.000Z"}));
  EXPECT_EQ(read.losses, Strings());
}

TEST_F(CaptureDamageTest, EveryPrefixGivesItsIntactBlocks) {
  for (size_t size = 0; size < capture_.size(); ++size) {
    Expect(capture_.substr(0, size), Touched(size, capture_.size()), std::to_string(size));
    if (HasFailure()) return;
  }
}

TEST_F(CaptureDamageTest, EveryDamagedByteCostsItsBlockOnly) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (size_t at = 0; at < capture_.size(); ++at) {
    for (const int flip : {1 << (random() % 8), 0xFF}) {
      std::string damaged = capture_;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      Expect(damaged, Touched(at, at + 1), std::to_string(at) + " " + std::to_string(flip));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CaptureDamageTest, EveryBitOfEveryBlockHeaderCounts) {
  for (const PlacedBlock& block : blocks_) {
    for (size_t bit = 0; bit < 8 * kCaptureBlockHeaderBytes; ++bit) {
      const size_t at = block.offset + bit / 8;
      std::string damaged = capture_;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (bit % 8)));
      Expect(damaged, Touched(at, at + 1), std::to_string(at) + " bit " + std::to_string(bit % 8));
      if (HasFailure()) return;
    }
  }
}

TEST_F(CaptureDamageTest, ReadingGoesOnBehindPiecesThatAreMissingOrNotTheirs) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const size_t begin = random() % capture_.size();
    const size_t end = begin + 1 + random() % std::min<size_t>(9000, capture_.size() - begin);
    std::string noise;
    while (noise.size() < random() % 5000) noise += static_cast<char>(random());
    std::string damaged = capture_;
    damaged.replace(begin, end - begin, i % 3 == 0 ? "" : noise);
    Expect(damaged, Lost(Touched(begin, end), damaged),
           std::to_string(begin) + " to " + std::to_string(end));
    std::string inserted = capture_;
    inserted.insert(begin, noise + '.');
    Expect(inserted, Lost(Touched(begin, begin + 1), inserted),
           "inserted at " + std::to_string(begin));
    if (HasFailure()) return;
  }
}

TEST_F(CaptureDamageTest, MessagesSayWhereAndHowMuch) {
  std::map<CaptureBlockType, Strings> messages;
  for (const PlacedBlock& block : blocks_) {
    if (messages.contains(block.type)) continue;
    std::string damaged = capture_;
    damaged[block.offset + block.size - 1] ^= 1;  // in the payload
    const CaptureRead read = ReadCapture(damaged);
    const std::string at = "at byte " + std::to_string(block.offset) + ": " +
                           (block.type == CaptureBlockType::kEnd ? "the last " : "") +
                           std::to_string(block.size) + " bytes cannot be read: the block ";
    ASSERT_FALSE(read.losses.empty());
    for (const std::string& loss : read.losses) {
      messages[block.type].push_back(loss.substr(loss.find(": ") + 2));
    }
    EXPECT_TRUE(messages[block.type][0].starts_with(at)) << messages[block.type][0];
    messages[block.type][0].erase(0, at.size());
  }
  EXPECT_EQ(messages[CaptureBlockType::kHeader],
            (Strings{"that describes the values is damaged."}));
  EXPECT_EQ(messages[CaptureBlockType::kSnapshot], (Strings{"that begins a snapshot is damaged."}));
  EXPECT_EQ(messages[CaptureBlockType::kDictionary],
            (Strings{"of values is damaged.",
                     "5 of 6 records of the snapshot of 1970-01-01T00:00:01.000Z cannot be read: 0 "
                     "in blocks that are lost, 5 whose values were in such blocks.",
                     "1 of 4 records of the snapshot of 1970-01-01T00:00:02.000Z cannot be read: 0 "
                     "in blocks that are lost, 1 whose values were in such blocks.",
                     "1 of 2 records of the snapshot of 1970-01-01T00:00:03.000Z cannot be read: 0 "
                     "in blocks that are lost, 1 whose values were in such blocks."}));
  EXPECT_EQ(messages[CaptureBlockType::kRecords],
            (Strings{"of records is damaged.",
                     "6 of 6 records of the snapshot of 1970-01-01T00:00:01.000Z cannot be read: 6 "
                     "in blocks that are lost, 0 whose values were in such blocks."}));
  EXPECT_EQ(messages[CaptureBlockType::kSnapshotEnd],
            (Strings{"that ends a snapshot is damaged.",
                     "the end of the snapshot of 1970-01-01T00:00:01.000Z is missing, behind 6 "
                     "records: it is not known how many more there were."}));
  EXPECT_EQ(messages[CaptureBlockType::kEnd],
            (Strings{"that ends the capture is cut off or damaged.",
                     "has no block that ends the capture: it was cut off, or is still being "
                     "written."}));
}

TEST_F(CaptureDamageTest, BlocksThatAreTakenOutAreMissed) {
  // The second snapshot, whole blocks of it and nothing else.
  std::vector<size_t> starts;
  for (const PlacedBlock& block : blocks_) {
    if (block.type == CaptureBlockType::kSnapshot) starts.push_back(block.offset);
  }
  std::string without = capture_;
  without.erase(starts[1], starts[2] - starts[1]);
  const CaptureRead read = ReadCapture(without);
  EXPECT_EQ(read.snapshots.size(), 2U);
  ASSERT_EQ(read.losses.size(), 2U);
  EXPECT_NE(read.losses[0].find(": at byte " + std::to_string(starts[1]) +
                                ": 4 blocks are missing before this place."),
            std::string::npos)
      << read.losses[0];
  EXPECT_NE(read.losses[1].find(": 1 snapshot is lost before byte "), std::string::npos);
  // Twice: the second time it is left out.
  std::string twice = capture_;
  twice.insert(starts[2], capture_.substr(starts[1], starts[2] - starts[1]));
  EXPECT_EQ(ReadCapture(twice).values.size(), 12U);
  ASSERT_EQ(ReadCapture(twice).losses.size(), 4U);
  for (const std::string& loss : ReadCapture(twice).losses) {
    EXPECT_NE(loss.find(" is left out: it repeats an earlier one."), std::string::npos) << loss;
  }
}

TEST_F(CaptureDamageTest, ACaptureWithoutItsDescriptionDoesNotHideTheNextOne) {
  const std::string other = CaptureOf(PlainHeader(kValueBytes, true),
                                      {{4'000'000'000, {std::string(kValueBytes, 'z')}}}, 8);
  std::string joined = capture_ + other;
  for (const size_t block : {size_t{0}, size_t{1}}) joined[blocks_[block].offset + 45] ^= 1;
  const CaptureRead read = ReadCapture(joined);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.values, (Strings{std::string(kValueBytes, 'z')}));
  ASSERT_EQ(read.losses.size(), 2U);  // the two blocks are one piece
  EXPECT_NE(read.losses[1].find("it belongs to a capture whose description is lost"),
            std::string::npos)
      << read.losses[1];
}

}  // namespace
}  // namespace inlay::analysis
