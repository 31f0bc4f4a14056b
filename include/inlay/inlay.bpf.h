// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Values of sockets for BPF programs, each different value once: the socket's mark holds the index
// of its value in an array. In place of BPF_MAP_TYPE_SK_STORAGE, on an unmodified kernel.
// docs/bpf.md explains it; this file declares maps and inline functions, and nothing else.
//
//   #include <linux/bpf.h>  // or vmlinux.h
//   #include <inlay/inlay.bpf.h>
//
//   struct policy { __u32 rate, priority; };
//   INLAY_MAP(policies, struct policy, 1000, 16);              // 10 bits, from bit 16 on
//   INLAY_MAP(classes, __u64, 30, INLAY_AFTER(policies));      // 5 bits, from bit 26 on
//
//   const struct policy* p = inlay_get(policies, sk);          // cgroup_skb, tc, and others
//   inlay_set(policies, ctx, &value);                          // sockops, connect, setsockopt
//
// Compile it with -mcpu=v3: new indexes come from an atomic operation that returns a value.
//
// A code is what the field in the mark holds: 0, no value; 1 to MOST, the index of a value; all
// ones, the value is in the socket's own storage (spilled), since all indexes were in use. It gets
// an index by the next set, or by INLAY_BRING_HOME() of inlay_programs.bpf.h.
//
// Rules:
// - A value type has at most 512 bytes, the kernel's limit for keys, and no padding: equal bytes
//   are equal values. Values do not change in place; to change one is to set another.
// - Only programs that may not sleep use a map: who reclaims indexes waits for such programs alone.
// - Nothing but these functions changes the map's bits of the mark.

#ifndef INLAY_INLAY_BPF_H_
#define INLAY_INLAY_BPF_H_

#include <bpf/bpf_helpers.h>

#include "inlay/bpf_map_state.h"

