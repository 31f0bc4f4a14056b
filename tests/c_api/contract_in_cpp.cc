// The same, compiled as C++: the header is valid C++.

#include "tests/c_api/contract.c"  // NOLINT(bugprone-suspicious-include)
