// Slab: an allocator of objects of one size, as the kernel's slab caches are: objects side by side
// in chunks, a chunk given back to the system when its last object is freed.
//
// It stands where the emulated kernel calls kmalloc() or kmem_cache_alloc(), so that objects have
// the kernel's sizes, alignment and neighbours, and so that what a layout takes can be read off.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_ENGINE_MEMORY_SLAB_H_
#define INLAY_ENGINE_MEMORY_SLAB_H_

#include <cstddef>
#include <cstdint>

#include "engine/sync/mutex.h"

namespace inlay {

class Slab {
 public:
  // Objects of `object_bytes` each. Sizes that are multiples of 64 start at multiples of 64.
  explicit Slab(size_t object_bytes);
  // REQUIRES: every object was freed.
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // An object with undefined contents; null without memory.
  void* Allocate() noexcept;
  // REQUIRES: `object` came from Allocate() of this slab.
  void Free(void* object) noexcept;

  size_t object_bytes() const { return object_bytes_; }
  // Objects handed out now.
  size_t objects() const;
  // Bytes taken from the system that are in no object.
  size_t slack_bytes() const;

 private:
  struct Chunk;
  struct FreeObject {
    FreeObject* next;
  };

  Chunk* ChunkOf(void* object) const;
  Chunk* AddChunk() EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unmap(Chunk* chunk) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Link(Chunk* chunk) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unlink(Chunk* chunk) EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t object_bytes_;
  const size_t chunk_bytes_;   // a power of two, and every chunk's alignment
  const size_t first_object_;  // offset of the first object in a chunk, behind its header
  const uint32_t objects_per_chunk_;

  mutable Mutex mutex_;
  Chunk* partial_ GUARDED_BY(mutex_) = nullptr;  // chunks with room
  Chunk* spare_ GUARDED_BY(mutex_) =
      nullptr;  // one empty chunk, so that one object is not a mmap()
  size_t chunks_ GUARDED_BY(mutex_) = 0;
  size_t objects_ GUARDED_BY(mutex_) = 0;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_SLAB_H_
