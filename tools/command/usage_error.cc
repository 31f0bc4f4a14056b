#include "tools/command/usage_error.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/close_names.h"
#include "tools/command/output/message_text.h"

namespace inlay {
namespace {

constexpr size_t kMostClose = 3;
constexpr size_t kMostShownBytes = 60;

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", numbers::Printable(text, kMostShownBytes), "'");
}

// "; did you mean 'a' or 'b'?"; "." if no name is close.
std::string DidYouMean(const std::string& name, const std::set<std::string>& names) {
  const std::vector<std::string> close = analysis::CloseNames(name, names, kMostClose);
  std::string text;
  for (size_t i = 0; i < close.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "; did you mean " : " or ", Quoted(close[i]));
  }
  return text.empty() ? "." : text + "?";
}

std::set<std::string> CommandNames(const CLI::App& app) {
  std::set<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.insert(command->get_name());
  }
  return names;
}

std::set<std::string> OptionNames(const CLI::App& command) {
  std::set<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.insert("--" + name);
  }
  return names;
}

// The argument without what follows '='.
std::string OptionName(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

// The error for arguments that no command or option took.
std::string ExtrasText(const CLI::App& command, const std::set<std::string>& options) {
  for (const std::string& extra : command.remaining()) {
    if (extra.size() < 2 || extra[0] != '-') continue;
    return absl::StrCat("there is no option ", WithCloseNames(OptionName(extra), options));
  }
  return "";
}

}  // namespace

std::string WithCloseNames(const std::string& name, const std::set<std::string>& names) {
  return Quoted(name) + DidYouMean(name, names);
}

std::string Joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) absl::StrAppend(&text, text.empty() ? "" : ", ", name);
  return text;
}

std::string UsageErrorText(const CLI::App& app, const CLI::ParseError& error,
                           const std::vector<std::string>& arguments) {
  const std::vector<CLI::App*> parsed = app.get_subcommands();
  const std::set<std::string> commands = CommandNames(app);
  std::string who = "inlay";
  std::string what;
  const bool is_command = !arguments.empty() && commands.find(arguments[0]) != commands.end();
  if (!parsed.empty() || is_command) {
    const CLI::App& command = !parsed.empty() ? *parsed[0] : *app.get_subcommand(arguments[0]);
    absl::StrAppend(&who, " ", command.get_name());
    what = ExtrasText(command, OptionNames(command));
    if (what.empty()) what = ExtrasText(app, OptionNames(command));
  } else if (arguments.empty()) {
    what = absl::StrCat("give a command: ", Joined(commands));
  } else if (arguments[0].starts_with('-')) {
    what = absl::StrCat("a command must come first, not ", Quoted(arguments[0]),
                        "; the commands are ", Joined(commands));
  } else {
    what = absl::StrCat("there is no command ", WithCloseNames(arguments[0], commands),
                        " The commands are ", Joined(commands));
  }
  if (what.empty()) what = error.what();
  return absl::StrCat(MessageText(absl::StrCat(who, ": ", what)), "\nRun '", who,
                      " --help' for more information.\n");
}

}  // namespace inlay
