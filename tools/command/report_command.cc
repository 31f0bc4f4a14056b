#include "tools/command/report_command.h"

#include "tools/command/not_empty.h"
#include "tools/command/output/exit_codes.h"
#include "tools/command/output/fail_command.h"
#include "tools/command/output/output_files.h"
#include "tools/command/output/standard_output.h"
#include "tools/pages/bench_page/bench_page.h"
#include "tools/pages/bench_results/results.h"
#include "tools/pages/document/html_page.h"
#include "tools/pages/document/markdown.h"

namespace inlay {
namespace {

constexpr char kReportExamples[] = R"(Examples:
  inlay report results/*.json --html report.html --markdown summary.md
  inlay report get_base.json write.json memory_base.json --table
  inlay report get_base.json --chart get.svg

FILE is what a benchmark program writes with --benchmark_out=FILE --benchmark_out_format=json;
several files of one machine and one build are one report.

Exit codes: 0 success, 2 bad input or usage. Manual: docs/report.md)";

}  // namespace

CLI::App* AddReportCommand(CLI::App& app, ReportOptions* options) {
  CLI::App* command =
      app.add_subcommand("report", "Show results of the benchmarks: one HTML page, and Markdown");
  command->footer(kReportExamples);
  command->add_option("FILE", options->paths, "Results of benchmark programs, JSON")->required();
  command->add_option("--html", options->html, "Write the report as one HTML file")
      ->type_name("OUT")
      ->check(NotEmpty());
  command->add_option("--markdown", options->markdown, "Write the report's tables as Markdown")
      ->type_name("OUT")
      ->check(NotEmpty());
  command->add_option("--chart", options->chart, "Write the table's gets as a bar chart, SVG")
      ->type_name("OUT")
      ->check(NotEmpty());
  command->add_flag("--table", options->table,
                    "Print the headline table alone, as Markdown for a README");
  return command;
}

int RunReport(const ReportOptions& options) {
  for (const std::string& output : {options.html, options.markdown, options.chart}) {
    if (absl::Status status = CheckNotAnInput(output, options.paths); !status.ok()) {
      return FailCommand("report", status);
    }
  }
  const absl::StatusOr<bench_page::Results> results = bench_page::Results::Read(options.paths);
  if (!results.ok()) return FailCommand("report", results.status());
  const page::Document document = bench_page::BuildBenchPage(*results);
  std::vector<OutputFile> files;
  if (!options.html.empty()) files.push_back({options.html, page::FormatHtml(document)});
  if (!options.markdown.empty())
    files.push_back({options.markdown, page::FormatMarkdown(document)});
  if (!options.chart.empty()) {
    std::string chart = bench_page::ReadmeChart(*results);
    if (chart.empty()) {
      return FailCommand("report", absl::InvalidArgumentError(
                                       "--chart: no get of a layout was measured at common sizes "
                                       "in these files"));
    }
    files.push_back({options.chart, std::move(chart)});
  }
  std::string printed;
  if (options.table) {
    printed = bench_page::ReadmeTable(*results);
    if (printed.empty()) {
      return FailCommand(
          "report",
          absl::InvalidArgumentError(
              "--table: no layout of the table was measured at common sizes in these files"));
    }
  } else if (files.empty()) {
    printed = page::FormatMarkdown(document);
  }
  if (absl::Status status = WriteFiles(files); !status.ok()) return FailCommand("report", status);
  if (!printed.empty() && !WriteToStdout(printed)) {
    return FailCommand("report", absl::UnavailableError("cannot write to standard output"));
  }
  return kExitOk;
}

}  // namespace inlay
