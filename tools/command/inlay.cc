// The inlay command: reads the command line and runs the subcommand it names.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "tools/command/analyze_command.h"
#include "tools/command/capture_command.h"
#include "tools/command/collect_command.h"
#include "tools/command/manual/man_page.h"
#include "tools/command/manual/shell_completion.h"
#include "tools/command/maps_command.h"
#include "tools/command/merge_command.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/message_text.h"
#include "tools/command/output/standard_output.h"
#include "tools/command/replay_command.h"
#include "tools/command/report_command.h"
#include "tools/command/usage_error.h"
#include "tools/command/version.h"

namespace {

// For the installation, not for users: --man-page NAME and --completion SHELL print what is made
// from the definitions of the command line.
void AddGeneratorFlags(CLI::App& app) {
  const auto print = [](const std::string& text) {
    if (!inlay::WriteToStdout(text)) throw CLI::RuntimeError(inlay::kExitBadInput);
    throw CLI::Success();
  };
  app.add_option_function<std::string>(
         "--man-page",
         [&app, print](const std::string& name) {
           print(inlay::ManPage(name == app.get_name() ? app : *app.get_subcommand(name)));
         },
         "Print a man page")
      ->trigger_on_parse()
      ->group("");
  app.add_option_function<std::string>(
         "--completion",
         [&app, print](const std::string& shell) {
           print(shell == "zsh" ? inlay::ZshCompletion(app) : inlay::BashCompletion(app));
         },
         "Print the completion of a shell")
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->trigger_on_parse()
      ->group("");
}

int Run(int argc, char** argv) {
  CLI::App app("Tools around per-socket values that are stored once and shared");
  app.name("inlay");
  app.set_version_flag("--version", inlay::VersionText);
  app.require_subcommand(1);
  inlay::AnalyzeOptions analyze_options;
  const CLI::App* analyze = inlay::AddAnalyzeCommand(app, &analyze_options);
  inlay::CaptureCommandOptions capture_options;
  const CLI::App* capture = inlay::AddCaptureCommand(app, &capture_options);
  inlay::CollectOptions collect_options;
  const CLI::App* collect = inlay::AddCollectCommand(app, &collect_options);
  inlay::MapsOptions maps_options;
  const CLI::App* maps = inlay::AddMapsCommand(app, &maps_options);
  inlay::MergeOptions merge_options;
  const CLI::App* merge = inlay::AddMergeCommand(app, &merge_options);
  inlay::ReplayOptions replay_options;
  const CLI::App* replay = inlay::AddReplayCommand(app, &replay_options);
  inlay::ReportOptions report_options;
  const CLI::App* report = inlay::AddReportCommand(app, &report_options);
  AddGeneratorFlags(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and the version are no errors, and go to standard output.
    if (error.get_exit_code() == 0)
      return app.exit(error) == 0 ? inlay::kExitOk : inlay::kExitBadInput;
    const std::string text = inlay::UsageErrorText(app, error, {argv + 1, argv + argc});
    std::fputs(text.c_str(), stderr);
    return inlay::kExitBadInput;
  }
  analyze_options.arguments.assign(argv + 1, argv + argc);
  if (analyze->parsed()) return inlay::RunAnalyze(analyze_options);
  if (capture->parsed()) return inlay::RunCapture(capture_options);
  if (collect->parsed()) return inlay::RunCollect(collect_options);
  if (maps->parsed()) return inlay::RunMaps(maps_options);
  if (merge->parsed()) return inlay::RunMerge(merge_options);
  if (replay->parsed()) return inlay::RunReplay(replay_options);
  if (report->parsed()) return inlay::RunReport(report_options);
  return inlay::kExitBadInput;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "inlay: not enough memory\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "inlay: %s\n", inlay::MessageText(error.what()).c_str());
  }
  return inlay::kExitBadInput;
}
