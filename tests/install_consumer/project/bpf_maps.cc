// Links the installed library for maps in the running kernel.

#include <inlay/bpf_map_state.h>
#include <inlay/live_map.h>

#include <memory>

int main() {
  std::unique_ptr<inlay::LiveMap> map;
  const inlay::Status status = inlay::LiveMap::Open("/nowhere", "none", &map);
  return status != inlay::Status::kOk && map == nullptr ? 0 : 1;
}
