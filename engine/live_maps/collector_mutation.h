// What tests make a collector do wrong, and where they act during a census.

#ifndef INLAY_ENGINE_LIVE_MAPS_COLLECTOR_MUTATION_H_
#define INLAY_ENGINE_LIVE_MAPS_COLLECTOR_MUTATION_H_

#include <functional>

namespace inlay {

struct CollectorMutation {
  bool one_census = false;
  bool no_grace_periods = false;
  bool no_second_grace_period = false;
  bool no_time_wait = false;
  bool no_requests = false;
  bool no_namespace_ids = false;  // as on kernels that open no namespace by its id
  bool no_watch = false;          // as on kernels that refuse programs at tracepoints
  bool only_connections = false;  // as on kernels that refuse them at functions
  bool other_version = false;     // the programs are of another version than the code
  // Called with the number of the census, from 1 on, which proposes.
  std::function<void(int census)> before_walks = nullptr;
  std::function<void(int census)> after_files = nullptr;
  // Called before sockets get indexes in place of values of their own.
  std::function<void()> before_home_walks = nullptr;
  // Called when sockets have got indexes, and still have their storages.
  std::function<void()> between_home_walks = nullptr;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LIVE_MAPS_COLLECTOR_MUTATION_H_
