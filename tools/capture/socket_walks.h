// SocketWalks: walks over the sockets of this machine by every way that leads to them: descriptors
// of all processes, and the TCP, UDP and UNIX sockets of every network namespace.
//
// Not thread-safe.

#ifndef INLAY_TOOLS_CAPTURE_SOCKET_WALKS_H_
#define INLAY_TOOLS_CAPTURE_SOCKET_WALKS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/walk/walk_programs.h"

namespace inlay::capture {

class SocketWalks {
 public:
  struct Options {
    // What the names of the programs in socket_walk.bpf.c begin with: "sockets".
    std::string programs = {};
    bool only_by_file = false;        // only the walk over descriptors
    bool over_storage = false;        // also over the elements of load.storage_map_fd
    WalkPrograms::Options load = {};  // all but the programs and the buffer
    size_t buffer_bytes = 0;
    std::function<bool()> stop = {};
  };

  // Loads the programs for the iterators that this kernel has. Fails as WalkPrograms::Load() does,
  // or if it has none of them.
  static absl::StatusOr<std::unique_ptr<SocketWalks>> Open(Options options);
  SocketWalks(const SocketWalks&) = delete;
  SocketWalks& operator=(const SocketWalks&) = delete;

  // "iter/task_file, iter/tcp".
  std::string Method() const;

  // Passes the record of each socket to `sink`, once, and says in *result what may be missing.
  // Returns the sums over all walks. Fails as CaptureSource::Take() does.
  absl::StatusOr<WalkProgress> Take(const ValueSink& sink, SnapshotResult* result);

 private:
  struct Walk {
    std::string iterator;
    std::string program;
  };

  explicit SocketWalks(Options options) : options_(std::move(options)) {}
  absl::Status ChooseWalks();
  absl::Status Load();
  absl::Status WalkNetNamespace(const WalkPrograms::OnRecord& on_record, WalkProgress* total);
  absl::Status WalkNetNamespaces(const WalkPrograms::OnRecord& on_record, SnapshotResult* result,
                                 WalkProgress* total);

  Options options_;
  std::vector<Walk> walks_;
  std::vector<std::string> gaps_;  // why every snapshot is incomplete
  std::unique_ptr<WalkPrograms> programs_;
};

}  // namespace inlay::capture

#endif  // INLAY_TOOLS_CAPTURE_SOCKET_WALKS_H_
