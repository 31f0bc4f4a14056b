// --memory, by the kernel's figure for the command: also if records are so large, or have so many
// fields, that the computations on fields would take far more than the values.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kTakesWhatItSays = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
constexpr bool kTakesWhatItSays = false;  // shadow memory, and freed memory that is kept
#else
constexpr bool kTakesWhatItSays = true;
#endif
#else
constexpr bool kTakesWhatItSays = true;
#endif

class MemoryBudgetTest : public InlayCommandTest {
 protected:
  // The peak of resident memory of the command in bytes; its standard output is the file "out". The
  // child starts with this process's memory, so this process writes files piece by piece.
  size_t PeakBytes(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), INLAY_COMMAND);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const std::string out = files_.Path("out");
    const pid_t child = fork();
    if (child == 0) {
      const int file = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (file < 0 || dup2(file, STDOUT_FILENO) < 0) _exit(127);
      execv(pointers[0], pointers.data());
      _exit(127);
    }
    int status = 0;
    rusage usage = {};
    EXPECT_EQ(wait4(child, &status, 0, &usage), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    return static_cast<size_t>(usage.ru_maxrss) * 1024;
  }

  nlohmann::json Report() { return nlohmann::json::parse(Content(files_.Path("out"))); }

  // So many records of random bytes.
  std::string RandomRecords(size_t records, size_t value_bytes) {
    std::mt19937_64 random(11);
    const std::string path = files_.Path("random.bin");
    std::ofstream file(path, std::ios::binary);
    for (size_t i = 0; i < records * value_bytes; ++i) file.put(static_cast<char>(random()));
    return path;
  }
};

TEST_F(MemoryBudgetTest, TablesOfManyFieldsAreWithinIt) {
  if (!kTakesWhatItSays) GTEST_SKIP() << "a sanitizer takes memory of its own";
  const std::string path = RandomRecords(3000, 4096);
  const size_t peak =
      PeakBytes({"analyze", "--json", "--memory", "32M", "--value-bytes", "4096", path});
  EXPECT_LT(peak, 48 * kMiB);
  const nlohmann::json report = Report();
  EXPECT_EQ(report["records"], 3000);
  EXPECT_FALSE(report["fields_exact"].get<bool>());
  EXPECT_GT(report["fields"].size(), 500U);
  EXPECT_GT(report["fields"][0]["distinct"].get<uint64_t>(), 1U);
}

// Fewer threads where memory is short, and the same report.
TEST_F(MemoryBudgetTest, TheReportOnWhatFitsDoesNotDependOnThreads) {
  const std::string summary = files_.Path("random.summary");
  ASSERT_EQ(Inlay("analyze --value-bytes 64 --summary " + summary + " " + RandomRecords(12'000, 64))
                .exit_code,
            0);
  const std::string arguments = "analyze --json --memory 32M " + summary + " --threads ";
  const std::string one = Inlay(arguments + "1").out;
  EXPECT_EQ(Inlay(arguments + "16").out, one);
  EXPECT_TRUE(nlohmann::json::parse(one)["fields_exact"].get<bool>());
}

// The bytes of the values of a dump decide which of them are equal.
TEST_F(MemoryBudgetTest, BytesOfDumpsAreWithinIt) {
  if (!kTakesWhatItSays) GTEST_SKIP() << "a sanitizer takes memory of its own";
  constexpr int kRecords = 2600;
  const std::string path = files_.Path("dump.json");
  {
    std::ofstream dump(path);
    std::string bytes;
    for (int i = 2; i < 1500; ++i) bytes += ",\"0x7f\"";
    for (int i = 0; i < kRecords; ++i) {
      constexpr char kDigits[] = "0123456789abcdef";
      dump << (i == 0 ? "[" : ",") << "{\"value\":[\"0x0" << kDigits[i >> 8] << "\",\"0x"
           << kDigits[i >> 4 & 15] << kDigits[i & 15] << "\"" << bytes
           << "],\"formatted\":{\"value\":{\"a\":" << i % 10 << "}}}";
    }
    dump << "]";
  }
  EXPECT_LT(PeakBytes({"analyze", "--json", "--memory", "16M", path}), 32 * kMiB);
  nlohmann::json report = Report();
  EXPECT_FALSE(report["exact"].get<bool>());
  EXPECT_NEAR(report["distinct"].get<double>(), kRecords,
              2 * report["errors"]["distinct"].get<double>());
  ASSERT_EQ(report["notes"].size(), 1U);
  EXPECT_NE(report["notes"][0].get<std::string>().find("in the sample, 10 by their fields"),
            std::string::npos);
  PeakBytes({"analyze", "--json", path});
  report = Report();
  ASSERT_EQ(report["notes"].size(), 1U);
  EXPECT_NE(report["notes"][0].get<std::string>().find("2600 distinct values by their bytes"),
            std::string::npos)
      << report["notes"][0];
}

// A sample knows the length of the longest of all texts.
TEST_F(MemoryBudgetTest, TheLongestTextIsKnownOfASample) {
  std::string rows;
  for (int i = 0; i < 150'000; ++i) rows += std::to_string(i * 7) + ",value\n";
  // Most samples lack at least one of these; each is the longest once.
  for (const int extra : {60, 61, 62, 63}) {
    const std::string text = std::string(static_cast<size_t>(extra), 'x') + ",\"a \"\"quoted\"\"\"";
    const std::string path = files_.Write("rows.csv", rows + text + "\n" + rows);
    for (const char* threads : {"1", "3"}) {
      const nlohmann::json report = nlohmann::json::parse(
          Inlay("analyze --json --memory 16M --threads " + std::string(threads) + " " + path).out);
      EXPECT_FALSE(report["exact"].get<bool>());
      EXPECT_EQ(report["value_bytes"], extra + 11);
      const std::string summary = files_.Path("rows.summary");
      const std::string command = "analyze --memory 16M --summary " + summary + " " + path;
      ASSERT_EQ(Inlay(command).exit_code, 0);
      EXPECT_EQ(nlohmann::json::parse(Inlay("analyze --json " + summary).out)["value_bytes"],
                extra + 11);
    }
  }
}

}  // namespace
}  // namespace inlay
