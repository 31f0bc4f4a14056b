#include "tools/command/output/output_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "tools/command/output/pending_file.h"

namespace inlay {

absl::Status WriteFiles(const std::vector<OutputFile>& files) {
  std::vector<PendingFile> pending;
  for (const OutputFile& file : files) {
    // Checks before it creates a file: the temporary name beside a path is always the same.
    absl::StatusOr<std::string> place = PendingFile::PlaceOf(file.path);
    if (!place.ok()) return place.status();
    const bool twice = std::any_of(pending.begin(), pending.end(),
                                   [&](const auto& other) { return other.place() == *place; });
    if (twice) {
      return absl::InvalidArgumentError(file.path + ": would be written twice");
    }
    absl::StatusOr<PendingFile> created = PendingFile::Create(file.path);
    if (!created.ok()) return created.status();
    pending.push_back(*std::move(created));
    if (absl::Status status = pending.back().Write(file.content); !status.ok()) return status;
    if (absl::Status status = pending.back().Close(); !status.ok()) return status;
  }
  for (PendingFile& file : pending) {
    if (absl::Status status = file.MoveToPlace(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckNotAnInput(const std::string& output, const std::vector<std::string>& inputs) {
  if (output.empty()) return absl::OkStatus();
  for (const std::string& input : inputs) {
    std::error_code error;
    if (std::filesystem::equivalent(output, input == "-" ? "/dev/stdin" : input, error)) {
      return absl::InvalidArgumentError(output + ": is read, and would be overwritten");
    }
  }
  return absl::OkStatus();
}

}  // namespace inlay