// INLAY_MAP(name, type, most, shift): a map of at most `most` different values (1 to 65,534), whose
// field begins at bit `shift` of the mark, a constant. The kernel's maps are
//
//   NAME                SK_STORAGE: the spilled values
//   NAME_codes          HASH: from the bytes of a value to its index
//   NAME_free           STACK: indexes that were in use, and are free
//   .data.NAME          ARRAY: the values; NAME_values in programs
//   .data.NAME_state    ARRAY: the description, counters and hints
#define INLAY_MAP(name, value_type, most, shift)                                           \
  enum { name##_inlay_shift = (shift) };                                                   \
  _Static_assert(name##_inlay_shift >= 0 && name##_inlay_shift + INLAY_WIDTH_(most) <= 32, \
                 "inlay: the field does not fit into the mark");                           \
  INLAY_MAP_(name, value_type, most, name##_inlay_shift, name##_inlay_shift, 0)

// The same, with bits that the loader allots: it sets `NAME_shift` in .rodata and `shift` in the
// state. A get has three instructions more.
#define INLAY_MAP_ALLOTTED(name, value_type, most)          \
  const volatile __u32 name##_inlay_shift = INLAY_NO_SHIFT; \
  INLAY_MAP_(name, value_type, most, name##_inlay_shift & 31, INLAY_NO_SHIFT, 0)

// The same as INLAY_MAP(), for maps in which programs of the packet path create values, see
// inlay_get_or_create_in_packet(). A get of a socket without an index calls bpf_sk_storage_get().
#define INLAY_MAP_OF_PACKETS(name, value_type, most, shift) \
  enum { name##_inlay_shift = (shift) };                    \
  INLAY_MAP_(name, value_type, most, name##_inlay_shift, name##_inlay_shift, INLAY_ANY_STORAGE)

// The same as INLAY_MAP(), for maps whose children shall have the listener's value of the time of
// their ACK, as with BPF_F_CLONE, instead of their SYN: with inlay_follow_listener(). A listener
// then has its value also in its own storage.
#define INLAY_MAP_CLONED(name, value_type, most, shift) \
  enum { name##_inlay_shift = (shift) };                \
  INLAY_MAP_(name, value_type, most, name##_inlay_shift, name##_inlay_shift, INLAY_CLONED)

// The first bit behind the field of another map.
#define INLAY_AFTER(name) (name##_inlay_shift + name##_inlay_width)

// The bits of a map in the mark; in a function.
#define INLAY_BITS(name) ((__u32)name##_inlay_mask << (name##_inlay_shift & 31))

// The value of `sk`, a full socket: `const type*`, null if it has none. The pointer is valid until
// the program ends. In cgroup_skb and tc, pass bpf_sk_fullsock(skb->sk), which may be null; in
// others, ctx->sk.
#define inlay_get(name, sk) name##_inlay_get(sk, (sk)->mark)

// The same for programs that see the kernel's socket: pass its sk_mark.
#define inlay_get_marked(name, sk, mark) name##_inlay_get(sk, mark)

// Gives the socket of `ctx` a value. For programs with `ctx->sk` and bpf_setsockopt(): sockops,
// cgroup/connect4 and its siblings, cgroup/setsockopt. 0, or a negative errno, after which the
// socket has its former value: ENOMEM, all indexes are in use and the socket's storage cannot grow.
// Sets the mark by SO_MARK if it changes, which makes the socket look up its route again.
#define inlay_set(name, ctx, value) name##_inlay_set(INLAY_MARKED_(ctx), (ctx)->sk, value)

// The same in cgroup/sock_create, where the context is the socket.
#define inlay_set_at_create(name, sk, value)                                 \
  ({                                                                         \
    const __u32 inlay_code_ = name##_inlay_place(sk, value);                 \
    if (inlay_code_) (sk)->mark = name##_inlay_put((sk)->mark, inlay_code_); \
    inlay_code_ ? 0 : -INLAY_ENOMEM_;                                        \
  })

// The same in iter/tcp: `sk` is the kernel's socket. Of a map of INLAY_MAP_CLONED(), a listener
// that has had no value yet keeps none for its children.
#define inlay_set_marked(name, sk, mark, value) name##_inlay_set_marked(sk, mark, value)

// Gives the socket of `ctx` the value with an index that a process has interned and holds. EINVAL
// if there is no such index. A map that only such programs write may have values that are read-only
// for programs (BPF_F_RDONLY_PROG).
#define inlay_set_index(name, ctx, index) \
  name##_inlay_set_index(INLAY_MARKED_(ctx), (ctx)->sk, index)
#define inlay_set_index_at_create(name, sk, index)                           \
  ({                                                                         \
    const __u32 inlay_code_ = name##_inlay_known(index);                     \
    if (inlay_code_) (sk)->mark = name##_inlay_put((sk)->mark, inlay_code_); \
    inlay_code_ ? 0 : -INLAY_EINVAL_;                                        \
  })

// The value of the socket of `ctx`; if it has none, sets `initial` first. Null without memory.
#define inlay_get_or_create(name, ctx, initial) \
  name##_inlay_get_or_create(INLAY_MARKED_(ctx), (ctx)->sk, initial)

// The same in the packet path, which cannot write a mark: the value goes to the socket's storage.
// For maps of INLAY_MAP_OF_PACKETS().
#define inlay_get_or_create_in_packet(name, sk, initial) \
  name##_inlay_get_or_create_in_packet(sk, (sk)->mark, initial)

// Takes the value of the socket of `ctx` away. 0, or a negative errno: ENOENT, it has none.
#define inlay_delete(name, ctx) name##_inlay_delete(INLAY_MARKED_(ctx), (ctx)->sk)

// For maps of INLAY_MAP_CLONED(), in sockops, for every operation: keeps a copy of the value of
// each socket that begins to listen, and gives that to its children, of the time of their ACK. 0,
// or a negative errno. A child keeps the value of its SYN if the listener has no copy: since it
// listened before the program was attached and has got no value since, or its value was taken away.
#define inlay_follow_listener(name, ctx) name##_inlay_follow(ctx, (ctx)->sk)

// --- below: no part of the interface ---

enum {
  INLAY_ENOENT_ = 2,
  INLAY_ENOMEM_ = 12,
  INLAY_EEXIST_ = 17,
  INLAY_EINVAL_ = 22,
  INLAY_LISTEN_ = 10,  // TCP_LISTEN
  INLAY_MOST_VALUE_BYTES_ = 512,
  INLAY_ATTEMPTS_ = 3,
};

// As in most architectures' asm/socket.h; the others define them before.
#ifndef INLAY_SOL_SOCKET
#define INLAY_SOL_SOCKET 1
#endif
#ifndef INLAY_SO_MARK
#define INLAY_SO_MARK 36
#endif

// What bpf_setsockopt() takes: in cgroup/setsockopt the socket, in others the context.
#define INLAY_MARKED_(ctx) _Generic((ctx), struct bpf_sockopt * : (void*)(ctx)->sk, default : (ctx))

// The bits for `most` indexes, 0 and all ones.
#define INLAY_WIDTH_(most) \
  ((most) <= 2       ? 2   \
   : (most) <= 6     ? 3   \
   : (most) <= 14    ? 4   \
   : (most) <= 30    ? 5   \
   : (most) <= 62    ? 6   \
   : (most) <= 126   ? 7   \
   : (most) <= 254   ? 8   \
   : (most) <= 510   ? 9   \
   : (most) <= 1022  ? 10  \
   : (most) <= 2046  ? 11  \
   : (most) <= 4094  ? 12  \
   : (most) <= 8190  ? 13  \
   : (most) <= 16382 ? 14  \
   : (most) <= 32766 ? 15  \
                     : 16)

// What each function of a map is. A program seldom uses all of them.
#define INLAY_FUNCTION_ static __always_inline __attribute__((unused))

// Whether two values are the same; in the largest words that their size and alignment allow.
#define INLAY_SAME_(name, word)                                                     \
  INLAY_FUNCTION_ int inlay_same_##name(const void* a, const void* b, __u32 size) { \
    for (__u32 i = 0; i < size / sizeof(word); ++i) {                               \
      if (((const word*)a)[i] != ((const word*)b)[i]) return 0;                     \
    }                                                                               \
    return 1;                                                                       \
  }
INLAY_SAME_(words, __u64)
INLAY_SAME_(halves, __u32)
INLAY_SAME_(bytes, __u8)
#define INLAY_IS_OF_(value_type, word) \
  (sizeof(value_type) % sizeof(word) == 0 && _Alignof(value_type) % sizeof(word) == 0)
#define INLAY_COMPARE_(value_type, a, b)                                           \
  (INLAY_IS_OF_(value_type, __u64)   ? inlay_same_words(a, b, sizeof(value_type))  \
   : INLAY_IS_OF_(value_type, __u32) ? inlay_same_halves(a, b, sizeof(value_type)) \
                                     : inlay_same_bytes(a, b, sizeof(value_type)))

// `site` is the shift in programs, `described` the shift in the state's initial value.
#define INLAY_MAP_(name, value_type, most, site, described, options)   \
  typedef value_type name##_inlay_value;                               \
  INLAY_MAP_SIZES_(name, most, options)                                \
  INLAY_MAP_MAPS_(name, name##_inlay_value, most)                      \
  INLAY_MAP_STATE_(name, name##_inlay_value, most, described, options) \
  INLAY_MAP_SITE_(name, site)                                          \
  INLAY_MAP_GET_(name, const name##_inlay_value)                       \
  INLAY_MAP_INTERN_(name, const name##_inlay_value)                    \
  INLAY_MAP_STORE_(name)                                               \
  INLAY_MAP_SET_(name, const name##_inlay_value)                       \
  struct name##_inlay_state /* takes the semicolon */

#define INLAY_MAP_SIZES_(name, most, options)                                            \
  enum {                                                                                 \
    name##_inlay_width = INLAY_WIDTH_(most),                                             \
    name##_inlay_mask = (1 << INLAY_WIDTH_(most)) - 1,                                   \
    name##_inlay_most = (most),                                                          \
    name##_inlay_any_storage = (options)&INLAY_ANY_STORAGE,                              \
    name##_inlay_cloned = ((options)&INLAY_CLONED) != 0,                                 \
  };                                                                                     \
  _Static_assert((most) >= 1 && (most) <= 65534, "inlay: a map has 1 to 65,534 values"); \
  _Static_assert(sizeof(name##_inlay_value) <= INLAY_MOST_VALUE_BYTES_,                  \
                 "inlay: a value has at most 512 bytes");

#define INLAY_MAP_MAPS_(name, value_type, most)         \
  struct {                                              \
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);              \
    __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE); \
    __type(key, int);                                   \
    __type(value, value_type);                          \
  } name SEC(".maps");                                  \
  struct {                                              \
    __uint(type, BPF_MAP_TYPE_HASH);                    \
    __uint(max_entries, most);                          \
    __type(key, value_type);                            \
    __type(value, __u32);                               \
  } name##_codes SEC(".maps");                          \
  struct {                                              \
    __uint(type, BPF_MAP_TYPE_STACK);                   \
    __uint(max_entries, most);                          \
    __uint(key_size, 0);                                \
    __uint(value_size, sizeof(__u32));                  \
  } name##_free SEC(".maps");                           \
  value_type name##_values[most] SEC(".data." #name);

#define INLAY_MAP_STATE_(name, value_type, most, described, options)               \
  struct name##_inlay_state {                                                      \
    struct inlay_map_state head;                                                   \
    __u32 held[most];                                                              \
    __u8 hints[most];                                                              \
  } name##_state SEC(".data." #name "_state") = {                                  \
      .head = {.magic = INLAY_STATE_MAGIC,                                         \
               .version = INLAY_STATE_VERSION,                                     \
               .value_bytes = sizeof(value_type),                                  \
               .most_values = (most),                                              \
               .shift = (described),                                               \
               .width = INLAY_WIDTH_(most),                                        \
               .flags = (options),                                                 \
               .held_offset = __builtin_offsetof(struct name##_inlay_state, held), \
               .hints_offset = __builtin_offsetof(struct name##_inlay_state, hints)}};

#define INLAY_MAP_SITE_(name, site)                                         \
  INLAY_FUNCTION_ __u32 name##_inlay_code(__u32 mark) {                     \
    return (mark >> (site)) & name##_inlay_mask;                            \
  }                                                                         \
  INLAY_FUNCTION_ __u32 name##_inlay_put(__u32 mark, __u32 code) {          \
    return (mark & ~((__u32)name##_inlay_mask << (site))) | code << (site); \
  }

// Keeps `place` in one register: or the compiler compares one copy and uses another, of which the
// verifier does not know the bounds.
#define INLAY_KEEP_(place) asm volatile("" : "+r"(place))

// One comparison excludes 0 and all ones at once, since 0 - 1 wraps around. In 64 bits, so that no
// instruction has to cut the difference down.
#define INLAY_MAP_GET_(name, value_type)                                       \
  INLAY_FUNCTION_ value_type* name##_inlay_get(void* sk, __u32 mark) {         \
    __u64 place = (__u64)name##_inlay_code(mark) - 1;                          \
    INLAY_KEEP_(place);                                                        \
    if (place < name##_inlay_most) return &name##_values[place];               \
    if (place != name##_inlay_mask - 1 && !name##_inlay_any_storage) return 0; \
    return bpf_sk_storage_get(&name, sk, 0, 0);                                \
  }

// known: the index, if there is such an index, else 0. take: a free index, or 0. intern: the index
// of a value, or 0 if none is left. Beside deletions, a lookup in a hash map may return the element
// of another key (Linux 7.3, kernel/bpf/hashtab.c: freed elements are reused at once), so the value
// behind the index decides.
#define INLAY_MAP_INTERN_(name, value_type)                                                      \
  INLAY_FUNCTION_ __u32 name##_inlay_known(__u64 index) {                                        \
    __u64 place = index - 1;                                                                     \
    INLAY_KEEP_(place);                                                                          \
    if (place >= name##_inlay_most) return 0;                                                    \
    if (!name##_state.hints[place]) name##_state.hints[place] = INLAY_HINT_SET;                  \
    return place + 1;                                                                            \
  }                                                                                              \
  INLAY_FUNCTION_ __u32 name##_inlay_take(void) {                                                \
    __u32 code = 0;                                                                              \
    if (bpf_map_pop_elem(&name##_free, &code) == 0) return code;                                 \
    if (*(volatile __u64*)&name##_state.head.next >= name##_inlay_most) return 0;                \
    const __u64 used = __sync_fetch_and_add(&name##_state.head.next, 1);                         \
    return used < name##_inlay_most ? used + 1 : 0;                                              \
  }                                                                                              \
  INLAY_FUNCTION_ __u32 name##_inlay_intern(value_type* value) {                                 \
    for (int attempt = 0; attempt < INLAY_ATTEMPTS_; ++attempt) {                                \
      const __u32* const found = bpf_map_lookup_elem(&name##_codes, value);                      \
      if (found) {                                                                               \
        __u64 place = (__u64)*found - 1;                                                         \
        INLAY_KEEP_(place);                                                                      \
        if (place < name##_inlay_most &&                                                         \
            INLAY_COMPARE_(value_type, &name##_values[place], value)) {                          \
          return name##_inlay_known(place + 1);                                                  \
        }                                                                                        \
      }                                                                                          \
      __u32 code = name##_inlay_take();                                                          \
      __u64 place = (__u64)code - 1;                                                             \
      INLAY_KEEP_(place);                                                                        \
      if (place >= name##_inlay_most) return 0;                                                  \
      name##_values[place] = *value;                                                             \
      name##_state.hints[place] = INLAY_HINT_SET;                                                \
      /* Its result is used, so this is a full barrier: the value precedes its index. */         \
      __u64 count = __sync_fetch_and_add(&name##_state.head.interned, 1);                        \
      asm volatile("" : "+r"(count) : : "memory");                                               \
      const long error = bpf_map_update_elem(&name##_codes, value, &code, BPF_NOEXIST);          \
      if (!error) return code;                                                                   \
      /* Nobody has seen the index, so it is free at once. */                                    \
      name##_state.hints[place] = INLAY_HINT_FREE;                                               \
      if (bpf_map_push_elem(&name##_free, &code, 0)) name##_state.hints[place] = INLAY_HINT_SET; \
      if (error != -INLAY_EEXIST_) return 0;                                                     \
    }                                                                                            \
    return 0;                                                                                    \
  }

// place: the code for a value, which the socket's storage has if that is all ones; 0, no memory.
// store: puts a code into the mark. A child of a listener has the mark of the time of its SYN and
// the storage of the time of its ACK, so a listener keeps a storage that it had.
#define INLAY_MAP_STORE_(name)                                                                    \
  INLAY_FUNCTION_ __u32 name##_inlay_place(void* sk, const name##_inlay_value* value) {           \
    const __u32 code = name##_inlay_intern(value);                                                \
    if (code) return code;                                                                        \
    name##_inlay_value* const own =                                                               \
        bpf_sk_storage_get(&name, sk, (void*)value, BPF_SK_STORAGE_GET_F_CREATE);                 \
    if (!own) return 0;                                                                           \
    *own = *value;                                                                                \
    __sync_fetch_and_add(&name##_state.head.spilled, 1);                                          \
    return name##_inlay_mask;                                                                     \
  }                                                                                               \
  INLAY_FUNCTION_ int name##_inlay_mark(void* ctx, __u32 mark, __u32 code) {                      \
    __u32 changed = name##_inlay_put(mark, code);                                                 \
    if (changed == mark) return 0;                                                                \
    return bpf_setsockopt(ctx, INLAY_SOL_SOCKET, INLAY_SO_MARK, &changed, sizeof(changed));       \
  }                                                                                               \
  /* Of a map of INLAY_MAP_CLONED(): the copy of a listener, for its children. It is replaced,  \
     and not written over: the kernel may be copying it. place() has written a spilled one. */ \
  INLAY_FUNCTION_ int name##_inlay_keep_copy(void* sk, __u64 code) {                              \
    __u64 place = code - 1;                                                                       \
    INLAY_KEEP_(place);                                                                           \
    if (place == name##_inlay_mask - 1) return 0;                                                 \
    bpf_sk_storage_delete(&name, sk);                                                             \
    if (place >= name##_inlay_most) return 0;                                                     \
    return bpf_sk_storage_get(&name, sk, (void*)&name##_values[place],                            \
                              BPF_SK_STORAGE_GET_F_CREATE)                                        \
               ? 0                                                                                \
               : -INLAY_ENOMEM_;                                                                  \
  }                                                                                               \
  INLAY_FUNCTION_ int name##_inlay_store(void* ctx, struct bpf_sock* sk, __u32 code) {            \
    const __u32 mark = sk->mark;                                                                  \
    const int listens = sk->state == INLAY_LISTEN_;                                               \
    if (name##_inlay_cloned && listens && name##_inlay_keep_copy(sk, code)) {                     \
      return -INLAY_ENOMEM_;                                                                      \
    }                                                                                             \
    const int error = name##_inlay_mark(ctx, mark, code);                                         \
    if (error || code == name##_inlay_mask || listens) return error;                              \
    if (name##_inlay_code(mark) == name##_inlay_mask || name##_inlay_any_storage) {               \
      bpf_sk_storage_delete(&name, sk);                                                           \
    }                                                                                             \
    return 0;                                                                                     \
  }

#define INLAY_MAP_SET_(name, value_type)                                                    \
  INLAY_FUNCTION_ int name##_inlay_set(void* ctx, struct bpf_sock* sk, value_type* value) { \
    if (!sk) return -INLAY_ENOENT_;                                                         \
    const __u32 code = name##_inlay_place(sk, value);                                       \
    return code ? name##_inlay_store(ctx, sk, code) : -INLAY_ENOMEM_;                       \
  }                                                                                         \
  INLAY_FUNCTION_ int name##_inlay_set_marked(void* sk, __u32 mark, value_type* value) {    \
    const __u32 code = name##_inlay_place(sk, value);                                       \
    if (!code) return -INLAY_ENOMEM_;                                                       \
    if (name##_inlay_cloned && bpf_sk_storage_get(&name, sk, 0, 0) &&                       \
        name##_inlay_keep_copy(sk, code)) {                                                 \
      return -INLAY_ENOMEM_;                                                                \
    }                                                                                       \
    return name##_inlay_mark(sk, mark, code);                                               \
  }                                                                                         \
  INLAY_FUNCTION_ int name##_inlay_set_index(void* ctx, struct bpf_sock* sk, __u32 index) { \
    if (!sk) return -INLAY_ENOENT_;                                                         \
    const __u32 code = name##_inlay_known(index);                                           \
    return code ? name##_inlay_store(ctx, sk, code) : -INLAY_EINVAL_;                       \
  }                                                                                         \
  INLAY_FUNCTION_ value_type* name##_inlay_get_or_create(void* ctx, struct bpf_sock* sk,    \
                                                         value_type* initial) {             \
    if (!sk) return 0;                                                                      \
    value_type* const value = name##_inlay_get(sk, sk->mark);                               \
    if (value) return value;                                                                \
    if (name##_inlay_set(ctx, sk, initial)) return 0;                                       \
    return name##_inlay_get(sk, sk->mark);                                                  \
  }                                                                                         \
  INLAY_FUNCTION_ value_type* name##_inlay_get_or_create_in_packet(                         \
      struct bpf_sock* sk, __u32 mark, value_type* initial) {                               \
    value_type* const value = name##_inlay_get(sk, mark);                                   \
    if (value || !name##_inlay_any_storage) return value;                                   \
    return bpf_sk_storage_get(&name, sk, (void*)initial, BPF_SK_STORAGE_GET_F_CREATE);      \
  }                                                                                         \
  INLAY_FUNCTION_ int name##_inlay_delete(void* ctx, struct bpf_sock* sk) {                 \
    if (!sk || !name##_inlay_get(sk, sk->mark)) return -INLAY_ENOENT_;                      \
    return name##_inlay_store(ctx, sk, 0);                                                  \
  }                                                                                         \
  INLAY_FUNCTION_ int name##_inlay_follow(struct bpf_sock_ops* ctx, struct bpf_sock* sk) {  \
    if (!sk) return 0;                                                                      \
    if (ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB) {                                            \
      return name##_inlay_keep_copy(sk, name##_inlay_code(sk->mark));                       \
    }                                                                                       \
    if (ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) return 0;                           \
    value_type* const copy = bpf_sk_storage_get(&name, sk, 0, 0);                           \
    if (!copy) return 0;                                                                    \
    value_type* const value = name##_inlay_get(sk, sk->mark);                               \
    /* A spilled one may have an index by now. */                                           \
    if (!value || value == copy || !INLAY_COMPARE_(name##_inlay_value, value, copy)) {      \
      const int error = name##_inlay_set(ctx, sk, copy);                                    \
      if (error) return error;                                                              \
    }                                                                                       \
    if (name##_inlay_code(sk->mark) == name##_inlay_mask) return 0;                         \
    bpf_sk_storage_delete(&name, sk);                                                       \
    return 0;                                                                               \
  }

#endif  // INLAY_INLAY_BPF_H_
