// RuntimeConstant<Tag>: a 32-bit number that a program chooses once, when it starts, and that is
// then part of the instructions.
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
// Each use of a variable is a load from a cache line that may have been evicted. Load() instead
// moves an immediate into a register: one instruction, or two on AArch64, movz and movk. The
// compiler records where, and Set() writes the number into all these *places*.
//
// Each executable and each shared library (a *module*) has its own places and its own value: Set()
// changes those of the module that contains the call. (If two modules export the same inline
// function, both run the copy in one of them: set the constant in each module.) The tag, a type
// that may be incomplete, tells constants apart.
//
// How Set() changes code: it copies the pages that hold places, changes the copies, makes them
// executable and no longer writable, and only then puts each in the place of its original with one
// mremap(). No page is ever writable and executable at once, and there is no moment at which a page
// of code is missing. The pages are then anonymous memory instead of pages of the file. They are
// private to the process; a sampling profiler finds no symbols for them (a debugger does); uprobes
// do not fire in them; and AArch64 pages lose the guard of BTI.
//
// Available on Linux on x86-64 and little-endian AArch64, in ELF objects whose code is mapped
// readable, with GNU as 2.36 or clang 13 and later. Elsewhere, and wherever
// INLAY_RUNTIME_CONSTANT_LOADS is defined, Load() reads a variable and Set() writes it. Define it
// in all files of a module or in none. GNU ld, gold and LLVM's ld can link it, also with
// --gc-sections, which keeps a function with a Load() even if nothing calls it. Do not link with
// --icf: functions that load different constants are equal byte for byte, and after folding them
// Set() refuses the second constant.
//
// Tested on x86-64 with g++ 12 and clang 14, in executables that are position-independent or not
// and in a shared library. Tested the same way on AArch64, but only in qemu's user emulation, which
// has no instruction cache that could be stale; not on an AArch64 machine.
//
// Source: the idea, and the section that records the places, come from the Linux kernel's run-time
// constants (include/asm-generic/runtime-const.h and the files of the architectures). The kernel
// patches while its code is still writable; a process has to exchange pages as above.

#ifndef INLAY_RUNTIME_CONSTANT_H_
#define INLAY_RUNTIME_CONSTANT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "inlay/export.h"
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

// The result of Load() before Set(). Easy to recognise in a register or a disassembly ("set
// first"), and as an offset far outside of any object.
inline constexpr uint32_t kUnset = 0x5e7f1257;

#ifndef INLAY_RUNTIME_CONSTANT_LOADS

// An entry of the section in which Load() records its places. Position-independent: each member is
// the distance from its own address to its target.
struct Place {
  int32_t code;   // x86-64: the four bytes of the immediate. AArch64: the movz; a movk follows.
  int32_t value;  // RuntimeConstant::value_ of the constant
};

// The ends of this module's section, under the names that the linker gives them. Weak, because a
// module without places has no such section.
[[gnu::weak, gnu::visibility("hidden")]] extern const Place kPlacesBegin[] __asm__(
    "__start_inlay_runtime_constants");
[[gnu::weak, gnu::visibility("hidden")]] extern const Place kPlacesEnd[] __asm__(
    "__stop_inlay_runtime_constants");

// Implement the member functions of the same names, for the places of `value` in [begin, end).
INLAY_API Status Set(const Place* begin, const Place* end, std::atomic<uint32_t>* value,
                     uint32_t new_value) noexcept;
INLAY_API void ForEachPlace(const Place* begin, const Place* end,
                            const std::atomic<uint32_t>* value,
                            FunctionRef<void(const std::byte* code)> visit) noexcept;

// Follows the instructions of Load(). "?" puts the entry into the section group of its function, so
// that a linker that drops a copy of an inline function drops the copy's entries too. "R" protects
// the entry from --gc-sections: nothing refers to an entry by name, and a function without its
// entry would silently keep the old number.
#define INLAY_RUNTIME_CONSTANT_NOTE(code)                      \
  ".pushsection inlay_runtime_constants,\"aR?\",@progbits\n\t" \
  ".long " code                                                \
  " - .\n\t"                                                   \
  ".long %c[value] - .\n\t"                                    \
  ".popsection"

