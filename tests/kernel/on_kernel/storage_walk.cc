#include "tests/kernel/on_kernel/storage_walk.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/live_kernel/hidden_fd.h"
#include "tests/kernel/on_kernel/storage_program.h"

namespace inlay::bpf_script {

int WalkStorage(int map_fd, uint32_t value_bytes, int target, std::vector<HeldValue>* values) {
  const live_kernel::HiddenFd program = LoadWalkProgram(value_bytes, target);
  bpf_iter_link_info walked = {};
  walked.map.map_fd = static_cast<uint32_t>(map_fd);
  bpf_link_create_opts options = {};
  options.sz = sizeof(options);
  options.iter_info = &walked;
  options.iter_info_len = sizeof(walked);
  const live_kernel::HiddenFd link(bpf_link_create(program.get(), 0, BPF_TRACE_ITER, &options),
                                   "cannot make an iterator");
  const live_kernel::HiddenFd walk(bpf_iter_create(link.get()), "cannot start an iterator");
  constexpr size_t kReadBytes = 1 << 16;
  Bytes records;
  for (;;) {
    const size_t before = records.size();
    records.resize(before + kReadBytes);
    const ssize_t got = read(walk.get(), records.data() + before, kReadBytes);
    if (got < 0 && errno != EAGAIN) return errno;
    records.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
  }
  const size_t record_bytes = sizeof(uint64_t) + value_bytes;
  for (size_t at = 0; at + record_bytes <= records.size(); at += record_bytes) {
    const auto value = records.begin() + static_cast<ptrdiff_t>(at + sizeof(uint64_t));
    HeldValue& held = values->emplace_back(0, Bytes(value, value + value_bytes));
    std::memcpy(&held.first, records.data() + at, sizeof(uint64_t));
  }
  return 0;
}

}  // namespace inlay::bpf_script
