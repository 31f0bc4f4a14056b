// The C interface of index maps: a value per owner, stored as an index of 2 to 16 bits inside the
// owner. The index names the value in a table that all owners share. C11, and valid C++.
//
//   struct connection { ...; uint16_t inlay_word; };   // zero: no value
//
//   inlay_store_options in_store = {.size = sizeof(in_store), .reserved_bits = 16};
//   inlay_map_options in_map = {.size = sizeof(in_map), .value_bytes = sizeof(struct policy),
//                               .width_bits = 10};
//   inlay_store_create(&in_store, &store);
//   inlay_map_create(store, &in_map, &policies);
//
//   inlay_owner owner = inlay_owner16(&connection->inlay_word);
//   inlay_update(policies, owner, &policy, sizeof(policy), INLAY_ANY);
//   inlay_read_lock();
//   const struct policy *found = inlay_get(policies, owner);
//   inlay_read_unlock();
//   inlay_owner_close(store, owner);   // before the connection is freed
//
// index_map.h, store.h and rcu.h, the C++ interface behind this one, say more about each function;
// emulated/value_map.h has the table of operation x state:
//
//   call                 | absent                         | present
//   ---------------------+--------------------------------+-------------------------------------
//   inlay_get            | NULL                           | the value
//   inlay_get_or_create  | inserts init, or zeroes if     | the value; init is ignored
//                        | init is NULL; returns it       |
//   inlay_update ANY     | 0: inserted                    | 0: replaced
//          ... NOEXIST   | 0: inserted                    | -EEXIST, value kept
//          ... EXIST     | -ENOENT                        | 0: replaced
//   inlay_modify         | -ENOENT                        | 0: the function ran on a copy, which is
//                        |                                | published
//   inlay_delete         | -ENOENT                        | 0
//
// inlay_replace() and inlay_replace_all() change a value for all its owners in one step.
//
// Results are 0 or a negative errno. -ENOMEM: the system has no memory, or a limit is reached;
// inlay_last_limit() says which. -EINVAL: a null pointer where a value, options or a place for a
// result is needed; a wrong size; an unknown flag; an owner without the bits of the map. After a
// failure nothing has changed.
//
// Equal bytes are equal values: clear a struct with padding (memset) before you fill it.
//
// A value that was got may be read to the end of the reader section in which it was got; its bytes
// do not change until then. All functions may be called by several threads at once, unless they say
// otherwise, and inside and outside of reader sections, unless they say "no reader section": those
// may wait for the end of all reader sections.

#ifndef INLAY_INLAY_H_
#define INLAY_INLAY_H_

#include <stddef.h>
#include <stdint.h>

#include "inlay/export.h"

