#include "tools/analysis/capture_file/capture_blocks.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace inlay::analysis {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

// The limit of bytes hashed in vain for each byte of the file, besides kFreeWaste. Without it, a
// file of many headers that all claim the same payload would take quadratic time.
constexpr uint64_t kWastePerByte = 4;
constexpr uint64_t kFreeWaste = uint64_t{64} << 20;

}  // namespace

// Whether `bytes` bytes are ahead; reads them if necessary.
bool CaptureBlocks::Fill(size_t bytes) {
  while (buffer_.size() - begin_ < bytes && !at_end_) {
    if (begin_ > buffer_.size() / 2) {  // moves fewer bytes than were used
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
    // Reads no more than necessary, because a pipe may then stay silent for a long time. Reads in
    // pieces, because a header may claim more than the file has.
    const size_t had = buffer_.size();
    const size_t wanted =
        file_.size_bytes().has_value() ? kReadBytes : std::min(kReadBytes, bytes - had);
    buffer_.resize(had + wanted);
    absl::StatusOr<size_t> got = file_.Read(std::span(buffer_).subspan(had));
    buffer_.resize(had + (got.ok() ? *got : 0));
    if (!got.ok()) read_error_ = got.status();
    at_end_ = !got.ok() || *got < wanted;
  }
  return buffer_.size() - begin_ >= bytes;
}

void CaptureBlocks::Skip(size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

// Takes the block that starts here, if it is intact. Stores its type if its header is intact.
bool CaptureBlocks::TakeBlock(CaptureBlock* block, std::optional<uint8_t>* type) {
  type->reset();
  if (!Fill(kCaptureBlockHeaderBytes)) return false;
  const std::optional<CaptureBlockHeader> header = ParseCaptureBlockHeader(Ahead());
  if (!header.has_value()) return false;
  *type = header->type;
  const size_t size = kCaptureBlockHeaderBytes + header->payload_bytes;
  if (!Fill(size)) return false;
  const std::span<const uint8_t> payload =
      Ahead().subspan(kCaptureBlockHeaderBytes, header->payload_bytes);
  if (!PayloadIsIntact(*header, payload)) {
    wasted_bytes_ += payload.size();
    return false;
  }
  block->header = *header;
  block->offset = offset_;
  // A new vector: a reused one would keep the capacity of a larger block before it for as long as
  // the payload lives.
  block->payload = std::vector<uint8_t>(payload.begin(), payload.end());
  Skip(size);
  return true;
}

// Skips at least one byte, if there is one, up to the next header that is intact. False if there
// is none.
bool CaptureBlocks::FindHeader() {
  // Searches the supposed payload too: if bytes are missing, the next block begins within it.
  const auto damaged = ParseCaptureBlockHeader(Ahead());
  const bool too_much = wasted_bytes_ > kFreeWaste + kWastePerByte * offset_;
  const size_t skipped =
      damaged.has_value() && too_much ? kCaptureBlockHeaderBytes + damaged->payload_bytes : 1;
  Skip(std::min(Ahead().size(), skipped));
  while (Fill(kCaptureBlockHeaderBytes)) {
    const std::span<const uint8_t> ahead = Ahead();
    const void* const found = std::memchr(ahead.data(), static_cast<uint8_t>(kCaptureMagic[0]),
                                          ahead.size() - kCaptureBlockHeaderBytes + 1);
    if (found == nullptr) {
      Skip(ahead.size() - kCaptureBlockHeaderBytes + 1);
      continue;
    }
    Skip(static_cast<size_t>(static_cast<const uint8_t*>(found) - ahead.data()));
    if (ParseCaptureBlockHeader(Ahead()).has_value()) return true;
    Skip(1);
  }
  Skip(Ahead().size());
  return false;
}

bool CaptureBlocks::Next(CaptureBlock* block) {
  damage_.reset();
  std::optional<uint8_t> type;
  if (TakeBlock(block, &type)) return true;
  if (Ahead().empty()) return false;
  damage_ = CaptureDamage{.offset = offset_, .bytes = 0, .type = type, .at_end = false};
  bool found = false;
  while (FindHeader()) {
    found = TakeBlock(block, &type);
    if (found) break;
  }
  damage_->bytes = (found ? block->offset : offset_) - damage_->offset;
  damage_->at_end = !found;
  return found;
}

}  // namespace inlay::analysis
