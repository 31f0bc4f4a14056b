#include "tests/fuzz/run_on_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  inlay::RunOnBytes(data, size);
  return 0;
}