#endif  // INLAY_RUNTIME_CONSTANT_LOADS

}  // namespace runtime_constant_internal

// Hidden: with a visible symbol two modules would share a value_, or one would call the other's
// Set().
template <typename Tag>
class [[gnu::visibility("hidden")]] RuntimeConstant {
 public:
  RuntimeConstant() = delete;

  // The result of Load() before Set().
  static constexpr uint32_t kUnset = runtime_constant_internal::kUnset;

  // The number from the last Set(), or kUnset. Wait-free. Accesses no memory.
  //
  // Ordering: none. The compiler does not reorder a Load() and a Set() of one thread. A thread sees
  // the new number if it starts after Set() returned. So make the first Load() whose result matters
  // after Set(), in the same thread or in one that starts later.
  [[gnu::always_inline]] static uint32_t Load() noexcept {
#if defined(INLAY_RUNTIME_CONSTANT_LOADS)
    return value_.load(std::memory_order_relaxed);
#else
    // Volatile, so that the compiler does not merge two calls with a Set() between them.
    uint64_t number;
#if defined(__x86_64__)
    __asm__ volatile inline(
        // In both dialects of the assembler (-masm=intel). The immediate ends the instruction.
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
        // "S" is "i" that g++ also accepts in position-independent code.
        : [low] "i"(kUnset & 0xffff), [high] "i"(kUnset >> 16), [value] "S"(&value_));
#endif
    // The instructions clear the upper half, so a caller that adds the number to a pointer need
    // not.
    if (number >> 32 != 0) __builtin_unreachable();
    return static_cast<uint32_t>(number);
#endif
  }

  // Makes Load() return `value` everywhere in this module.
  //
  // kNotPermitted: the system forbids changes to code (the process has given up the right to make
  // memory executable, a security policy, sealed mappings), or a place does not hold the expected
  // instruction. kNoMemory: no memory, or too many mappings. After either, Load() returns the old
  // number in all places. To ensure that, Set() first exchanges every page for an identical one,
  // and exchanges them for changed ones only if all of that succeeded. (One case remains: between
  // two pages another thread takes the last mappings of the process or forbids the calls, and Set()
  // cannot exchange the changed pages back either. Then some places have the new value.)
  //
  // Thread-safety: calls of Set() and ForEachPlace() wait for each other.
  // REQUIRES: no other thread runs a Load() of this constant during the call. A Load() that runs
  // nevertheless returns the old or the new number, independently in each place; on AArch64 perhaps
  // half of each. Other threads may run other code in the same pages, which does not change. Not
  // for signal handlers.
  //
  // May be called again with any value. Each call copies the pages twice, unless the value is set
  // already.
  static Status Set(uint32_t value) noexcept {
#if defined(INLAY_RUNTIME_CONSTANT_LOADS)
    value_.store(value, std::memory_order_relaxed);
    return Status::kOk;
#else
    return runtime_constant_internal::Set(runtime_constant_internal::kPlacesBegin,
                                          runtime_constant_internal::kPlacesEnd, &value_, value);
#endif
  }

  // For tests: calls `visit` for every place of this module, in any order. On x86-64 `code` is the
  // immediate, four bytes; on AArch64 it is the movz, which the movk follows. Each copy of an
  // inline function is a place. Never calls `visit` where Load() reads a variable. `visit` must not
  // call Set() or ForEachPlace().
  static void ForEachPlace(FunctionRef<void(const std::byte* code)> visit) noexcept {
#if defined(INLAY_RUNTIME_CONSTANT_LOADS)
    static_cast<void>(visit);
#else
    runtime_constant_internal::ForEachPlace(runtime_constant_internal::kPlacesBegin,
                                            runtime_constant_internal::kPlacesEnd, &value_, visit);
#endif
  }

 private:
  // The number in the places. Its address identifies the constant.
  static inline constinit std::atomic<uint32_t> value_{kUnset};
};

#ifndef INLAY_RUNTIME_CONSTANT_LOADS
#undef INLAY_RUNTIME_CONSTANT_NOTE
#endif

}  // namespace inlay

#endif  // INLAY_RUNTIME_CONSTANT_H_
