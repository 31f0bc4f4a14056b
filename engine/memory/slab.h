// Slab: an allocator for objects of one size, like the kernel's slab caches. Objects lie side by
// side in chunks, and a chunk returns to the system when its last object is freed.
//
// It emulates kmalloc() and kmem_cache_alloc(): objects have the kernel's sizes, alignment and
// neighbours, and a layout can report the memory that it takes.
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
  // Objects of `object_bytes` each. If that is a multiple of 64, objects are aligned to 64.
  explicit Slab(size_t object_bytes);
  // REQUIRES: every object is freed.
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // An object with undefined contents. Null without memory.
  void* Allocate() noexcept;
  // REQUIRES: `object` came from Allocate() of this slab.
  void Free(void* object) noexcept;

  // Gives the spare chunk back to the system. Returns its bytes; 0: there is none.
  size_t Trim() noexcept;

  size_t object_bytes() const { return object_bytes_; }
  // The number of allocated objects.
  size_t objects() const;
  // Mapped bytes that are in no object.
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
  const size_t first_object_;  // offset of the first object, behind the chunk's header
  const uint32_t objects_per_chunk_;

  mutable Mutex mutex_;
  Chunk* partial_ GUARDED_BY(mutex_) = nullptr;  // chunks with room
  Chunk* spare_ GUARDED_BY(mutex_) = nullptr;    // an empty chunk: saves mmap() calls
  size_t chunks_ GUARDED_BY(mutex_) = 0;
  size_t objects_ GUARDED_BY(mutex_) = 0;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_MEMORY_SLAB_H_
