// Ranges of bytes that belong together: structs whose members are known, and records of the
// kernel's tcp_info.

#include "tools/analysis/fields/byte_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace inlay::analysis {
namespace {

using Names = std::vector<std::string>;

template <typename Value>
Names Discovered(const std::vector<Value>& values) {
  ValueCounter counter;
  for (const Value& value : values) {
    counter.Add({reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
  }
  Names names;
  for (const ValueField& field : DiscoverByteRanges(sizeof(Value), counter.values())) {
    names.push_back(field.name);
  }
  return names;
}

TEST(ByteRangesTest, OneValueIsOneConstantRange) {
  EXPECT_EQ(Discovered<uint64_t>({0x0102030405060708}), (Names{"bytes 0-7"}));
  EXPECT_EQ(Discovered<uint8_t>({7}), (Names{"byte 0"}));
}

// Not all bytes of a large value are counted at a time.
TEST(ByteRangesTest, MembersOfLargeValuesAreFound) {
  struct Value {
    uint8_t zeroes_before[1020];
    uint32_t numbers[2];  // one on each side of the first 1024 bytes
    uint8_t zeroes_between[2000];
    uint32_t last;
  };
  std::vector<Value> values(5000);
  for (uint32_t i = 0; i < values.size(); ++i) {
    std::memset(&values[i], 0, sizeof(Value));
    values[i].numbers[0] = i * 3;
    values[i].numbers[1] = (i * 7919) % 5000;
    values[i].last = i % 100;
  }
  EXPECT_EQ(Discovered(values), (Names{"bytes 0-1019", "bytes 1020-1023", "bytes 1024-1027",
                                       "bytes 1028-3027", "bytes 3028-3031"}));
}

TEST(ByteRangesTest, MembersOfAStructAreFound) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  struct Value {
    uint8_t state;        // a few values
    uint8_t flags;        // a few values, whatever the state
    uint16_t mss;         // one of four sizes
    uint32_t bytes;       // a counter up to a million
    uint64_t time_ns;     // a clock
    uint32_t version;     // the same in all
    uint32_t reserved;    // the same in all
    uint16_t port;        // any
    uint16_t other_port;  // any
    uint32_t hash;        // any
  };
  const uint16_t sizes[] = {1460, 1448, 1400, 536};
  std::vector<Value> values;
  for (uint64_t i = 0; i < 20'000; ++i) {
    Value value;
    std::memset(&value, 0, sizeof(value));
    value.state = static_cast<uint8_t>(1 + random() % 11);
    value.flags = static_cast<uint8_t>(random() % 8);
    value.mss = sizes[random() % 4];
    value.bytes = static_cast<uint32_t>(random() % 1'000'000);
    value.time_ns = i * 100'000'000'000'003 * (1 + random() % 3);
    value.version = 0x01020304;
    value.port = static_cast<uint16_t>(32768 + random() % 28'000);
    value.other_port = static_cast<uint16_t>(1024 + random() % 4'000);
    value.hash = static_cast<uint32_t>(random());
    values.push_back(value);
  }
  EXPECT_EQ(Discovered(values),
            (Names{"byte 0", "byte 1", "bytes 2-3", "bytes 4-7", "bytes 8-15", "bytes 16-23",
                   "bytes 24-25", "bytes 26-27", "bytes 28-31"}));
}

TEST(ByteRangesTest, SettingsThatDoNotDependOnEachOtherStayApart) {
  std::vector<std::array<uint8_t, 4>> values;
  for (uint8_t a = 0; a < 6; ++a) {
    for (uint8_t b = 0; b < 5; ++b) {
      for (uint8_t c = 0; c < 4; ++c) values.push_back({a, b, c, 9});
    }
  }
  EXPECT_EQ(Discovered(values), (Names{"byte 0", "byte 1", "byte 2", "byte 3"}));
}

TEST(ByteRangesTest, BytesThatVaryTogetherAreOneRange) {
  std::vector<std::array<uint8_t, 8>> values;
  for (uint8_t i = 0; i < 200; ++i) {
    const auto odd = static_cast<uint8_t>(i % 5);
    values.push_back({odd, static_cast<uint8_t>(odd * 3 + 1), static_cast<uint8_t>(7 - odd),
                      static_cast<uint8_t>(odd + 9), 0, 0, i, 0});
  }
  EXPECT_EQ(Discovered(values), (Names{"bytes 0-3", "bytes 4-5", "bytes 6-7"}));
}

TEST(ByteRangesTest, FewValuesProveNothing) {
  std::vector<std::array<uint8_t, 2>> values;
  for (uint8_t i = 0; i < 10; ++i) values.push_back({i, static_cast<uint8_t>(17 * i + 3)});
  EXPECT_EQ(Discovered(values), (Names{"byte 0", "byte 1"})) << "any ten pairs differ";
}

TEST(ByteRangesTest, TheOrderOfTheValuesDoesNotMatter) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::array<uint16_t, 8>> values(kMaxDiscoveryValues + 5'000);
  for (size_t i = 0; i < values.size(); ++i) {
    for (uint16_t& part : values[i]) part = static_cast<uint16_t>(random() % 700);
    std::memcpy(values[i].data(), &i, 4);
  }
  const Names names = Discovered(values);
  std::shuffle(values.begin(), values.end(), random);
  EXPECT_EQ(Discovered(values), names);
}

TEST(ByteRangesTest, RangesCoverEveryByteOnce) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 100; ++round) {
    const size_t size = 1 + random() % 40;
    const uint32_t spread = 1 + static_cast<uint32_t>(random() % 300);
    ValueCounter counter;
    for (int i = 0; i < 200; ++i) {
      std::vector<uint8_t> value(size);
      for (uint8_t& byte : value) byte = static_cast<uint8_t>(random() % spread);
      counter.Add(value);
    }
    uint64_t end = 0;
    for (const ValueField& field : DiscoverByteRanges(size, counter.values())) {
      ASSERT_EQ(*field.offset_bits, 8 * end);
      end += field.size_bytes();
    }
    ASSERT_EQ(end, size);
  }
}

// The members of the first 224 bytes of struct tcp_info, by include/uapi/linux/tcp.h.
std::set<uint64_t> TcpInfoOffsets() {
  std::set<uint64_t> offsets;
  for (uint64_t offset = 0; offset < 8; ++offset) offsets.insert(offset);
  for (uint64_t offset = 8; offset < 104; offset += 4)
    offsets.insert(offset);  // rto to total_retrans
  for (uint64_t offset = 104; offset < 136; offset += 8)
    offsets.insert(offset);  // to bytes_received
  for (uint64_t offset = 136; offset < 160; offset += 4)
    offsets.insert(offset);  // to data_segs_out
  for (uint64_t offset = 160; offset < 192; offset += 8)
    offsets.insert(offset);  // to sndbuf_limited
  for (uint64_t offset : {192U, 196U, 200U, 208U, 216U, 220U}) offsets.insert(offset);
  return offsets;
}

TEST(ByteRangesTest, MostMembersOfTcpInfoAreFound) {
  std::ifstream file(INLAY_TEST_DATA_DIR "/tcp_info/snapshots.tcp_info.bin", std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  ASSERT_EQ(content.size(), 10'429U * 224);
  ValueCounter counter;
  for (size_t at = 0; at < content.size(); at += 224) {
    counter.Add({reinterpret_cast<const uint8_t*>(content.data()) + at, 224});
  }
  std::set<uint64_t> varying(TcpInfoOffsets());
  // Members that never vary have no beginning that could be seen.
  const auto same = [&](uint64_t begin, uint64_t end) {
    for (size_t at = 0; at < content.size(); at += 224) {
      if (content.compare(at + begin, end - begin, content, begin, end - begin) != 0) return false;
    }
    return true;
  };
  const std::set<uint64_t> all = varying;
  for (auto offset = all.begin(); offset != all.end(); ++offset) {
    const uint64_t end = std::next(offset) == all.end() ? 224 : *std::next(offset);
    if (same(*offset, end)) varying.erase(*offset);
  }
  size_t found = 0;
  size_t split = 0;
  for (const ValueField& field : DiscoverByteRanges(224, counter.values())) {
    const uint64_t offset = *field.offset_bits / 8;
    if (varying.contains(offset)) ++found;
    if (!all.contains(offset) && !same(offset, offset + field.size_bytes())) {
      ++split;
    }
  }
  RecordProperty("varying_members", static_cast<int>(varying.size()));
  RecordProperty("found", static_cast<int>(found));
  std::cout << found << " of " << varying.size() << " members that vary begin a range; " << split
            << " ranges begin within one\n";
  EXPECT_EQ(varying.size(), 43U);
  EXPECT_EQ(found, varying.size());
  EXPECT_LE(split, 15U) << "a number whose low byte takes few values looks like two";
}

}  // namespace
}  // namespace inlay::analysis
