// CensusPrograms: the programs of census.bpf.c in the kernel, and their maps.

#ifndef INLAY_ENGINE_LIVE_MAPS_CENSUS_PROGRAMS_H_
#define INLAY_ENGINE_LIVE_MAPS_CENSUS_PROGRAMS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_maps/census_counts.h"
#include "engine/live_maps/kernel_maps.h"
#include "inlay/status.h"

struct bpf_object;

namespace inlay {

// What a kernel lets programs note beside the walks.
enum class CensusWatch {
  kNothing,
  kConnections,  // tracepoints: what happens to TCP sockets
  kSockets,      // functions too: the begin and the end of every socket
};

class CensusPrograms {
 public:
  struct Shape {
    CensusSettings settings = {};
    uint32_t codes = 0;  // of all fields
    uint32_t most_sockets = 0;
    CensusWatch most_watch = CensusWatch::kSockets;  // less as on other kernels, for tests
    bool other_version = false;  // for tests: as if the object were of another version
  };

  // kUnsupported: the kernel does not load them. kInvalid: they are of another version than this
  // code, and would count in other places than it reads.
  static Status Load(const Shape& shape, std::unique_ptr<CensusPrograms>* loaded);
  CensusPrograms(const CensusPrograms&) = delete;
  CensusPrograms& operator=(const CensusPrograms&) = delete;
  ~CensusPrograms();

  int MapFd(const char* name) const;
  CensusCounts& counts() const { return *reinterpret_cast<CensusCounts*>(counts_.data()); }
  std::span<uint64_t> users() const { return Numbers(users_); }
  // By code, as users(): whether a socket had it in an event since the watch began.
  std::span<uint64_t> seen() const { return Numbers(seen_); }
  // The descriptor to make an iterator from.
  int link(const char* program) const { return links_.at(program).get(); }

  // From now on events of sockets are noted: those that this kernel shows.
  void Watch();
  void EndWatch() { watches_.clear(); }
  CensusWatch watch() const { return watch_; }

 private:
  CensusPrograms() = default;
  static std::span<uint64_t> Numbers(const MappedElement& of) {
    return {reinterpret_cast<uint64_t*>(of.data()), of.bytes() / sizeof(uint64_t)};
  }
  Status LoadObject(const Shape& shape, CensusWatch watch);

  struct CloseObject {
    void operator()(bpf_object* open) const;
  };
  std::unique_ptr<bpf_object, CloseObject> object_;
  CensusWatch watch_ = CensusWatch::kNothing;
  std::map<std::string, live_kernel::FileDescriptor> links_;
  std::vector<live_kernel::FileDescriptor> watches_;
  MappedElement counts_;
  MappedElement users_;
  MappedElement seen_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_CENSUS_PROGRAMS_H_
