#include "tools/analysis/readers/json_chunks.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analysis/grammar/utf8.h"
#include "tools/analysis/readers/foreign_files.h"
#include "tools/analysis/readers/json_records.h"
#include "tools/analysis/readers/text_doubts.h"

namespace inlay::analysis {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kJsonChunkBytes = size_t{128} << 10;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

JsonChunks::JsonChunks(Inputs inputs, std::atomic<uint64_t>* bytes_read)
    : inputs_(std::move(inputs)), bytes_read_(bytes_read) {}

absl::StatusOr<bool> JsonChunks::OpenNext() {
  absl::StatusOr<std::optional<InputFile>> next = inputs_.Take();
  if (!next.ok()) return next.status();
  if (!next->has_value()) return false;
  file_ = *std::move(next);
  name_ = file_->name();
  buffer_.clear();
  at_ = 0;
  line_ = 1;
  in_array_ = after_element_ = after_comma_ = has_object_ = false;
  return true;
}

absl::StatusOr<bool> JsonChunks::Fill() {
  const bool at_start = buffer_.empty() && line_ == 1 && !has_object_;
  buffer_.erase(0, at_);
  at_ = 0;
  const size_t had = buffer_.size();
  buffer_.resize(had + kReadBytes);
  absl::StatusOr<size_t> got =
      file_->Read({reinterpret_cast<uint8_t*>(buffer_.data()) + had, kReadBytes});
  if (!got.ok()) return got.status();
  buffer_.resize(had + *got);
  bytes_read_->fetch_add(file_->TakeUsedBytes(), std::memory_order_relaxed);
  if (at_start) {
    if (const auto foreign = RecognizeForeign(buffer_); foreign.has_value()) {
      return ForeignError(name_, *foreign);
    }
    if (buffer_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }
  return *got != 0;
}

void JsonChunks::Advance(size_t to) {
  line_ +=
      static_cast<uint64_t>(std::count(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                                       buffer_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
  at_ = to;
}

absl::StatusOr<bool> JsonChunks::FindObject() {
  for (;;) {
    size_t next = at_;
    while (next < buffer_.size() && IsSpace(buffer_[next])) ++next;
    Advance(next);
    if (at_ == buffer_.size()) return false;
    const char c = buffer_[at_];
    if (after_element_) {
      if (c != ',' && c != ']') return Error("a ',' or ']' is missing after an element");
      after_element_ = false;
      after_comma_ = c == ',';
      in_array_ = after_comma_;
      ++at_;
      continue;
    }
    if (c == '{') return true;
    if (c == '[' && !in_array_) {
      in_array_ = has_array_ = true;
      ++at_;
      continue;
    }
    if (c == ']' && in_array_ && !after_comma_) {
      in_array_ = false;
      ++at_;
      continue;
    }
    return Error(absl::StrCat(
        "no object of JSON starts here: ", QuotedLine(std::string_view(buffer_).substr(at_)),
        "; only objects are records"));
  }
}

size_t JsonChunks::ObjectEnd() const {
  size_t depth = 0;
  for (size_t at = at_; at < buffer_.size(); ++at) {
    switch (buffer_[at]) {
      case '"':
        for (++at; at < buffer_.size() && buffer_[at] != '"'; ++at) {
          if (buffer_[at] == '\\') ++at;
        }
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
  }
  return std::string::npos;
}

absl::Status JsonChunks::EndFile() {
  if (at_ != buffer_.size()) return Error("the file ends inside this object: it is cut");
  if (in_array_) return Error("the file ends inside an array: it is cut");
  if (!has_object_) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ": ", buffer_.empty() && line_ == 1 ? "is empty" : "has no object"));
  }
  file_.reset();
  return absl::OkStatus();
}

absl::StatusOr<bool> JsonChunks::Take(size_t most_objects, JsonChunk* chunk) {
  chunk->text.clear();
  chunk->objects.clear();
  for (;;) {
    if (!file_.has_value()) {
      if (!chunk->objects.empty()) return true;
      absl::StatusOr<bool> opened = OpenNext();
      if (!opened.ok() || !*opened) return opened;
    }
    chunk->file_name = name_;
    while (chunk->objects.size() < most_objects && chunk->text.size() < kJsonChunkBytes) {
      const absl::StatusOr<bool> found = FindObject();
      // Parses the objects before an error first: the first error may be there.
      if (!found.ok() && chunk->objects.empty()) return found.status();
      if (!found.ok()) return true;
      if (!*found) break;
      const size_t end = ObjectEnd();
      if (end == std::string::npos) break;
      if (end - at_ > kMaxObjectBytes) break;
      const size_t begin = chunk->text.size();
      chunk->text.append(buffer_, at_, end - at_);
      chunk->objects.push_back({begin, chunk->text.size(), line_});
      Advance(end);
      has_object_ = true;
      after_element_ = in_array_;
      after_comma_ = false;
    }
    // Returns early only if the buffer has more bytes, so the last chunk always meets the end of
    // the file.
    if (!chunk->objects.empty() && at_ != buffer_.size()) return true;
    if (buffer_.size() - at_ > kMaxObjectBytes) {
      if (!chunk->objects.empty()) return true;
      return Error(absl::StrCat("this object is longer than the limit of ", kMaxObjectBytes,
                                " bytes; is a quote or a brace left open?"));
    }
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) {
      const absl::Status ended = EndFile();
      if (!ended.ok() && chunk->objects.empty()) return ended;
      if (!chunk->objects.empty()) return true;
      continue;
    }
    if (!chunk->objects.empty()) return true;
  }
}

absl::Status JsonChunks::Error(std::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(name_, ":", line_, ": ", std::string(what)));
}

}  // namespace inlay::analysis
