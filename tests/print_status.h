// Makes a failed EXPECT_EQ of two Status values print ENOENT instead of a number.

#ifndef INLAY_TESTS_PRINT_STATUS_H_
#define INLAY_TESTS_PRINT_STATUS_H_

#include <ostream>

#include "inlay/status.h"

namespace inlay {

inline void PrintTo(Status status, std::ostream* out) { *out << StatusName(status); }

}  // namespace inlay

#endif  // INLAY_TESTS_PRINT_STATUS_H_
