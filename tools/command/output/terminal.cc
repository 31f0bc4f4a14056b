#include "tools/command/output/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace inlay {
namespace {

constexpr size_t kMinColumns = 40;
constexpr size_t kMaxColumns = 120;  // longer lines are hard to read

std::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

page::TerminalFormat FormatOfStdout() {
  page::TerminalFormat format;
  if (isatty(STDOUT_FILENO) == 0) return format;
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    format.columns = std::clamp<size_t>(size.ws_col, kMinColumns, kMaxColumns);
  }
  format.colours = Environment("NO_COLOR").empty() && Environment("TERM") != "dumb";
  return format;
}

}  // namespace inlay
