#include "tools/command/manual/shell_completion.h"

#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/command/manual/command_options.h"

namespace inlay {
namespace {

// The names of the options of `app`, of those that take files, and of those that take other values.
struct OptionWords {
  std::vector<std::string> all;
  std::vector<std::string> with_file;
  std::vector<std::string> with_value;
};

OptionWords WordsOf(const CLI::App& app) {
  OptionWords words;
  for (const CLI::Option* const option : VisibleOptions(app)) {
    for (const std::string& name : OptionNames(*option)) {
      words.all.push_back(name);
      if (OptionValue(*option).empty()) continue;
      (TakesFile(*option) ? words.with_file : words.with_value).push_back(name);
    }
  }
  return words;
}

// A case of bash: what stands behind the options `names` is completed by `action`.
std::string PreviousCase(const std::vector<std::string>& names, std::string_view action) {
  if (names.empty()) return "";
  return absl::StrCat("        ", absl::StrJoin(names, "|"), ") ", std::string(action), " ;;\n");
}

// Text within single quotes of zsh, in a specification in which brackets and colons have a meaning.
std::string ZshText(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// The specifications of _arguments for one option, a line for each of its names.
std::string ZshOption(const CLI::Option& option) {
  if (!option.nonpositional()) {
    return absl::StrCat("    '*:", ZshText(PositionalName(option)), ":_files' \\\n");
  }
  std::string text;
  const std::string value = OptionValue(option);
  for (const std::string& name : OptionNames(option)) {
    absl::StrAppend(&text, "    '", name, "[", ZshText(option.get_description()), "]");
    if (!value.empty()) {
      absl::StrAppend(&text, ":", ZshText(value), ":", TakesFile(option) ? "_files" : " ");
    }
    text += "' \\\n";
  }
  return text;
}

std::string ZshArguments(const CLI::App& app) {
  std::string text = "  _arguments -s \\\n";
  for (const CLI::Option* const option : VisibleOptions(app)) text += ZshOption(*option);
  text.resize(text.size() - std::string_view(" \\\n").size());
  return text + "\n";
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::vector<std::string> names;
  std::string cases;
  for (const CLI::App* const subcommand : VisibleSubcommands(app)) {
    names.push_back(subcommand->get_name());
    const OptionWords words = WordsOf(*subcommand);
    absl::StrAppend(&cases, "    ", subcommand->get_name(), ")\n      case $previous in\n",
                    PreviousCase(words.with_file, "files=1"),
                    PreviousCase(words.with_value, "return"), "        *)\n          options='",
                    absl::StrJoin(words.all, " "), "'\n          files=1 ;;\n      esac ;;\n");
  }
  return absl::StrCat(
      "# Completion of inlay for bash, made from the definitions of 'inlay --help'.\n"
      "_inlay() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local options='' files=''\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '",
      absl::StrJoin(names, " "), " ", absl::StrJoin(WordsOf(app).all, " "),
      "' -- \"$current\")\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]} in\n",
      cases,
      "  esac\n"
      "  case $current in\n"
      "    -*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\") ;;\n"
      "    *) [ -z \"$files\" ] || mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
      "  esac\n"
      "}\n"
      "complete -o filenames -F _inlay inlay\n");
}

std::string ZshCompletion(const CLI::App& app) {
  std::string functions;
  std::string subcommands;
  std::string cases;
  for (const CLI::App* const subcommand : VisibleSubcommands(app)) {
    const std::string& name = subcommand->get_name();
    absl::StrAppend(&functions, "_inlay_", name, "() {\n", ZshArguments(*subcommand), "}\n\n");
    absl::StrAppend(&subcommands, "    '", ZshText(name), ":",
                    ZshText(subcommand->get_description()), "'\n");
    absl::StrAppend(&cases, "    ", name, ") _inlay_", name, " ;;\n");
  }
  return absl::StrCat(
      "#compdef inlay\n"
      "# Completion of inlay for zsh, made from the definitions of 'inlay --help'.\n\n",
      functions,
      "_inlay() {\n"
      "  local -a subcommands=(\n",
      subcommands,
      "  )\n"
      "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
      "    _describe subcommand subcommands\n"
      "    return\n"
      "  fi\n"
      "  if (( CURRENT == 2 )); then\n",
      ZshArguments(app),
      "    return\n"
      "  fi\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $words[1] in\n",
      cases,
      "  esac\n"
      "}\n\n"
      "_inlay \"$@\"\n");
}

}  // namespace inlay
