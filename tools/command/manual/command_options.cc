#include "tools/command/manual/command_options.h"

namespace inlay {

std::vector<const CLI::App*> VisibleSubcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* subcommand) {
    return !subcommand->get_name().empty() && !subcommand->get_group().empty();
  });
}

std::vector<const CLI::Option*> VisibleOptions(const CLI::App& app) {
  std::vector<const CLI::Option*> options =
      app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
  // An option group is a subcommand without a name.
  const auto is_group = [](const CLI::App* group) { return group->get_name().empty(); };
  for (const CLI::App* const group : app.get_subcommands(is_group)) {
    const std::vector<const CLI::Option*> more = VisibleOptions(*group);
    options.insert(options.end(), more.begin(), more.end());
  }
  return options;
}

std::vector<std::string> OptionNames(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::string PositionalName(const CLI::Option& option) { return option.get_name(true, false); }

std::string OptionValue(const CLI::Option& option) {
  if (!option.nonpositional() || option.get_items_expected_max() == 0) return "";
  return option.get_type_name();
}

bool TakesFile(const CLI::Option& option) {
  if (!option.nonpositional()) return true;  // the positionals of all subcommands are files
  const std::string value = OptionValue(option);
  return value == "FILE" || value == "OUT" || value == "PATH";
}

}  // namespace inlay
