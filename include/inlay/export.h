// INLAY_API: marks the functions of the public headers that are compiled into the library. A shared
// library exports these and nothing else.
//
// It stands before functions, not classes: the private functions of a class stay hidden, and
// compilers need not ask whether the types of its members are visible.
//
// INLAY_STATIC, which the CMake target of the static library defines: these functions are hidden
// too, so that a shared library that contains Inlay exports nothing of it.

#ifndef INLAY_EXPORT_H_
#define INLAY_EXPORT_H_

#if defined(INLAY_STATIC)
#define INLAY_API
#else
#define INLAY_API __attribute__((visibility("default")))
#endif

#endif  // INLAY_EXPORT_H_
