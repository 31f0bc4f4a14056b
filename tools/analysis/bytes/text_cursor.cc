#include "tools/analysis/bytes/text_cursor.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace inlay::analysis {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr uint8_t kByteOrderMark[] = {0xEF, 0xBB, 0xBF};

}  // namespace

TextCursor::TextCursor(InputFile file, std::atomic<uint64_t>* bytes_read)
    : file_(std::move(file)), bytes_read_(bytes_read), buffer_(kBufferBytes) {
  if (Fill() && end_ >= sizeof(kByteOrderMark) &&
      std::equal(std::begin(kByteOrderMark), std::end(kByteOrderMark), buffer_.begin())) {
    at_ = sizeof(kByteOrderMark);
  }
}

int TextCursor::SkipSpace() {
  for (;;) {
    const int c = Peek();
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return c;
    Advance();
  }
}

absl::Status TextCursor::ErrorAt(uint64_t line, std::string_view what) const {
  if (!status_.ok()) return status_;
  return absl::InvalidArgumentError(absl::StrCat(name(), ":", line, ": ", std::string(what)));
}

bool TextCursor::Fill() {
  if (!status_.ok()) return false;
  absl::StatusOr<size_t> got = file_.Read(buffer_);
  if (!got.ok()) {
    status_ = got.status();
    return false;
  }
  bytes_read_->fetch_add(*got, std::memory_order_relaxed);
  at_ = 0;
  end_ = *got;
  return end_ != 0;
}

}  // namespace inlay::analysis
