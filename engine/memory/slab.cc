#include "engine/memory/slab.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

#include "engine/memory/allocate.h"
#include "engine/memory/poison.h"

namespace inlay {
namespace {

constexpr size_t kChunkHeadBytes = 64;  // a cache line
constexpr size_t kMinChunkBytes = size_t{256} << 10;
constexpr size_t kMinObjectsPerChunk = 8;

// A mapping of `bytes`, aligned to `bytes` (a power of two); null without memory.
void* MapAligned(size_t bytes) noexcept {
  if (!AllocationAllowed()) return nullptr;
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* place = mmap(nullptr, bytes, kProtection, kFlags, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  // Mappings grow downwards side by side, so this is the usual case after the first one.
  if (reinterpret_cast<uintptr_t>(place) % bytes == 0) return place;
  munmap(place, bytes);
  place = mmap(nullptr, 2 * bytes, kProtection, kFlags, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  const uintptr_t start = reinterpret_cast<uintptr_t>(place);
  const uintptr_t aligned = (start + bytes - 1) / bytes * bytes;
  if (aligned > start) munmap(place, aligned - start);
  if (const size_t behind = start + bytes - aligned; behind > 0) {
    munmap(reinterpret_cast<void*>(aligned + bytes), behind);
  }
  return reinterpret_cast<void*>(aligned);
}

}  // namespace

struct Slab::Chunk {
  FreeObject* free = nullptr;  // objects that were freed
  uint32_t fresh = 0;          // number of the first object that was never allocated
  uint32_t used = 0;
  Chunk* next = nullptr;
  Chunk* previous = nullptr;
};

Slab::Slab(size_t object_bytes)
    : object_bytes_(std::max(object_bytes, sizeof(FreeObject))),
      chunk_bytes_(std::max(kMinChunkBytes, std::bit_ceil(kMinObjectsPerChunk * object_bytes))),
      first_object_(kChunkHeadBytes),
      objects_per_chunk_(static_cast<uint32_t>((chunk_bytes_ - first_object_) / object_bytes_)) {
  static_assert(sizeof(Chunk) <= kChunkHeadBytes);
}

Slab::~Slab() {
  MutexLock lock(&mutex_);
  assert(objects_ == 0 && "objects outlive their slab");
  if (spare_ != nullptr) Unmap(spare_);
}

void Slab::Unmap(Chunk* chunk) {
  // Another mapping may get this address.
  UnpoisonBytes(chunk, chunk_bytes_);
  munmap(chunk, chunk_bytes_);
  --chunks_;
}

Slab::Chunk* Slab::ChunkOf(void* object) const {
  return reinterpret_cast<Chunk*>(reinterpret_cast<uintptr_t>(object) & ~(chunk_bytes_ - 1));
}

Slab::Chunk* Slab::AddChunk() {
  Chunk* chunk = spare_;
  spare_ = nullptr;
  if (chunk == nullptr) {
    void* const place = MapAligned(chunk_bytes_);
    if (place == nullptr) return nullptr;
    chunk = new (place) Chunk;
    ++chunks_;
  }
  Link(chunk);
  return chunk;
}

void Slab::Link(Chunk* chunk) {
  chunk->previous = nullptr;
  chunk->next = partial_;
  if (partial_ != nullptr) partial_->previous = chunk;
  partial_ = chunk;
}

void Slab::Unlink(Chunk* chunk) {
  (chunk->previous != nullptr ? chunk->previous->next : partial_) = chunk->next;
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

void* Slab::Allocate() noexcept {
  MutexLock lock(&mutex_);
  Chunk* const chunk = partial_ != nullptr ? partial_ : AddChunk();
  if (chunk == nullptr) return nullptr;
  void* object = chunk->free;
  if (object != nullptr) {
    UnpoisonBytes(object, object_bytes_);
    chunk->free = chunk->free->next;
  } else {
    object = reinterpret_cast<std::byte*>(chunk) + first_object_ + chunk->fresh * object_bytes_;
    ++chunk->fresh;
  }
  ++objects_;
  if (++chunk->used == objects_per_chunk_) Unlink(chunk);
  return object;
}

void Slab::Free(void* object) noexcept {
  MutexLock lock(&mutex_);
  Chunk* const chunk = ChunkOf(object);
  chunk->free = new (object) FreeObject{chunk->free};
  PoisonBytes(object, object_bytes_);
  --objects_;
  if (chunk->used-- == objects_per_chunk_) Link(chunk);
  if (chunk->used > 0) return;
  Unlink(chunk);
  if (spare_ == nullptr) {
    spare_ = chunk;
  } else {
    Unmap(chunk);
  }
}

size_t Slab::Trim() noexcept {
  MutexLock lock(&mutex_);
  if (spare_ == nullptr) return 0;
  Unmap(spare_);
  spare_ = nullptr;
  return chunk_bytes_;
}

size_t Slab::objects() const {
  MutexLock lock(&mutex_);
  return objects_;
}

size_t Slab::slack_bytes() const {
  MutexLock lock(&mutex_);
  return chunks_ * chunk_bytes_ - objects_ * object_bytes_;
}

}  // namespace inlay
