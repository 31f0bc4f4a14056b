// Runs the fuzz body on every file of the kept corpus.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/run_on_bytes.h"

namespace inlay {
namespace {

TEST(CorpusReplayTest, NothingBreaks) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(INLAY_CORPUS_DIR)) {
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    RunOnBytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  EXPECT_GT(files, 20U) << "the corpus is not where it should be";
}

}  // namespace
}  // namespace inlay
