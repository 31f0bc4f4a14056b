#include "inlay/reference_count.h"

namespace inlay::reference_internal {

thread_local constinit ThisThread this_thread;

}  // namespace inlay::reference_internal
