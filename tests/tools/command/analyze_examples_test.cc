// The commands in docs/analyze_examples.md print the output shown there.

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

struct Example {
  std::string command;
  std::string output;  // lines, without empty ones at the end
};

std::string WithoutEmptyEnd(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// The blocks fenced as ```console: a command behind each "$ ", followed by its output.
std::vector<Example> ExamplesOf(const std::string& document) {
  std::vector<Example> examples;
  bool inside = false;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = line == "```console";
    } else if (inside && line.starts_with("$ ")) {
      examples.push_back({line.substr(2), ""});
    } else if (inside && !examples.empty()) {
      examples.back().output += line + "\n";
    }
  }
  for (Example& example : examples) example.output = WithoutEmptyEnd(example.output);
  return examples;
}

using AnalyzeExamplesTest = InlayCommandTest;

TEST_F(AnalyzeExamplesTest, CommandsPrintWhatStandsThere) {
  const std::filesystem::path top = std::filesystem::path(kData).parent_path().parent_path();
  const std::string document = Content((top / "docs/analyze_examples.md").string());
  const std::vector<Example> examples = ExamplesOf(document);
  ASSERT_GE(examples.size(), 10U);
  // A folder in which `inlay` is the one built here, and the data is where it is in the repository.
  const std::string folder = files_.Path("top");
  ASSERT_TRUE(std::filesystem::create_directories(folder + "/bin"));
  std::filesystem::create_symlink(INLAY_COMMAND, folder + "/bin/inlay");
  std::filesystem::create_symlink(top / "tests", folder + "/tests");
  for (const Example& example : examples) {
    const Outcome outcome = Shell("cd '" + folder + "' && PATH=\"$PWD/bin:$PATH\" && { " +
                                  example.command + " ; } 2>&1");
    EXPECT_EQ(WithoutEmptyEnd(outcome.out), example.output) << example.command;
  }
}

}  // namespace
}  // namespace inlay
