// The maps that benchmarks of reads measure: filled and checked at their first use, and then kept,
// so that many short runs of all layouts can be interleaved.

#ifndef INLAY_BENCH_FILLED_MAPS_H_
#define INLAY_BENCH_FILLED_MAPS_H_

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "bench/workload/population.h"
#include "bench/workload/workload.h"
#include "engine/workload/layouts.h"

namespace inlay::bench {

// One map of each layout of a list, over the shared population of a shape. It creates them
// together, so that each has the same place in the sockets in every run, and fills them one by one.
// Layouts do not touch each other's memory.
template <typename List>
class FilledMaps;

template <typename... Layouts>
class FilledMaps<std::tuple<Layouts...>> {
 public:
  // The maps of a shape; they live to the end of the program.
  static FilledMaps& OfShape(const WorkloadShape& shape) {
    static auto* const all = new std::map<WorkloadShape, std::unique_ptr<FilledMaps>>;
    std::unique_ptr<FilledMaps>& maps = (*all)[shape];
    if (maps == nullptr) maps = std::make_unique<FilledMaps>(SharedPopulation(shape));
    return *maps;
  }

  explicit FilledMaps(Population& population) : population_(population) { (Make<Layouts>(), ...); }

  // The layout's map, with the workload's value on every socket. Null, with *error set, if it
  // cannot be made or a socket has another value.
  template <typename Layout>
  const typename Layout::Map* Find(std::string* error) {
    Slot<Layout>& slot = std::get<Slot<Layout>>(slots_);
    // The check gets every value, which also fills the layout's caches.
    if (slot.map != nullptr && !slot.filled) {
      slot.filled = Fill(*slot.map, population_, &slot.error) &&
                    MatchesModel<Layout>(*slot.map, population_, true, &slot.error);
    }
    if (slot.filled) return slot.map.get();
    *error = slot.error;
    return nullptr;
  }

 private:
  template <typename Layout>
  struct Slot {
    std::unique_ptr<typename Layout::Map> map;
    bool filled = false;
    std::string error;
  };

  template <typename Layout>
  void Make() {
    Slot<Layout>& slot = std::get<Slot<Layout>>(slots_);
    slot.map = MakeMap<Layout>(population_, &slot.error);
  }

  Population& population_;
  std::tuple<Slot<Layouts>...> slots_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_FILLED_MAPS_H_
