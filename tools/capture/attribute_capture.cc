#include "tools/capture/attribute_capture.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/capture/attribute_fields.h"
#include "tools/capture/open_source.h"
#include "tools/capture/socket_walks.h"
#include "tools/capture/walk/socket_attributes.h"

namespace inlay::capture {
namespace {

class AttributeCapture : public CaptureSource {
 public:
  absl::Status Open(const CaptureOptions& options) {
    if (options.method != Method::kAuto) {
      return absl::InvalidArgumentError("--method is for maps of type sk_storage");
    }
    description_.value_bytes = sizeof(SocketAttributes);
    description_.fields = AttributeFields();
    description_.source = "sockets";
    description_.value_type = "struct SocketAttributes";
    SocketWalks::Options walks;
    walks.programs = "sockets";
    walks.load.value_bytes = sizeof(SocketAttributes);
    walks.buffer_bytes = options.buffer_bytes;
    walks.stop = options.stop;
    absl::StatusOr<std::unique_ptr<SocketWalks>> opened = SocketWalks::Open(std::move(walks));
    if (!opened.ok()) return opened.status();
    walks_ = *std::move(opened);
    description_.method = walks_->Method();
    return absl::OkStatus();
  }

  absl::StatusOr<SnapshotResult> Take(const ValueSink& sink) override {
    SnapshotResult result;
    const absl::StatusOr<WalkProgress> total = walks_->Take(sink, &result);
    if (!total.ok()) return total.status();
    NoteAbsent(*total, result);
    return result;
  }

 private:
  // Bits of members that this kernel cannot fill become a note.
  static void NoteAbsent(const WalkProgress& absent, SnapshotResult& result) {
    std::vector<std::string> names;
    for (const analysis::ValueField& field : AttributeFields()) {
      const uint64_t at = field.offset_bits.value_or(0) / 8;
      if ((absent.absent[at / 64] >> at % 64 & 1) != 0) names.push_back(field.name);
    }
    if (names.empty()) return;
    result.notes.push_back(absl::StrCat("this kernel does not have ", absl::StrJoin(names, ", "),
                                        ": 0 in all sockets, or empty"));
  }

  std::unique_ptr<SocketWalks> walks_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureSource>> OpenAttributeCapture(const CaptureOptions& options) {
  return OpenSource<AttributeCapture>(options);
}

}  // namespace inlay::capture
