// CHECK() and friends: print what is not so, and count it. C and C++.

#ifndef INLAY_TESTS_C_API_CHECK_H_
#define INLAY_TESTS_C_API_CHECK_H_

#include <stdio.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) {                                              \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                    \
    }                                                                \
  } while (0)

#define CHECK_EQUAL(found, expected)                                                        \
  do {                                                                                      \
    const long long found_ = (long long)(found);                                            \
    const long long expected_ = (long long)(expected);                                      \
    if (found_ != expected_) {                                                              \
      printf("%s:%d: %s is %lld, not %s\n", __FILE__, __LINE__, #found, found_, #expected); \
      ++failures;                                                                           \
    }                                                                                       \
  } while (0)

#define CHECK_TEXT(found, expected)                                                            \
  do {                                                                                         \
    const char* const found_ = (found);                                                        \
    if (strcmp(found_, (expected)) != 0) {                                                     \
      printf("%s:%d: %s is '%s', not '%s'\n", __FILE__, __LINE__, #found, found_, (expected)); \
      ++failures;                                                                              \
    }                                                                                          \
  } while (0)

#endif  // INLAY_TESTS_C_API_CHECK_H_
