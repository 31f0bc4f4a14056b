// INLAY_EMBED_OBJECT: carries an object file in the program.

#ifndef INLAY_ENGINE_LIVE_KERNEL_EMBEDDED_OBJECT_H_
#define INLAY_ENGINE_LIVE_KERNEL_EMBEDDED_OBJECT_H_

#include <cstddef>
#include <span>

// Defines `std::span<const std::byte> name()`, the bytes of the object file that the CMake function
// inlay_embedded_object() names for this source. At most once a source, outside of any namespace;
// `name` becomes a symbol of this source. Hidden, or a compiler for arm64 reads the addresses from
// the GOT, in which ld gives all local symbols of a section one entry.
#define INLAY_EMBED_OBJECT(name)                                                            \
  asm(".pushsection .rodata\n.balign 16\n" #name "_begin: .incbin \"" INLAY_EMBEDDED_OBJECT \
      "\"\n" #name "_end:\n.popsection\n");                                                 \
  extern "C" __attribute__((visibility("hidden"))) const std::byte name##_begin[];          \
  extern "C" __attribute__((visibility("hidden"))) const std::byte name##_end[];            \
  static std::span<const std::byte> name() { return {name##_begin, name##_end}; }

#endif  // INLAY_ENGINE_LIVE_KERNEL_EMBEDDED_OBJECT_H_
