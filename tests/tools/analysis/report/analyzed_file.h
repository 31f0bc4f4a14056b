// The report on a file, as `inlay analyze` makes it, with two threads.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_REPORT_ANALYZED_FILE_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_REPORT_ANALYZED_FILE_H_

#include <gtest/gtest.h>

#include <string>

#include "tools/analysis/readers/open_records.h"
#include "tools/analysis/report/report.h"

namespace inlay::analysis {

inline Report AnalyzeFile(const std::string& path, const RecordOptions& records = {},
                          size_t top = 10, const ReportOptions& options = {}) {
  auto source = OpenRecords({path}, records);
  EXPECT_TRUE(source.ok()) << source.status();
  absl::StatusOr<DistinctValues> distinct = CountDistinct(**source, 2);
  EXPECT_TRUE(distinct.ok()) << distinct.status();
  return BuildReport((*source)->schema(), *distinct, top, 2, options);
}

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_REPORT_ANALYZED_FILE_H_
