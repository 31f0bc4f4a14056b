// Runs every recorded script on every layout. The pointer layout gives every answer of the kernel,
// and of an older kernel if it emulates that. The other layouts give every answer that does not
// depend on charges; for the rest, each has its own recorded answers, and the test checks that only
// these answers differ.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/kernel/on_inlay/inlay_backend.h"
#include "tests/kernel/script/recorded_scripts.h"
#include "tests/kernel/script/script_runner.h"

namespace inlay::bpf_script {
namespace {

constexpr char kFolder[] = INLAY_KERNEL_VECTORS;

const std::vector<RecordedScript>& Scripts() {
  static const std::vector<RecordedScript> kScripts = ReadRecordedScripts(kFolder);
  return kScripts;
}

// A value of 65407 bytes is too long to print: print where it differs.
std::string Short(const std::string& answer) {
  constexpr size_t kShown = 200;
  return answer.size() <= kShown ? answer : answer.substr(0, kShown) + "...";
}

// Runs the script on the layout: it answers as recorded, except for `differences`.
void ExpectAnswers(std::string_view layout, const RecordedScript& script,
                   const Differences& differences) {
  const auto backend = NewInlayBackend(layout);
  ASSERT_NE(backend, nullptr);
  const std::vector<std::string> answers = RunScript(*backend, script.text);
  ASSERT_EQ(answers.size(), script.answers.size());
  for (size_t at = 0; at < answers.size() && !testing::Test::HasFailure(); ++at) {
    const auto recorded = differences.find(at);
    const bool differs = recorded != differences.end();
    const std::string& expected = differs ? recorded->second : script.answers[at];
    EXPECT_TRUE(answers[at] == expected)
        << "answer " << at + 1 << ": " << Short(script.operations[at])
        << (differs ? "\n  of its own:     " : "\n  of the kernel:  ") << Short(expected)
        << "\n  now:            " << Short(answers[at]);
  }
}

class RecordedAnswersTest : public testing::TestWithParam<std::tuple<std::string_view, size_t>> {};

TEST_P(RecordedAnswersTest, AreTheLayoutsToo) {
  const auto& [layout, number] = GetParam();
  const RecordedScript& script = Scripts()[number];
  const Differences differences = ReadDifferences(kFolder, layout, script.name);
  for (const auto& [at, answer] : differences) {
    ASSERT_LT(at, script.answers.size());
    EXPECT_NE(layout, "pointer") << "is the kernel's layout, and differs nowhere";
    EXPECT_TRUE(script.MayDependOnCharge(at))
        << "answer " << at + 1 << " depends on no charge: " << script.operations[at];
    EXPECT_NE(answer, script.answers[at]) << "answer " << at + 1 << " is recorded, but the same";
  }
  ExpectAnswers(layout, script, differences);
}

class RecordedOnLinux61Test : public testing::TestWithParam<size_t> {};

TEST_P(RecordedOnLinux61Test, ArePointersTooIfItEmulatesThatKernel) {
  const RecordedScript& script = Scripts()[GetParam()];
  ExpectAnswers("pointer_6_1", script, ReadDifferences(kFolder, "linux-6.1", script.name));
}

// The folders of kernels whose answers differ from those of the newest.
std::set<std::string> RecordedKernels() {
  std::ifstream file(std::string(kFolder) + "/versions");
  std::set<std::string> folders;
  for (std::string version; file >> version;) folders.insert("linux-" + version);
  return folders;
}

TEST(RecordedDifferencesTest, AreAllOfALayoutOrAKernelAndAScript) {
  const std::vector<std::string_view> layouts = LayoutNames();
  const std::set<std::string> kernels = RecordedKernels();
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.path().extension() != ".differs") continue;
    ++files;
    const std::string folder = entry.path().parent_path().filename();
    const std::string script = entry.path().stem();
    EXPECT_TRUE(std::ranges::find(layouts, folder) != layouts.end() || kernels.contains(folder))
        << entry.path();
    EXPECT_EQ(std::ranges::count(Scripts(), script, &RecordedScript::name), 1) << entry.path();
    EXPECT_FALSE(ReadDifferences(kFolder, folder, script).empty()) << entry.path();
  }
  EXPECT_GT(files, 0U);
}

std::vector<size_t> ScriptNumbers() {
  std::vector<size_t> numbers(Scripts().size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  return numbers;
}

// The scripts that Linux 6.1 can run, whose limit is the machine's.
std::vector<size_t> NumbersWithoutLimit() {
  std::vector<size_t> numbers = ScriptNumbers();
  std::erase_if(numbers, [](size_t number) { return Scripts()[number].SetsLimit(); });
  return numbers;
}

INSTANTIATE_TEST_SUITE_P(Kernel, RecordedAnswersTest,
                         testing::Combine(testing::ValuesIn(LayoutNames()),
                                          testing::ValuesIn(ScriptNumbers())),
                         [](const auto& instance) {
                           return std::string(std::get<0>(instance.param)) + "_" +
                                  Scripts()[std::get<1>(instance.param)].name;
                         });

INSTANTIATE_TEST_SUITE_P(Kernel, RecordedOnLinux61Test, testing::ValuesIn(NumbersWithoutLimit()),
                         [](const auto& instance) { return Scripts()[instance.param].name; });

}  // namespace
}  // namespace inlay::bpf_script
