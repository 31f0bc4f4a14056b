// RuntimeConstant<Tag>: a 32-bit number that is chosen once, when the program starts, and then
// stands in the instructions themselves.
//
//   using TailOffset = inlay::RuntimeConstant<struct TailOffsetTag>;
//
//   inline std::byte* Tail(Socket* socket) {          // in a header, in any number of .cc files
//     return reinterpret_cast<std::byte*>(socket) + TailOffset::Load();
//   }
//
//   int main() {
//     if (TailOffset::Set(1024) != inlay::Status::kOk) ...   // before anything calls Tail()
//   }
//
// A variable would do, but each use of it is a load, from a cache line that something else may have
// driven out. Load() is one move of an immediate into a register (two on AArch64, movz and movk);
// the compiler notes where, and Set() writes the number into all these *places*.
//
// Each executable and each shared library (a *module*) has places and a value of its own: Set()
// changes those of the module that it is compiled into. (An inline function that two modules export
// runs in one of them for both, as any inline function does: set the constant in each module.)
// Places are told apart by the tag, a type that need not be complete.
//
// How Set() changes code: it copies the pages that hold places, changes the copies, makes them
// executable and no longer writable, and only then puts each in the place of its original with one
// mremap(). No page is ever writable and executable at once, and there is no moment at which a page
// of code is missing. The pages are then anonymous memory and no longer pages of the file: they are
// private to the process, a sampling profiler finds no symbols for them (a debugger does), uprobes
// do not fire in them, and an AArch64 page that the system guards (BTI) is guarded no more.
//
// Where it is available: Linux on x86-64 and on little-endian AArch64, in ELF objects whose code is
// mapped readable, assembled by GNU as 2.36 or clang 13 and later. Elsewhere, and everywhere if
// INLAY_RUNTIME_CONSTANT_LOADS is defined (then in all of a module's files or in none), Load()
// reads a variable and Set() writes it. GNU ld, gold and LLVM's ld link it, also with --gc-sections
// (which keeps a function with a Load() even if nothing calls it), but not with --icf: functions
// that load different constants are equal byte for byte, and once they are one, Set() refuses the
// second constant.
//
// How it is checked: on x86-64 by running it, with g++ 12 and clang 14, as executables that are
// position-independent or not and as a shared library; on AArch64 the same in qemu's user
// emulation, which has no instruction cache that could be stale. Not on an AArch64 machine.
//
// Source: the idea, and the noting of places in a section, are those of the Linux kernel's run-time
// constants (include/asm-generic/runtime-const.h and the architectures' own). The kernel patches
// while its code is still writable; a process has to do it as above.

#ifndef INLAY_RUNTIME_CONSTANT_H_
#define INLAY_RUNTIME_CONSTANT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "inlay/function_ref.h"
#include "inlay/status.h"

#if !defined(__linux__) || !defined(__ELF__) || !defined(__LP64__) || \
    !(defined(__x86_64__) || defined(__AARCH64EL__))
#ifndef INLAY_RUNTIME_CONSTANT_LOADS
#define INLAY_RUNTIME_CONSTANT_LOADS
#endif
#endif

namespace inlay {

namespace runtime_constant_internal {

// What Load() returns before Set(). Recognisable in a register or in a disassembly ("set first"),
// and as an offset far outside of any object.
inline constexpr uint32_t kUnset = 0x5e7f1257;

#ifndef INLAY_RUNTIME_CONSTANT_LOADS

// An entry of the section in which Load() notes its places, position-independent: what each member
// names lies at the member's own address plus its value.
struct Place {
  int32_t code;   // x86-64: the four bytes of the immediate. AArch64: the movz; a movk follows.
  int32_t value;  // RuntimeConstant::value_, which says whose place it is
};

// The section of this module, by the names that the linker gives to its ends. Weak, because there
// is no such section in a module without places.
[[gnu::weak, gnu::visibility("hidden")]] extern const Place kPlacesBegin[] __asm__(
    "__start_inlay_runtime_constants");
[[gnu::weak, gnu::visibility("hidden")]] extern const Place kPlacesEnd[] __asm__(
    "__stop_inlay_runtime_constants");

// The work of the member functions of the same names, for the places in [begin, end) that are
// `value`'s.
Status Set(const Place* begin, const Place* end, std::atomic<uint32_t>* value,
           uint32_t new_value) noexcept;
void ForEachPlace(const Place* begin, const Place* end, const std::atomic<uint32_t>* value,
                  FunctionRef<void(const std::byte* code)> visit) noexcept;

// Appended to the instructions of Load(). "?" puts the entry into the group of the function that it
// is in, so that a linker which drops all but one copy of an inline function drops their entries
// too. "R" keeps it from --gc-sections: nothing refers to an entry by name, and a function without
// its entry would keep its old number unnoticed.
#define INLAY_RUNTIME_CONSTANT_NOTE(code)                      \
  ".pushsection inlay_runtime_constants,\"aR?\",@progbits\n\t" \
  ".long " code                                                \
  " - .\n\t"                                                   \
  ".long %c[value] - .\n\t"                                    \
  ".popsection"

#endif  // INLAY_RUNTIME_CONSTANT_LOADS

}  // namespace runtime_constant_internal

// Hidden: a symbol that is visible across modules would make two of them share a value_, or make
// one call the other's Set().
template <typename Tag>
class [[gnu::visibility("hidden")]] RuntimeConstant {
 public:
  RuntimeConstant() = delete;

