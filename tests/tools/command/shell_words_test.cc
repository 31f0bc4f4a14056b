// A shell reads a quoted command as the original words.

#include "tools/command/output/shell_words.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

TEST(ShellWordsTest, QuotesNoMoreThanNeeded) {
  EXPECT_EQ(ShellCommand({"inlay", "analyze", "--columns", "5-9,x", "/a/b_c.tsv", "--k=50%"}),
            "inlay analyze --columns 5-9,x /a/b_c.tsv --k=50%");
  EXPECT_EQ(ShellCommand({"a b", ""}), "'a b' ''");
}

class ShellWordsInAShellTest : public InlayCommandTest {};

TEST_F(ShellWordsInAShellTest, ComeOutAsTheyWere) {
  const std::vector<std::string> words = {
      "plain", "",     "a b",  "it's",    "''", "$HOME `x` \\ \"q\"", "*?[a]{b,c}", "~", "#",
      "!",     "a\nb", "\xff", "<>|&;()", "-n"};
  std::string expected;
  for (const std::string& word : words) expected += word + "|";
  EXPECT_EQ(Shell("printf '%s|' " + ShellCommand(words)).out, expected);
}

}  // namespace
}  // namespace inlay
