// BPF maps for tests, with types made by hand.

#ifndef INLAY_TESTS_CAPTURE_TEST_MAP_H_
#define INLAY_TESTS_CAPTURE_TEST_MAP_H_

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::capture {

// BPF_MAP_TYPE_CGRP_STORAGE, which headers before Linux 6.2 do not have.
inline constexpr uint32_t kCgroupStorage = 32;

struct TestMapShape {
  uint32_t type = BPF_MAP_TYPE_SK_STORAGE;  // BPF_MAP_TYPE_*
  std::string name = "inlay_cap_test";
  uint32_t value_bytes = 100;
  uint32_t max_entries = 0;                  // of tables; keys have 8 bytes, in arrays 4
  std::optional<uint32_t> lock_offset = {};  // place of a bpf_spin_lock, a multiple of 4
};

struct TestMap {
  live_kernel::FileDescriptor fd = {};
  uint32_t id = 0;
};

// The value type is `struct cap_value`: "id" of 8 bytes and "fill" of the rest, or only "fill" if
// there is no room or a lock, "lock", is in the way. Throws std::system_error.
TestMap MakeTestMap(const TestMapShape& shape);

}  // namespace inlay::capture

#endif  // INLAY_TESTS_CAPTURE_TEST_MAP_H_