// NOLINTBEGIN(readability-identifier-naming, modernize-use-using, modernize-use-nullptr): C
#ifdef __cplusplus
#define INLAY_NOEXCEPT noexcept
extern "C" {
#else
#define INLAY_NOEXCEPT
#endif

// Where inlay_read_lock() and inlay_read_unlock() are inlined: in C11, but ThreadSanitizer must see
// the library's side of a section.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define INLAY_SECTIONS_ARE_CALLS
#endif
#endif
#if !defined(__cplusplus) && __STDC_VERSION__ >= 201112L && defined(__GNUC_STDC_INLINE__) && \
    !defined(__SANITIZE_THREAD__) && !defined(INLAY_SECTIONS_ARE_CALLS)
#define INLAY_INLINES_SECTIONS
#endif

// Shared by the maps of one kind of owner: limits, and the bits in the owners.
typedef struct inlay_store inlay_store;
// One kind of value.
typedef struct inlay_map inlay_map;

// The words that an owner embeds for all maps of a store: one of 16 or 32 bits, or some of 64 bits.
// They are zero when the owner is new, and only the library writes to them afterwards. They must
// stay where they are: their address is the owner's identity.
typedef struct inlay_owner {
  void* words;
  uint32_t word_bits;
  uint32_t word_count;
} inlay_owner;

static inline inlay_owner inlay_owner16(uint16_t* word) INLAY_NOEXCEPT {
  inlay_owner owner;
  owner.words = word;
  owner.word_bits = 16;
  owner.word_count = 1;
  return owner;
}
static inline inlay_owner inlay_owner32(uint32_t* word) INLAY_NOEXCEPT {
  inlay_owner owner;
  owner.words = word;
  owner.word_bits = 32;
  owner.word_count = 1;
  return owner;
}
static inline inlay_owner inlay_owner64(uint64_t* words, uint32_t word_count) INLAY_NOEXCEPT {
  inlay_owner owner;
  owner.words = words;
  owner.word_bits = 64;
  owner.word_count = word_count;
  return owner;
}

// --- texts

// The name of a result, as in "ENOENT"; "OK" for 0, "?" for what no function here returns. Static.
INLAY_API const char* inlay_status_text(int result) INLAY_NOEXCEPT;

// What this thread's last call that returned -ENOMEM ran into.
enum inlay_limit {
  INLAY_LIMIT_SYSTEM = 0,   // the system had no memory, or no thread
  INLAY_LIMIT_BITS = 1,     // too few bits of the owners are free
  INLAY_LIMIT_INDEXES = 2,  // every index of the table is in use
  INLAY_LIMIT_TABLE = 3,    // inlay_store_options.table_limit_bytes
  INLAY_LIMIT_SPILL = 4,    // inlay_store_options.spill_limit_bytes
  INLAY_LIMIT_PENDING = 5,  // inlay_store_options.pending_limit_bytes
};
INLAY_API int inlay_last_limit(void) INLAY_NOEXCEPT;
// As in "ENOMEM, spill limit"; "?" for other numbers. Static.
INLAY_API const char* inlay_limit_text(int limit) INLAY_NOEXCEPT;

// --- reader sections (rcu.h)

// What inlined sections leave to calls.
INLAY_API void inlay_read_lock_slowly(void) INLAY_NOEXCEPT;
INLAY_API void inlay_read_unlock_slowly(void) INLAY_NOEXCEPT;
INLAY_API void inlay_wake_grace_period(void) INLAY_NOEXCEPT;

// Sections nest. Each lock needs its unlock on the same thread. From C11 on they are inlined, as
// ReadSection is in C++, but for a thread's first one and under ThreadSanitizer; the library has
// them as functions too.
#if !defined(INLAY_INLINES_SECTIONS)
INLAY_API void inlay_read_lock(void) INLAY_NOEXCEPT;
INLAY_API void inlay_read_unlock(void) INLAY_NOEXCEPT;
#else
// The words by which grace periods know of this thread's sections (rcu.h); null: the library's
// functions do it.
struct inlay_thread_reader {
  uint64_t* sections;
  const uint64_t* grace_period;
  const int32_t* waiter;
};
#define INLAY_SECTIONS_MASK 0xffffffffu
__attribute__((tls_model("initial-exec")))
INLAY_API extern _Thread_local struct inlay_thread_reader inlay_thread_reader;

// The fences are for the compiler. Those of the processor are in the grace period.
INLAY_API inline void inlay_read_lock(void) {
  uint64_t* const sections = inlay_thread_reader.sections;
  uint64_t open;
  if (__builtin_expect(sections == NULL, 0)) {
    inlay_read_lock_slowly();
    return;
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  open = __atomic_load_n(sections, __ATOMIC_RELAXED);
  if (__builtin_expect((open & INLAY_SECTIONS_MASK) == 0, 1)) {
    open = __atomic_load_n(inlay_thread_reader.grace_period, __ATOMIC_RELAXED);
    __atomic_store_n(sections, open, __ATOMIC_RELAXED);
  } else {
    __atomic_store_n(sections, open + 1, __ATOMIC_RELAXED);
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
INLAY_API inline void inlay_read_unlock(void) {
  uint64_t* const sections = inlay_thread_reader.sections;
  uint64_t open;
  if (__builtin_expect(sections == NULL, 0)) {
    inlay_read_unlock_slowly();
    return;
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  open = __atomic_load_n(sections, __ATOMIC_RELAXED);
  __atomic_store_n(sections, open - 1, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (__builtin_expect((open & INLAY_SECTIONS_MASK) == 1, 1) &&
      __builtin_expect(__atomic_load_n(inlay_thread_reader.waiter, __ATOMIC_RELAXED) == -1, 0)) {
    inlay_wake_grace_period();
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
#endif
// Waits until all reader sections have ended that existed at the call. No reader section.
INLAY_API void inlay_synchronize(void) INLAY_NOEXCEPT;

// --- options: set `size` to the size of the struct, and to zero what you have no wish for. A newer
// library takes an older program's shorter struct; an older library takes a longer one whose end is
// zero, and otherwise says -E2BIG.

// An update whose value finds no index fails with INLAY_LIMIT_SPILL; no owner gets a private value.
#define INLAY_STORE_NO_SPILL 1u

typedef struct inlay_store_options {
  size_t size;
  uint32_t reserved_bits;      // in each owner: 16, 32, or a multiple of 64; 0 = 16
  uint32_t word_bits;          // of the owners' words: 16, 32 or 64; 0 = as reserved_bits implies
  uint32_t flags;              // INLAY_STORE_...
  uint32_t zero;               // not used yet
  size_t table_limit_bytes;    // of the tables of all maps together; 0 = no limit
  size_t spill_limit_bytes;    // of the private values of all maps together; 0 = no limit
  size_t pending_limit_bytes;  // of what waits for readers; 0 = no limit
} inlay_store_options;

#define INLAY_MAP_CLONE 1u          // inlay_owner_clone() copies the values of this map
#define INLAY_MAP_NO_BACKGROUND 2u  // the library's thread does not work on this map
// inlay_replace() works. A value takes 16 bytes more, and what its alignment adds to them; a get
// loads one more pointer. No owner gets a private value: an update that finds no index fails.
#define INLAY_MAP_REPLACEABLE 4u

typedef struct inlay_map_options {
  size_t size;
  const char* name;      // for messages; copied; may be null
  uint32_t value_bytes;  // 1 .. 65407
  uint32_t width_bits;   // of an index: 2 .. 16; 0 = 16. So 2^width - 2 values have one at a time
  uint32_t alignment;    // of values: a power of two up to 4096; 0 = 8
  uint32_t flags;        // INLAY_MAP_...
} inlay_map_options;

// --- stores

// *store is unchanged on failure. -ENOMEM. No reader section.
INLAY_API int inlay_store_create(const inlay_store_options* options,
                                 inlay_store** store) INLAY_NOEXCEPT;
// All its maps must be destroyed. Null does nothing. No reader section; no other thread may use it.
INLAY_API void inlay_store_destroy(inlay_store* store) INLAY_NOEXCEPT;
// Releases all values of an owner that will be freed or used again. No other thread may create a
// value in it meanwhile. -EINVAL: it is no owner.
INLAY_API int inlay_owner_close(inlay_store* store, inlay_owner owner) INLAY_NOEXCEPT;
// Gives a new child, which no other thread sees, its parent's values of all maps with
// INLAY_MAP_CLONE. -ENOMEM: then it has no values.
INLAY_API int inlay_owner_clone(inlay_store* store, inlay_owner parent,
                                inlay_owner child) INLAY_NOEXCEPT;
// Gives memory back to the system after a burst, of all maps. Returns how many bytes. No reader
// section; no other thread may create or destroy a map meanwhile.
INLAY_API size_t inlay_store_trim(inlay_store* store) INLAY_NOEXCEPT;

// --- maps

// *map is unchanged on failure. -E2BIG: value_bytes is too large. -ENOMEM. No reader section.
INLAY_API int inlay_map_create(inlay_store* store, const inlay_map_options* options,
                               inlay_map** map) INLAY_NOEXCEPT;
// Its value is absent in all owners from then on. Null does nothing. No reader section; no other
// thread may use it.
INLAY_API void inlay_map_destroy(inlay_map* map) INLAY_NOEXCEPT;

// Creates or replaces the value, of the size of the map's values.
enum inlay_update_flag { INLAY_ANY = 0, INLAY_NOEXIST = 1, INLAY_EXIST = 2 };
INLAY_API int inlay_update(inlay_map* map, inlay_owner owner, const void* value, size_t value_bytes,
                           unsigned flag) INLAY_NOEXCEPT;
// The value, which is created first if it is absent. Null on failure; *result, if given, then says
// why, and otherwise is 0. In a reader section.
INLAY_API const void* inlay_get_or_create(inlay_map* map, inlay_owner owner, const void* init,
                                          int* result) INLAY_NOEXCEPT;
// Calls modify(copy of the value, its size, context), and replaces the value by the copy,
// atomically; again with a new copy if another thread was first. `modify` must return, and must not
// write to the same owner.
typedef void inlay_modify_function(void* value, size_t value_bytes, void* context);
INLAY_API int inlay_modify(inlay_map* map, inlay_owner owner, inlay_modify_function* modify,
                           void* context) INLAY_NOEXCEPT;
INLAY_API int inlay_delete(inlay_map* map, inlay_owner owner) INLAY_NOEXCEPT;

// Gives every owner of the value `from` the value `to`, at once, in the same time for any number of
// owners, as value_table.h says. -ENOENT: no owner has such a value. -EOPNOTSUPP: the map is not
// INLAY_MAP_REPLACEABLE. -ENOMEM: inlay_last_limit() is INLAY_LIMIT_TABLE, INLAY_LIMIT_PENDING or
// INLAY_LIMIT_SYSTEM.
INLAY_API int inlay_replace(inlay_map* map, const void* from, const void* to,
                            size_t value_bytes) INLAY_NOEXCEPT;
// Calls change(copy of a value, its size, context) once for each value that owners have, or again
// if another thread replaces that value meanwhile, and replaces the value by the copy if it returns
// other than 0. `change` must not block or call functions of this map. *replaced, if given, is the
// number of values that have other bytes now. Fails as inlay_replace(), at the first value that
// fails, and then leaves those before it replaced; without values it is 0.
typedef int inlay_change_function(void* value, size_t value_bytes, void* context);
INLAY_API int inlay_replace_all(inlay_map* map, inlay_change_function* change, void* context,
                                uint32_t* replaced) INLAY_NOEXCEPT;

// Makes room for so many values besides those that owners have, for a reload without spilled
// owners. -ENOMEM. No reader section.
INLAY_API int inlay_map_ensure_room(inlay_map* map, uint32_t new_values) INLAY_NOEXCEPT;
// Gives the indexes back of values that no owner has. Returns how many. No reader section.
INLAY_API uint32_t inlay_map_reclaim(inlay_map* map) INLAY_NOEXCEPT;
// As inlay_store_trim(), of one map. No reader section.
INLAY_API size_t inlay_map_trim(inlay_map* map) INLAY_NOEXCEPT;

// Set `size` before the call. A newer library fills an older program's shorter struct; an older
// library fills the rest of a longer one with zeroes. Counters begin with the map.
typedef struct inlay_map_statistics {
  size_t size;
  uint64_t values;               // that owners have, each counted once
  uint64_t unreferenced_values;  // that no owner has, and that can still be found
  uint64_t free_indexes;         // that a new value can have at once
  uint64_t spilled_owners;       // with a private value now
  uint64_t reclaimed;            // values that gave up their index
  uint64_t no_indexes;           // operations whose value got none
  uint64_t spilled;              // updates that made a private value
  uint64_t brought_home;         // owners that got an index for their private value without a write
  uint64_t no_memory;            // operations that failed with -ENOMEM
  uint64_t memory_bytes;         // of the table and of private values
} inlay_map_statistics;
// Takes no lock.
INLAY_API int inlay_map_get_statistics(const inlay_map* map,
                                       inlay_map_statistics* statistics) INLAY_NOEXCEPT;

// --- inlay_get

// The front of an inlay_map; constant. Only inlay_get() uses it.
struct inlay_map_front {
  const unsigned char* values;
  size_t stride_bytes;
  uint32_t plain_indexes;  // 0: replaceable
  uint32_t mask;
  uint32_t word;
  uint32_t shift;
  size_t replacement_offset;  // of the pointer to a value, behind its place; 0: not replaceable
  uint32_t end_bits;          // so many an owner embeds at least that has the bits of the map
};
INLAY_API const void* inlay_get_private(const inlay_map* map, inlay_owner owner) INLAY_NOEXCEPT;

// The value, or null if it is absent, or if the owner's words do not have the bits of the map.
// Takes no lock, and stores nothing to shared memory. In a reader section.
static inline const void* inlay_get(const inlay_map* map, inlay_owner owner) INLAY_NOEXCEPT {
  const struct inlay_map_front* front = (const struct inlay_map_front*)(const void*)map;
  uint64_t word;
  uint32_t code;
  if (owner.word_bits == 16) {
    if (__builtin_expect(front->end_bits > 16, 0)) return NULL;
    word = __atomic_load_n((const uint16_t*)owner.words, __ATOMIC_ACQUIRE);
  } else if (owner.word_bits == 32) {
    if (__builtin_expect(front->end_bits > 32, 0)) return NULL;
    word = __atomic_load_n((const uint32_t*)owner.words, __ATOMIC_ACQUIRE);
  } else {
    if (__builtin_expect(front->end_bits > (uint64_t)owner.word_count * 64, 0)) return NULL;
    word = __atomic_load_n((const uint64_t*)owner.words + front->word, __ATOMIC_ACQUIRE);
  }
  code = (uint32_t)(word >> front->shift) & front->mask;
  // 0 is absent, and becomes the largest number; the code behind the last index is a private value.
  if (__builtin_expect(code - 1 < front->plain_indexes, 1)) {
    return front->values + (size_t)code * front->stride_bytes;
  }
  if (code == 0) return NULL;
  if (front->replacement_offset != 0) {
    const unsigned char* const place = front->values + (size_t)code * front->stride_bytes;
    return __atomic_load_n((const void* const*)(const void*)(place + front->replacement_offset),
                           __ATOMIC_ACQUIRE);
  }
  return inlay_get_private(map, owner);
}

#ifdef __cplusplus
}
#endif
// NOLINTEND(readability-identifier-naming, modernize-use-using, modernize-use-nullptr)

#endif  // INLAY_INLAY_H_
