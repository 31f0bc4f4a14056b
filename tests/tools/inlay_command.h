// Runs the built `inlay` command as a user would, and keeps its output.

#ifndef INLAY_TESTS_TOOLS_INLAY_COMMAND_H_
#define INLAY_TESTS_TOOLS_INLAY_COMMAND_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/tools/temporary_files.h"

namespace inlay {

inline const std::string kData = INLAY_TEST_DATA_DIR;
inline const std::string kWork = INLAY_TEST_WORK_DIR;

struct Outcome {
  int exit_code = -1;  // -1: it did not exit by itself
  std::string out;
  std::string err;
};

class InlayCommandTest : public testing::Test {
 protected:
  // Runs the command with `arguments` as a shell reads them; `input` is a shell redirection.
  Outcome Inlay(const std::string& arguments, const std::string& input = "< /dev/null") {
    return Shell("'" + std::string(INLAY_COMMAND) + "' " + arguments + " " + input);
  }

  Outcome Shell(const std::string& command) {
    const std::string out = files_.Path("stdout");
    const std::string err = files_.Path("stderr");
    const int status = std::system(("{ " + command + " ; } > " + out + " 2> " + err).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Content(out), Content(err)};
  }

  // Bad input: exit code 2, nothing on standard output, `message` on standard error.
  void ExpectFailure(const std::string& arguments, const std::string& message,
                     const std::string& input = "< /dev/null") {
    const Outcome outcome = Inlay(arguments, input);
    EXPECT_EQ(outcome.exit_code, 2) << arguments << "\n" << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_NE(outcome.err.find(message), std::string::npos) << arguments << "\n" << outcome.err;
  }

  TemporaryFiles files_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_TOOLS_INLAY_COMMAND_H_
