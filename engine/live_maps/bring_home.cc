// LiveCollector: brings sockets with a value of their own home, by the programs of
// INLAY_BRING_HOME(). inlay_programs.bpf.h says why no value is lost.

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_maps/census.h"
#include "engine/live_maps/collector_mutation.h"
#include "engine/live_maps/kernel_maps.h"
#include "inlay/live_collector.h"

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

// One walk over the TCP sockets of this thread's namespace. The program prints a byte for each
// socket that it has changed.
Status WalkOnce(int link, uint32_t* changed) {
  const FileDescriptor walk(bpf_iter_create(link));
  if (!walk.ok()) return StatusOfErrno(errno);
  // Smaller than the kernel's own buffer, which so never overflows: or it would run the program for
  // a socket again.
  std::array<char, 4096> printed;
  for (;;) {
    const ssize_t size = read(walk.get(), printed.data(), printed.size());
    if (size == 0) return Status::kOk;
    if (size > 0) *changed += static_cast<uint32_t>(size);
    // EAGAIN: the kernel pauses after a million objects (Linux 6.12, kernel/bpf/bpf_iter.c).
    if (size < 0 && errno != EAGAIN && errno != EINTR) return StatusOfErrno(errno);
  }
}

}  // namespace

Status LiveCollector::WalkHome(size_t program, std::vector<uint32_t>* counts) const {
  counts->assign(maps_.size(), 0);
  std::vector<FileDescriptor> links(maps_.size());
  for (size_t i = 0; i < maps_.size(); ++i) {
    const FileDescriptor& loaded = maps_[i]->maps_->home[program];
    if (!loaded.ok()) continue;
    links[i] = FileDescriptor(bpf_link_create(loaded.get(), 0, BPF_TRACE_ITER, nullptr));
    if (!links[i].ok()) return StatusOfErrno(errno);
  }
  return census_->InEveryNamespace([&] {
    for (size_t i = 0; i < maps_.size(); ++i) {
      if (!links[i].ok()) continue;
      const Status status = WalkOnce(links[i].get(), &(*counts)[i]);
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  });
}

bool LiveCollector::WaitForChanges() const {
  constexpr auto kPause = std::chrono::milliseconds(1);
  int attempts_left = 1000;
  for (const LiveMap* map : maps_) {
    while (map->maps_->changing().load() != 0) {
      if (attempts_left-- == 0) return false;
      std::this_thread::sleep_for(kPause);
    }
  }
  return true;
}

Status LiveCollector::BringHome(Report* report) const {
  const bool can = std::any_of(maps_.begin(), maps_.end(), [](const LiveMap* map) {
    const auto& home = map->maps_->home;
    return std::all_of(home.begin(), home.end(), [](const auto& fd) { return fd.ok(); });
  });
  if (!can) return Status::kOk;
  const CollectorMutation* const mutation = options_.mutation;
  if (mutation != nullptr && mutation->before_home_walks) mutation->before_home_walks();
  std::vector<uint32_t> counts;
  Status status = WalkHome(0, &counts);
  for (size_t i = 0; i < counts.size(); ++i) report->maps[i].came_home = counts[i];
  if (status != Status::kOk) return status;
  if (mutation != nullptr && mutation->between_home_walks) mutation->between_home_walks();
  // Programs that have read a former mark still need the storages, and processes may write it back.
  // Without an end of these, the storages stay for another pass.
  status = GracePeriod();
  if (status != Status::kOk || !WaitForChanges()) return status;
  return WalkHome(1, &counts);
}

}  // namespace inlay
