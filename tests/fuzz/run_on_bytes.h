// The body of a fuzz target, shared by libFuzzer (fuzz_main.cc) and by the replay of the kept
// corpus (corpus_replay_test.cc).

#ifndef INLAY_TESTS_FUZZ_RUN_ON_BYTES_H_
#define INLAY_TESTS_FUZZ_RUN_ON_BYTES_H_

#include <cstddef>
#include <cstdint>

namespace inlay {

// Runs one input; aborts with a message if a promise is broken.
void RunOnBytes(const uint8_t* data, size_t size);

}  // namespace inlay

#endif  // INLAY_TESTS_FUZZ_RUN_ON_BYTES_H_