  // What Load() returns before Set().
  static constexpr uint32_t kUnset = runtime_constant_internal::kUnset;

  // The number that Set() was last given, or kUnset. Wait-free, touches no memory.
  //
  // Ordering: none. The compiler leaves a Load() and a Set() of one thread in their order. A thread
  // sees the new number if it was started after Set() returned; the first Load() whose result
  // matters comes after Set(), in the same thread or in one that is started later.
  [[gnu::always_inline]] static uint32_t Load() noexcept {
#if defined(INLAY_RUNTIME_CONSTANT_LOADS)
    return value_.load(std::memory_order_relaxed);
#else
    // Volatile: of two calls with a Set() between them, neither may stand for the other.
    uint64_t number;
#if defined(__x86_64__)
    __asm__ volatile inline(
        // In both of the assembler's dialects (-masm=intel). The immediate ends the instruction.
        "{movl $%c[unset], %k[number]|mov %k[number], %c[unset]}\n"
        "1:\n\t"  //
        INLAY_RUNTIME_CONSTANT_NOTE("1b - 4")
        : [number] "=r"(number)
        : [unset] "i"(kUnset), [value] "i"(&value_));
#else
    __asm__ volatile inline(
        "1:\n\t"
        "movz %w[number], #%c[low]\n\t"
        "movk %w[number], #%c[high], lsl #16\n\t"  //
        INLAY_RUNTIME_CONSTANT_NOTE("1b")
        : [number] "=r"(number)
        // "S" as "i", but for g++ also in position-independent code.
        : [low] "i"(kUnset & 0xffff), [high] "i"(kUnset >> 16), [value] "S"(&value_));
#endif
    // The instructions clear the upper half. Who adds the number to a pointer need not do it again.
    if (number >> 32 != 0) __builtin_unreachable();
    return static_cast<uint32_t>(number);
#endif
  }

  // Makes Load() return `value` from now on, everywhere in this module.
  //
  // kNotPermitted: the system does not let code be changed (a process that has given up making
  // memory executable, a security policy, sealed mappings), or a place does not hold what was put
  // there. kNoMemory: no memory, or too many mappings. After either, Load() returns in all places
  // what it did before; to be sure of that, every page is first exchanged for an equal one, and
  // only when that has worked for all of them for a changed one. (Left is this: another thread
  // takes the last mappings of the process, or forbids the calls, between two pages, and keeps the
  // changed ones from being exchanged back as well. Then some places have the new value.)
  //
  // Thread-safety: calls of Set() and ForEachPlace() wait for each other.
  // REQUIRES: no other thread runs a Load() of this constant during the call. One that does so all
  // the same gets the old number or the new one, at one place this and at another that; on AArch64
  // perhaps the low half of one and the high half of the other. Other code in the same pages may
  // run: it does not change. Not for signal handlers.
  //
  // May be called again, with any value; each time costs a copy of the pages, twice. To name the
  // value that is set already costs nothing.
  static Status Set(uint32_t value) noexcept {
#if defined(INLAY_RUNTIME_CONSTANT_LOADS)
    value_.store(value, std::memory_order_relaxed);
    return Status::kOk;
#else
    return runtime_constant_internal::Set(runtime_constant_internal::kPlacesBegin,
                                          runtime_constant_internal::kPlacesEnd, &value_, value);
#endif
  }

  // For tests: calls `visit` for every place of this module, in no particular order. On x86-64
  // `code` is the immediate, four bytes; on AArch64 it is the movz, which the movk follows. An
  // inline function has one place, or as many as the compiler made copies of it. Never calls
  // `visit` where Load() reads a variable. `visit` must not call Set() or ForEachPlace().
  static void ForEachPlace(FunctionRef<void(const std::byte* code)> visit) noexcept {
#if defined(INLAY_RUNTIME_CONSTANT_LOADS)
    static_cast<void>(visit);
#else
    runtime_constant_internal::ForEachPlace(runtime_constant_internal::kPlacesBegin,
                                            runtime_constant_internal::kPlacesEnd, &value_, visit);
#endif
  }

 private:
  // What the places hold; tells them from other constants' places, too.
  static inline constinit std::atomic<uint32_t> value_{kUnset};
};

#ifndef INLAY_RUNTIME_CONSTANT_LOADS
#undef INLAY_RUNTIME_CONSTANT_NOTE
#endif

}  // namespace inlay

#endif  // INLAY_RUNTIME_CONSTANT_H_
