// Compiled twice by the test of the same name: it must compile as it is, and must not, with a text
// that a reader understands, when INLAY_TEST_PADDED gives the type padding.

#include "inlay/index_map.h"

struct Value {
  unsigned count;
#ifdef INLAY_TEST_PADDED
  char kind;  // three bytes of padding follow
#endif
};

std::unique_ptr<inlay::SharedMap<Value>> map;

int main() { return map == nullptr ? 0 : 1; }
