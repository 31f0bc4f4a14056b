// LiveCollector: gives the indexes of values that no socket has any more to new values, and counts
// the users of every value. docs/bpf.md explains it.
//
// A census walks over all sockets, of all network namespaces, by every way that leads to them: open
// descriptors, UNIX sockets and what is under way in their messages, UDP and TCP sockets with
// TIME_WAIT and requests. It is complete if, at some moment between the census before it and its
// walk, the kernel counted just the sockets that are known to have been there, in each namespace
// (`sockets: used` in /proc/net/sockstat): both censuses have met them, or, while a pass runs,
// programs at tracepoints have seen them before and after. An incomplete census frees nothing.
//
// An index is free again after, in this order: its value cannot be found any more; a grace period;
// two complete censuses without a socket that has it; a grace period. A value that is met again
// keeps its index.
//
// At the end of a pass, complete or not, TCP sockets with a value of their own get an index if
// there is room: those of maps whose object has the programs of INLAY_BRING_HOME(), and of the
// namespaces that the collector walks over.

#ifndef INLAY_LIVE_COLLECTOR_H_
#define INLAY_LIVE_COLLECTOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "inlay/live_map.h"
#include "inlay/status.h"

namespace inlay {

class Census;
struct CollectorMutation;

class LiveCollector {
 public:
  struct Options {
    // How many censuses may be incomplete before a pass gives up; counted anew for the one that
    // proposes, and for each of the two that decide.
    uint32_t most_attempts = 5;
    // Descriptors of network namespaces; they stay the caller's. Empty: all of the machine.
    // Otherwise the caller vouches that no socket of another one has a value.
    std::vector<int> only_namespaces = {};
    const CollectorMutation* mutation = nullptr;  // of the tests; must outlive the collector
  };

  struct MapReport {
    std::string name;
    // The sockets of each index, from 1 on; TIME_WAIT and requests count as one.
    std::vector<uint32_t> users = {};
    uint32_t spilled = 0;  // sockets with a value of their own
    uint32_t freed = 0;
    uint32_t kept = 0;  // that looked unused, and were not
    // Sockets with a value of their own that have got an index since that census. Their storages
    // are freed by now, or by a later pass if a process was changing sockets' values all the time.
    uint32_t came_home = 0;
  };

  struct Report {
    // Whether all sockets were met. If there was nothing to free and no socket was seen to come or
    // go, by one census and the counts before and after it.
    bool complete = false;
    std::string reason = {};  // if it is not complete
    uint64_t sockets = 0;
    std::vector<MapReport> maps = {};
  };

  // The maps must outlive the collector; at most 16. Needs CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON and
  // CAP_SYS_PTRACE. Kernels that open no network namespace by its id (6.1 and 6.12) also need
  // CAP_NET_ADMIN for those without a process or a name: or no census of all is complete.
  // kUnsupported: the kernel does not load the programs, or the library was built without a
  // compiler for them.
  static Status Create(const std::vector<LiveMap*>& maps, const Options& options,
                       std::unique_ptr<LiveCollector>* made);
  ~LiveCollector();
  LiveCollector(const LiveCollector&) = delete;
  LiveCollector& operator=(const LiveCollector&) = delete;

  // One pass. kOk also if a census was not complete: then the report says so, and nothing was
  // freed. kExists: another collector is working in one of the maps. kUnsupported: the kernel has
  // no grace period for processes (membarrier(), with nohz_full). After an error of bringing
  // sockets home the rest of the pass has been done, and the report is true.
  Status Collect(Report* report);

 private:
  struct Candidate {
    size_t map;
    uint32_t index;
    bool has_key;
  };

  LiveCollector(const std::vector<LiveMap*>& maps, const Options& options,
                std::unique_ptr<Census> census);
  Status CollectLocked(Report* report);
  std::vector<Candidate> FindUnused() const;
  // Takes those out that have users or holders; they can be found again.
  void KeepUsed(std::vector<Candidate>* candidates, bool by_census, Report* report);
  void Restore(const Candidate& candidate) const;
  uint32_t UsersOf(size_t map, uint32_t code) const;
  Status GracePeriod() const;
  Status BringHome(Report* report) const;
  // Whether there was a moment for each map, since the call, without a process that changes it.
  bool WaitForChanges() const;
  // Runs one of kHomePrograms in every namespace. *counts: for how many sockets it did something.
  Status WalkHome(size_t program, std::vector<uint32_t>* counts) const;

  const std::vector<LiveMap*> maps_;
  const Options options_;
  const std::unique_ptr<Census> census_;
};

}  // namespace inlay

#endif  // INLAY_LIVE_COLLECTOR_H_
