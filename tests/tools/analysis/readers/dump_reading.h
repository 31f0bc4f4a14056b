// Reads dumps of BPF maps, for tests that look at their values and notes.

#ifndef INLAY_TESTS_TOOLS_ANALYSIS_READERS_DUMP_READING_H_
#define INLAY_TESTS_TOOLS_ANALYSIS_READERS_DUMP_READING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_replace.h"
#include "tests/tools/analysis/readers/record_reading.h"
#include "tests/tools/strings.h"
#include "tests/tools/temporary_files.h"
#include "tools/analysis/readers/open_records.h"

namespace inlay::analysis {

// The path of a dump that a tool really wrote.
inline std::string SampleDump(const std::string& name) {
  return std::string(INLAY_TEST_DATA_DIR) + "/bpf_dumps/" + name;
}

inline std::string SampleDumpText(const std::string& name) {
  std::ifstream file(SampleDump(name), std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

struct Dump {
  RecordSchema schema;
  Strings values;  // by their fields; or the message of the error as the only one
  Strings bytes;   // of the values, in hexadecimal, if the dump has them beside the fields
  Strings notes;
  Strings doubts;  // those of the notes
  bool ok = false;

  Strings names() const {
    Strings names;
    for (const ValueField& field : schema.fields) names.push_back(field.name);
    if (schema.has_bytes_column) names.pop_back();
    return names;
  }
};

inline Dump ReadDump(const Strings& paths, const RecordOptions& options = {}) {
  Dump dump;
  absl::StatusOr<std::unique_ptr<RecordSource>> source = OpenRecords(paths, options);
  if (!source.ok()) {
    dump.values = {std::string(source.status().message())};
    return dump;
  }
  dump.schema = (*source)->schema();
  absl::StatusOr<Strings> values = ReadAll(**source);
  dump.ok = values.ok();
  dump.values = values.ok() ? *values : Strings{std::string(values.status().message())};
  if (!dump.ok) return dump;
  if (dump.schema.has_bytes_column) {
    for (std::string& value : dump.values) {
      const size_t comma = value.rfind(',');
      dump.bytes.push_back(value.substr(comma + 1));
      value.resize(comma);
    }
  }
  dump.notes = NoteTexts((*source)->Notes(UINT64_MAX));
  dump.doubts = DoubtsOf(**source);
  return dump;
}

class DumpReadingTest : public testing::Test {
 protected:
  Dump ReadText(std::string_view text, const RecordOptions& options = {}) {
    return ReadDump({files_.Write("dump", text)}, options);
  }

  // The message for `text`, with F in place of the name of the file.
  std::string MessageFor(std::string_view text, const RecordOptions& options) {
    const Dump dump = ReadText(text, options);
    EXPECT_FALSE(dump.ok) << text;
    if (dump.values.empty()) return "";
    return absl::StrReplaceAll(dump.values[0], {{files_.Path("dump"), "F"}});
  }

  TemporaryFiles files_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TESTS_TOOLS_ANALYSIS_READERS_DUMP_READING_H_
