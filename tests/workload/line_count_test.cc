#include "engine/workload/line_count.h"

#include <gtest/gtest.h>

namespace inlay::workload {
namespace {

alignas(64) const char kMemory[1024] = {};

TEST(LineCountTest, ALineCountsOnceForAPacket) {
  LineCount lines;
  lines.NextPacket();
  lines.Own(kMemory, 4);
  lines.Own(kMemory + 60, 4);
  EXPECT_EQ(lines.own(), 1U);
  lines.Own(kMemory + 60, 5);  // its last byte is in the next line
  EXPECT_EQ(lines.own(), 2U);
  lines.Shared(kMemory, 200);
  EXPECT_EQ(lines.shared(), 2U) << "the third and the fourth";
}

TEST(LineCountTest, WhatThePacketHasTouchedIsFree) {
  LineCount lines;
  lines.NextPacket();
  lines.Packet(kMemory + 10, 100);
  lines.Own(kMemory, 8);
  lines.Shared(kMemory + 120, 16);
  EXPECT_EQ(lines.own(), 0U);
  EXPECT_EQ(lines.shared(), 1U);
}

TEST(LineCountTest, TheNextPacketStartsAnew) {
  LineCount lines;
  for (int packet = 1; packet <= 3; ++packet) {
    lines.NextPacket();
    if (packet == 1) lines.Packet(kMemory, 1);
    lines.Own(kMemory, 1);
    lines.Own(kMemory + 64, 1);
  }
  EXPECT_EQ(lines.own(), 1U + 2U + 2U);
}

}  // namespace
}  // namespace inlay::workload
