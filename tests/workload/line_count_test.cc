#include "engine/workload/line_count.h"

#include <gtest/gtest.h>

namespace inlay::workload {
namespace {

alignas(64) const char memory[1024] = {};

TEST(LineCountTest, ALineCountsOnceForAPacket) {
  LineCount lines;
  lines.NextPacket();
  lines.Own(memory, 4);
  lines.Own(memory + 60, 4);
  EXPECT_EQ(lines.own(), 1U);
  lines.Own(memory + 60, 5);  // its last byte is in the next line
  EXPECT_EQ(lines.own(), 2U);
  lines.Shared(memory, 200);
  EXPECT_EQ(lines.shared(), 2U) << "the third and the fourth";
}

TEST(LineCountTest, WhatThePacketHasTouchedIsFree) {
  LineCount lines;
  lines.NextPacket();
  lines.Packet(memory + 10, 100);
  lines.Own(memory, 8);
  lines.Shared(memory + 120, 16);
  EXPECT_EQ(lines.own(), 0U);
  EXPECT_EQ(lines.shared(), 1U);
}

TEST(LineCountTest, TheNextPacketStartsAnew) {
  LineCount lines;
  for (int packet = 1; packet <= 3; ++packet) {
    lines.NextPacket();
    if (packet == 1) lines.Packet(memory, 1);
    lines.Own(memory, 1);
    lines.Own(memory + 64, 1);
  }
  EXPECT_EQ(lines.own(), 1U + 2U + 2U);
}

}  // namespace
}  // namespace inlay::workload
