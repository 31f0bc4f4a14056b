#include "tools/analysis/bytes/inputs.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/bytes/summary_start.h"

namespace inlay::analysis {
namespace {

absl::StatusOr<bool> IsSummary(InputFile* file) {
  absl::StatusOr<std::span<const uint8_t>> start = file->Peek(kSummaryLineMagic.size());
  if (!start.ok()) return start.status();
  return StartsAsSummary({reinterpret_cast<const char*>(start->data()), start->size()});
}

}  // namespace

absl::StatusOr<Inputs> Inputs::Open(std::vector<std::string> paths) {
  if (paths.empty()) return absl::InvalidArgumentError("no input file");
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    return absl::InvalidArgumentError("standard input ('-') can be read only once");
  }
  Inputs inputs;
  inputs.paths_ = std::move(paths);
  absl::Status opened = inputs.OpenNext();
  if (!opened.ok()) return opened;
  return inputs;
}

absl::Status Inputs::OpenNext() {
  if (open_.has_value() || next_path_ == paths_.size()) return absl::OkStatus();
  absl::StatusOr<InputFile> file = InputFile::Open(paths_[next_path_]);
  if (!file.ok()) return file.status();
  absl::StatusOr<bool> is_summary = IsSummary(&*file);
  if (!is_summary.ok()) return is_summary.status();
  if (next_path_ == 0) {
    first_name_ = file->name();
    are_summaries_ = *is_summary;
  } else if (*is_summary != are_summaries_) {
    const std::string& summary = *is_summary ? file->name() : first_name_;
    const std::string& other = *is_summary ? first_name_ : file->name();
    return absl::InvalidArgumentError(
        absl::StrCat(summary, ": is a summary, and ", other,
                     " is not; give only summaries or only files of records"));
  }
  ++next_path_;
  open_ = *std::move(file);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<InputFile>> Inputs::Take() {
  absl::Status opened = OpenNext();
  if (!opened.ok()) return opened;
  return std::exchange(open_, std::nullopt);
}

absl::StatusOr<std::optional<Inputs>> Inputs::TakeAlone() {
  absl::Status opened = OpenNext();
  if (!opened.ok()) return opened;
  if (!open_.has_value()) return std::optional<Inputs>();
  Inputs alone;
  alone.paths_ = {paths_[next_path_ - 1]};
  alone.first_name_ = open_->name();
  alone.next_path_ = 1;
  alone.open_ = std::exchange(open_, std::nullopt);
  alone.are_summaries_ = are_summaries_;
  return std::optional<Inputs>(std::move(alone));
}

}  // namespace inlay::analysis
