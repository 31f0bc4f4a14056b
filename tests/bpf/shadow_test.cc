// Every socket has its value twice, in Inlay and in a real socket storage. While sockets of all
// kinds come, go and change, both are the same for every packet and in every walk.

#include "tests/bpf/shadow.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "inlay/live_map.h"
#include "tests/bpf/shadow_traffic.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_shadow_object)

namespace inlay::live_maps {
namespace {

// The part of .data that the programs read.
struct Numbers {
  uint32_t first;
  uint32_t count;
};

double Seconds() {
  const char* const asked = std::getenv("INLAY_SHADOW_SECONDS");
  return asked == nullptr ? 5 : std::atof(asked);
}

TEST(ShadowTest, BothAreTheSame) {
  const live_kernel::ScratchCgroup cgroup;
  TestObject object(inlay_shadow_object());
  ASSERT_EQ(LiveMap::Prepare(object.get(), {}), Status::kOk);
  ASSERT_EQ(object.Load(), 0);
  std::unique_ptr<LiveMap> map;
  ASSERT_EQ(LiveMap::Open(object.get(), "inlaid", &map), Status::kOk);
  auto* const counts = static_cast<volatile ShadowCounts*>(object.Section(".bss"));
  auto* const numbers = static_cast<volatile Numbers*>(object.Section(".data"));
  for (const char* const program :
       {"shadow_create", "shadow_sockops", "shadow_connect4", "shadow_connect6",
        "shadow_setsockopt", "compare_ingress", "compare_egress"}) {
    object.Attach(program, cgroup.fd());
  }
  uint64_t steps = 0;
  {
    std::vector<std::unique_ptr<ShadowTraffic>> traffic;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      traffic.push_back(std::make_unique<ShadowTraffic>(seed, &numbers->first, &numbers->count));
    }
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(Seconds());
    while (Clock::now() < end && counts->differed == 0) {
      for (const char* const walk : {"compare_tcp", "compare_udp", "compare_files"}) {
        object.Walk(walk);
      }
      numbers->first = numbers->first + 1;
    }
    for (const auto& each : traffic) steps += each->steps();
  }
  const LiveMap::Statistics values = map->CountValues();
  std::printf(
      "%lu steps; compared %llu packets and %llu sockets (%llu spilled, %llu without a value, %llu "
      "not compared); %lu values written, %lu spilled\n",
      steps, counts->packets, counts->walked, counts->spilled, counts->without, counts->changing,
      values.interned, values.spilled);
  EXPECT_EQ(counts->differed, 0u) << "place " << counts->place << std::hex << ", mark "
                                  << counts->mark << ", in Inlay " << counts->in_inlay
                                  << ", in the storage " << counts->in_storage;
  EXPECT_EQ(counts->failed, 0u);
  EXPECT_GT(counts->packets, 1000u);
  EXPECT_GT(counts->walked, 1000u);
  EXPECT_GT(counts->spilled, 0u);
}

}  // namespace
}  // namespace inlay::live_maps
