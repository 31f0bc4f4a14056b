#include "tools/command/manual/man_page.h"

#include <cctype>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/command/manual/command_options.h"

namespace inlay {
namespace {

// `text` without anything that roff takes for a request or an escape.
std::string Roff(std::string_view text) {
  std::string escaped;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) escaped += "\\&";
    line_start = c == '\n';
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '~') {
      escaped += "\\(ti";
    } else if (c == '^') {
      escaped += "\\(ha";
    } else if (c == '\'' && !escaped.ends_with("\\&")) {
      escaped += "\\(aq";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string PageName(const CLI::App& app) {
  const CLI::App* const parent = app.get_parent();
  return parent == nullptr ? app.get_name() : parent->get_name() + "-" + app.get_name();
}

std::string CommandName(const CLI::App& app) {
  const CLI::App* const parent = app.get_parent();
  return parent == nullptr ? app.get_name() : parent->get_name() + " " + app.get_name();
}

std::string UpperCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// The parts of a help's footer: the examples, and the line that begins with "Exit codes:".
struct Footer {
  std::string examples;
  std::string exit_codes;
};

Footer FooterOf(const CLI::App& app) {
  Footer footer;
  std::istringstream lines(app.get_footer());
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kExitCodes = "Exit codes: ";
    if (line.starts_with(kExitCodes)) {
      footer.exit_codes += line.substr(kExitCodes.size());
    } else if (!footer.exit_codes.empty()) {
      footer.exit_codes += " " + line;
    } else if (line != "Examples:") {
      footer.examples += line + "\n";
    }
  }
  while (footer.examples.ends_with("\n")) footer.examples.pop_back();
  return footer;
}

std::string OptionEntry(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : OptionNames(option)) names.push_back("\\fB" + Roff(name) + "\\fR");
  if (names.empty()) names.push_back("\\fI" + Roff(PositionalName(option)) + "\\fR");
  std::string entry = ".TP\n" + absl::StrJoin(names, ", ");
  const std::string value = OptionValue(option);
  if (!value.empty()) absl::StrAppend(&entry, " \\fI", Roff(value), "\\fR");
  absl::StrAppend(&entry, "\n", Roff(option.get_description()));
  if (!option.get_description().ends_with('.')) entry += '.';
  if (!value.empty() && !option.get_default_str().empty()) {
    absl::StrAppend(&entry, " Default: ", Roff(option.get_default_str()), ".");
  }
  return entry + "\n";
}

std::string Synopsis(const CLI::App& app) {
  std::string text = absl::StrCat("\\fB", Roff(CommandName(app)), "\\fR [\\fIOPTION\\fR]...");
  if (!VisibleSubcommands(app).empty()) text += " \\fISUBCOMMAND\\fR ...";
  for (const CLI::Option* const option : VisibleOptions(app)) {
    if (option->nonpositional()) continue;
    const std::string name = absl::StrCat("\\fI", Roff(PositionalName(*option)), "\\fR...");
    absl::StrAppend(&text, " ", option->get_required() ? name : "[" + name + "]");
  }
  return text;
}

}  // namespace

std::string ManPage(const CLI::App& app) {
  std::string page = absl::StrCat(
      ".\\\" Made from the definitions of 'inlay --help'.\n.TH ", UpperCase(Roff(PageName(app))),
      " 1 \"\" \"inlay " INLAY_VERSION "\" \"Inlay manual\"\n.SH NAME\n", Roff(PageName(app)),
      " \\- ", Roff(app.get_description()), "\n.SH SYNOPSIS\n", Synopsis(app),
      "\n.SH DESCRIPTION\n", Roff(app.get_description()), ".\n");
  const std::vector<const CLI::App*> subcommands = VisibleSubcommands(app);
  if (!subcommands.empty()) page += ".SH SUBCOMMANDS\n";
  for (const CLI::App* const subcommand : subcommands) {
    absl::StrAppend(&page, ".TP\n\\fB", Roff(subcommand->get_name()), "\\fR\n",
                    Roff(subcommand->get_description()), ". See \\fB", Roff(PageName(*subcommand)),
                    "\\fR(1).\n");
  }
  page += ".SH OPTIONS\n";
  for (const CLI::Option* const option : VisibleOptions(app)) page += OptionEntry(*option);
  const Footer footer = FooterOf(app);
  if (!footer.examples.empty()) {
    absl::StrAppend(&page, ".SH EXAMPLES\n.nf\n", Roff(footer.examples), "\n.fi\n");
  }
  if (!footer.exit_codes.empty()) {
    absl::StrAppend(&page, ".SH EXIT STATUS\n", Roff(footer.exit_codes), "\n");
  }
  std::vector<std::string> others;
  const CLI::App& command = app.get_parent() == nullptr ? app : *app.get_parent();
  if (&command != &app) others.push_back("\\fB" + Roff(PageName(command)) + "\\fR(1)");
  for (const CLI::App* const other : VisibleSubcommands(command)) {
    if (other != &app) others.push_back("\\fB" + Roff(PageName(*other)) + "\\fR(1)");
  }
  return absl::StrCat(page, ".SH SEE ALSO\n", absl::StrJoin(others, ",\n"), "\n");
}

}  // namespace inlay
