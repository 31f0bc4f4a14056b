// The test of the same name compiles this file twice. It must compile as it is. With
// INLAY_TEST_PADDED, which gives the type padding, it must fail with a clear message.

#include "inlay/shared_map.h"

struct Value {
  unsigned count;
#ifdef INLAY_TEST_PADDED
  char kind;  // three bytes of padding follow
#endif
};

std::unique_ptr<inlay::SharedMap<Value>> map;

int main() { return map == nullptr ? 0 : 1; }
