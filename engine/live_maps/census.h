// Census: counts the users of the indexes of maps, over all sockets. See inlay/live_collector.h.

#ifndef INLAY_ENGINE_LIVE_MAPS_CENSUS_H_
#define INLAY_ENGINE_LIVE_MAPS_CENSUS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_maps/census_counts.h"
#include "engine/live_maps/census_programs.h"
#include "engine/live_maps/collector_mutation.h"
#include "engine/live_maps/explained_count.h"
#include "inlay/live_map.h"
#include "inlay/status.h"

namespace inlay {

class Census {
 public:
  struct Result {
    bool complete = false;
    std::string reason = {};  // if it is not
    uint64_t sockets = 0;
  };

  // `mutation` may be null.
  static Status Load(const std::vector<MarkField>& fields, const std::vector<int>& only_namespaces,
                     const CollectorMutation* mutation, std::unique_ptr<Census>* loaded);
  ~Census();
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // Starts counting the censuses anew.
  void StartPass();
  // A census that is complete if it met as many sockets as the kernel counts before and after.
  // While sockets come and go this may be so by accident: for reports, and to find candidates.
  Status Take(Result* result);
  // From now on also counts what happens to TCP sockets beside the walks, where the kernel lets
  // it: the codes that they have then, and that they were there. Until EndWatch().
  void Watch();
  void EndWatch();
  // A census that is complete only if there was a moment between the last census and this one at
  // which the kernel counted just the sockets that are known, in each namespace: both have met
  // them, or events tell that they were there. So of all that there were at that moment this one
  // has met the code, later, or the watch has seen it. REQUIRES: a census before it.
  Status TakeAfterCount(Result* result);
  // Calls `visit` in each of the namespaces that a census would walk over and that can be entered,
  // on a thread of its own, until it fails.
  Status InEveryNamespace(const std::function<Status()>& visit);
  // How many sockets of the last census have this code in this field.
  uint32_t UsersOf(size_t field, uint32_t code) const;
  // Whether there was an event in these namespaces since Watch(), or since the last
  // TakeAfterCount() one of a socket that it did not meet.
  bool HasSeenSockets() const;
  // Whether one had it in an event since Watch().
  bool WasSeen(size_t field, uint32_t code) const;

 private:
  struct Namespace {
    int fd;
    uint64_t cookie;
    uint64_t used_before;
    std::vector<UsedReading> readings;  // of TakeAfterCount()
  };
  // A socket that the watch has seen.
  struct Life {
    uint64_t cookie = 0;
    CensusLife seen = {};
    bool met_before = false;  // by the census before this one
    bool met_now = false;
    bool stayed = false;  // it is among CensusSockets::stayed
  };

  Census(const std::vector<MarkField>& fields, const std::vector<int>& only_namespaces,
         const CollectorMutation* mutation);
  Status LoadPrograms(uint32_t most_sockets);
  Status Begin(std::vector<live_kernel::FileDescriptor>* opened, std::vector<Namespace>* found,
               std::vector<CensusNamespace>* missing);
  Status TakeHere(Result* result);
  Status TakeAfterCountHere(Result* result);
  // Forgets what the last census has counted.
  void StartCounting();
  Status ListNamespaces(std::vector<CensusNamespace>* listed);
  // The namespaces to walk over; *missing are those that cannot be entered.
  Status FindNamespaces(std::vector<live_kernel::FileDescriptor>* opened,
                        std::vector<Namespace>* found, std::vector<CensusNamespace>* missing);
  // Takes those out of *missing that it can open.
  Status OpenBySockets(std::vector<CensusNamespace>* missing,
                       std::vector<live_kernel::FileDescriptor>* opened);
  Status WalkAll(const std::vector<Namespace>& namespaces, bool is_first);
  // Whether all sockets were met. *has_changed: sockets came or went, so more walks do not help.
  Status Check(const std::vector<Namespace>& namespaces, Result* result, bool* has_changed);
  // Whether the kernel counts other numbers by now.
  static bool HasChanged(const std::vector<Namespace>& namespaces);
  std::vector<Life> Lives() const;
  void ForgetLives(const std::function<bool(const Life&)>& is_over);
  // How many have stayed since the last census.
  uint64_t CheckStayed(const std::vector<Namespace>& namespaces, Result* result);
  // Says who has registered files with io_uring; empty: nobody whose descriptor was met.
  std::string RingsWithFiles() const;
  // What makes a census incomplete, however many sockets it met; empty: nothing.
  std::string Overflow() const;
  std::map<uint64_t, CensusSockets> MetByNamespace() const;
  Status Walk(const char* program);

  const std::vector<MarkField> fields_;
  const std::vector<int> only_namespaces_;
  const CollectorMutation* const mutation_;
  std::vector<uint32_t> first_;
  uint32_t codes_ = 0;
  uint32_t most_sockets_ = 0;
  int number_in_pass_ = 0;
  std::set<uint64_t> walked_;  // cookies of the namespaces found by the last FindNamespaces()
  std::vector<CensusNamespace> listed_;  // by the last FindNamespaces()
  bool is_watching_ = false;
  bool is_same_clock_ = false;  // as that of the programs
  std::unique_ptr<CensusPrograms> programs_;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_CENSUS_H_
