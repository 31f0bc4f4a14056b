#include "tools/analysis/bytes/input_file.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/tools/temporary_files.h"

namespace inlay::analysis {
namespace {

std::string AsString(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// After peeks of any sizes in any order, Read() still returns all bytes.
TEST(InputFileTest, WhatIsPeekedAtIsReadAfterwards) {
  const TemporaryFiles files;
  const std::string path = files.Write("digits", "0123456789");
  const std::vector<std::vector<size_t>> all_peeks = {{},        {3},     {3, 6}, {6, 3},
                                                      {6, 0, 3}, {10, 1}, {20, 2}};
  for (const std::vector<size_t>& peeks : all_peeks) {
    absl::StatusOr<InputFile> file = InputFile::Open(path);
    ASSERT_TRUE(file.ok());
    for (const size_t bytes : peeks) {
      const absl::StatusOr<std::span<const uint8_t>> seen = file->Peek(bytes);
      ASSERT_TRUE(seen.ok());
      EXPECT_EQ(AsString(*seen), std::string("0123456789").substr(0, bytes));
    }
    std::vector<uint8_t> content(20);
    const absl::StatusOr<size_t> got = file->Read(content);
    ASSERT_TRUE(got.ok());
    content.resize(*got);
    EXPECT_EQ(AsString(content), "0123456789") << peeks.size() << " peeks";
  }
}

}  // namespace
}  // namespace inlay::analysis
