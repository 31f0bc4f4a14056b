// Man pages and completions: every visible option of every subcommand is in them, and the programs
// that read them accept them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/inlay_command.h"

namespace inlay {
namespace {

using ManPageTest = InlayCommandTest;

const std::vector<std::string> kSubcommands = {"analyze", "capture", "collect", "maps",
                                               "merge",   "replay",  "report"};

// The options that a help text lists: "  --json  Print ...", "  -o,--output FILE ...".
std::set<std::string> OptionsOf(const std::string& help) {
  std::set<std::string> options;
  const std::regex line("(^|\n) +((-[a-zA-Z],)?--[a-z-]+|-[a-zA-Z])(?=[ \n])");
  for (std::sregex_iterator match(help.begin(), help.end(), line), end; match != end; ++match) {
    const std::string names = (*match)[2];
    const size_t comma = names.find(',');
    options.insert(names.substr(comma == std::string::npos ? 0 : comma + 1));
  }
  return options;
}

std::string WithPlainDashes(std::string page) {
  for (size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) page.erase(at, 1);
  return page;
}

TEST_F(ManPageTest, HasEveryOptionOfTheHelp) {
  for (const std::string& subcommand : kSubcommands) {
    const std::set<std::string> options = OptionsOf(Inlay(subcommand + " --help").out);
    EXPECT_GE(options.size(), 2U) << subcommand;
    const std::string page = WithPlainDashes(Inlay("--man-page " + subcommand).out);
    const std::string bash = Inlay("--completion bash").out;
    const std::string zsh = Inlay("--completion zsh").out;
    for (const std::string& option : options) {
      EXPECT_NE(page.find("\\fB" + option + "\\fR"), std::string::npos) << subcommand << option;
      EXPECT_NE(bash.find(option), std::string::npos) << subcommand << option;
      EXPECT_NE(zsh.find("'" + option + "["), std::string::npos) << subcommand << option;
    }
  }
  const std::string page = Inlay("--man-page inlay").out;
  for (const std::string& subcommand : kSubcommands) {
    EXPECT_NE(page.find("\\fBinlay\\-" + subcommand + "\\fR(1)"), std::string::npos) << page;
  }
  EXPECT_EQ(page.find("man\\-page"), std::string::npos) << "hidden options stay hidden";
}

TEST_F(ManPageTest, ManFindsNothingToWarnOf) {
  if (Shell("command -v man && command -v groff").exit_code != 0) GTEST_SKIP() << "no man, groff";
  std::vector<std::string> pages = kSubcommands;
  pages.emplace_back("inlay");
  for (const std::string& name : pages) {
    const std::string path = files_.Path(name + ".1");
    ASSERT_EQ(
        Shell("'" + std::string(INLAY_COMMAND) + "' --man-page " + name + " > " + path).exit_code,
        0);
    const Outcome read = Shell("LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l " + path);
    EXPECT_EQ(read.exit_code, 0) << name;
    EXPECT_EQ(read.err, "") << name;
    for (const char* const part : {"NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "SEE ALSO"}) {
      if (name == "inlay" && std::string(part) == "EXIT STATUS") continue;
      EXPECT_NE(read.out.find(part), std::string::npos) << name << ": " << part;
    }
    if (Shell("command -v lexgrog").exit_code == 0) {
      EXPECT_EQ(Shell("lexgrog " + path).exit_code, 0) << name << " has a name for apropos";
    }
  }
}

TEST_F(ManPageTest, BashCompletesSubcommandsOptionsAndFiles) {
  const std::string script = files_.Path("completion");
  const std::string inlay = "'" + std::string(INLAY_COMMAND) + "'";
  ASSERT_EQ(Shell(inlay + " --completion bash > " + script).exit_code, 0);
  ASSERT_EQ(Shell("bash -n " + script).exit_code, 0);
  const std::string file = files_.Write("values.csv", "a\n");
  const auto completed = [&](const std::string& words, const std::string& current) {
    return Shell("bash -c \"source " + script + "; COMP_WORDS=(inlay " + words + " '" + current +
                 "'); COMP_CWORD=\\$((\\${#COMP_WORDS[@]} - 1)); _inlay; echo \\${COMPREPLY[*]}\"")
        .out;
  };
  EXPECT_EQ(completed("", "ana"), "analyze\n");
  EXPECT_EQ(completed("analyze", "--max-d"), "--max-distinct\n");
  EXPECT_EQ(completed("merge", "--max-d"), "\n") << "merge has no such option";
  EXPECT_EQ(completed("analyze", files_.Path("val")), file + "\n");
  EXPECT_EQ(completed("analyze --html", files_.Path("val")), file + "\n");
  EXPECT_EQ(completed("analyze --top", files_.Path("val")), "\n") << "a number is wanted there";
}

TEST_F(ManPageTest, ZshAcceptsItsCompletion) {
  if (Shell("command -v zsh").exit_code != 0) GTEST_SKIP() << "no zsh";
  const std::string script = files_.Path("_inlay");
  ASSERT_EQ(Shell("'" + std::string(INLAY_COMMAND) + "' --completion zsh > " + script).exit_code,
            0);
  EXPECT_EQ(Shell("zsh -n " + script).exit_code, 0);
}

TEST_F(ManPageTest, TheVersionNamesTheFeatures) {
  const Outcome version = Inlay("--version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.out.starts_with("inlay ")) << version.out;
  for (const char* const feature : {"gzip, zstd", "BTF", "capture, maps"}) {
    EXPECT_NE(version.out.find(feature), std::string::npos) << version.out;
  }
}

TEST_F(ManPageTest, UnknownPagesAndShellsAreRefused) {
  EXPECT_EQ(Inlay("--man-page none").exit_code, 2);
  EXPECT_EQ(Inlay("--completion fish").exit_code, 2);
}

}  // namespace
}  // namespace inlay
