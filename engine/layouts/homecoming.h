// What an index map keeps to bring spilled owners home in the background.

#ifndef INLAY_ENGINE_LAYOUTS_HOMECOMING_H_
#define INLAY_ENGINE_LAYOUTS_HOMECOMING_H_

#include <cstdint>

#include "engine/sync/background_task.h"
#include "inlay/index_map.h"

namespace inlay {

struct IndexMap::Homecoming {
  explicit Homecoming(IndexMap* of) : map(of) {}

  IndexMap* const map;
  // For the library's thread alone.
  uint32_t pause = 0;  // grace periods between two steps
  uint32_t rest = 0;   // grace periods until the next one
  TaskHandle task;
};

}  // namespace inlay

#endif  // INLAY_ENGINE_LAYOUTS_HOMECOMING_H_
