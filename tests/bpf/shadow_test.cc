// Every socket has its value twice, in Inlay and in a real socket storage. While sockets of all
// kinds come, go and change, and a collector reuses the few indexes all the time, both are the same
// for every packet and in every walk.

#include "tests/bpf/shadow.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "inlay/live_collector.h"
#include "inlay/live_map.h"
#include "tests/bpf/shadow_traffic.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_shadow_object)

namespace inlay::live_maps {
namespace {

constexpr uint64_t kFewestCompared = 1000;
constexpr uint64_t kFewestWritten = uint64_t{2} * kMostShadowed;  // so indexes were used again

// Different values that sockets get at a time: usually fewer than there are indexes, and now and
// then more.
constexpr uint32_t kUsualNumbers = kMostShadowed / 3;
constexpr uint32_t kManyNumbers = 2 * kMostShadowed;
constexpr uint32_t kWalksOfMany = 4;  // of each 64

// The part of .data that the programs read.
struct Numbers {
  uint32_t first;
  uint32_t count;
};

// A number that the environment asks for.
double Asked(const char* variable, double otherwise) {
  const char* const asked = std::getenv(variable);
  return asked == nullptr ? otherwise : std::atof(asked);
}

// Another one for each run, so that runs differ; a failure prints it.
uint64_t Seed() {
  const char* const asked = std::getenv("INLAY_SHADOW_SEED");
  return asked == nullptr ? std::random_device()() : std::strtoull(asked, nullptr, 10);
}

// Passes until told to end. Sockets come and go during every other pass, whose censuses are seldom
// complete.
class CollectingThread {
 public:
  CollectingThread(LiveCollector& collector, std::shared_mutex& births)
      : collector_(collector), births_(births), thread_([this] { Run(); }) {}
  CollectingThread(const CollectingThread&) = delete;
  CollectingThread& operator=(const CollectingThread&) = delete;
  ~CollectingThread() { End(); }

  void End() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  uint64_t passes() const { return passes_; }
  uint64_t complete() const { return complete_; }
  uint64_t complete_beside_births() const { return complete_beside_births_; }
  uint64_t freed() const { return freed_; }
  uint64_t kept() const { return kept_; }
  uint64_t came_home() const { return came_home_; }

 private:
  void Run() {
    while (!ending_) {
      const bool is_quiet = passes_++ % 2 == 0;
      std::unique_lock lock(births_, std::defer_lock);
      if (is_quiet) lock.lock();
      LiveCollector::Report report;
      EXPECT_EQ(collector_.Collect(&report), Status::kOk);
      if (report.complete) ++(is_quiet ? complete_ : complete_beside_births_);
      freed_ += report.maps.at(0).freed;
      kept_ += report.maps.at(0).kept;
      came_home_ += report.maps.at(0).came_home;
    }
  }

  LiveCollector& collector_;
  std::shared_mutex& births_;
  std::atomic<bool> ending_ = false;
  uint64_t passes_ = 0;
  uint64_t complete_ = 0;
  uint64_t complete_beside_births_ = 0;
  std::atomic<uint64_t> freed_ = 0;
  uint64_t kept_ = 0;
  uint64_t came_home_ = 0;
  std::thread thread_;
};

class ShadowTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(LiveMap::Prepare(object_.get(), {}), Status::kOk);
    ASSERT_EQ(object_.Load(), 0);
    ASSERT_EQ(LiveMap::Open(object_.get(), "inlaid", &map_), Status::kOk);
    counts_ = static_cast<volatile ShadowCounts*>(object_.Section(".bss"));
    numbers_ = static_cast<volatile Numbers*>(object_.Section(".data"));
    for (const char* const program :
         {"shadow_create", "shadow_sockops", "shadow_connect4", "shadow_connect6",
          "shadow_setsockopt", "compare_ingress", "compare_egress"}) {
      object_.Attach(program, cgroup_.fd());
    }
  }
  void Walk() {
    for (const char* const walk : {"compare_tcp", "compare_udp", "compare_files"}) {
      object_.Walk(walk);
    }
  }

  const live_kernel::ScratchCgroup cgroup_;
  TestObject object_{inlay_shadow_object()};
  std::unique_ptr<LiveMap> map_;
  volatile ShadowCounts* counts_ = nullptr;
  volatile Numbers* numbers_ = nullptr;
};

// The comparison itself: somebody changes a value in the table alone.
TEST_F(ShadowTest, NoticesAValueThatIsNotTheSame) {
  numbers_->count = 1;
  const live_kernel::FileDescriptor udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Walk();
  EXPECT_EQ(counts_->differed, 0u);
  EXPECT_EQ(counts_->walked, 1u);
  const ShadowedValue other = {{1, 2, 3, 4, 5}};
  ASSERT_EQ(map_->Replace(1, std::as_bytes(std::span(&other, 1))), Status::kOk);
  Walk();
  EXPECT_EQ(counts_->differed, 1u);
}

TEST_F(ShadowTest, BothAreTheSame) {
  const live_kernel::FileDescriptor network(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  std::unique_ptr<LiveCollector> collector;
  ASSERT_EQ(LiveCollector::Create({map_.get()}, {.only_namespaces = {network.get()}}, &collector),
            Status::kOk);
  std::shared_mutex births;
  CollectingThread collecting(*collector, births);
  uint64_t steps = 0;
  const uint64_t seed = Seed();
  std::printf("INLAY_SHADOW_SEED=%lu\n", seed);
  const auto fewest_packets =
      static_cast<uint64_t>(Asked("INLAY_SHADOW_PACKETS", double{kFewestCompared}));
  {
    std::vector<std::unique_ptr<ShadowTraffic>> traffic;
    for (uint64_t i = 0; i < 2; ++i) {
      traffic.push_back(
          std::make_unique<ShadowTraffic>(seed + i, &numbers_->first, &numbers_->count, &births));
    }
    using Clock = std::chrono::steady_clock;
    const auto end =
        Clock::now() + std::chrono::duration<double>(Asked("INLAY_SHADOW_SECONDS", 10));
    // A busy or an emulated machine needs longer until there is enough to judge.
    const auto is_done = [&] {
      return Clock::now() >= end && counts_->packets > fewest_packets &&
             counts_->walked > kFewestCompared && counts_->spilled > 0 &&
             map_->CountValues().interned > kFewestWritten;
    };
    const uint32_t first = numbers_->first;
    for (uint32_t walks = 0; !is_done() && counts_->differed == 0; ++walks) {
      Walk();
      numbers_->count = walks % 64 < kWalksOfMany ? kManyNumbers : kUsualNumbers;
      // New values come as indexes come back, so that most sockets have an index.
      if (numbers_->first - first <= collecting.freed()) numbers_->first = numbers_->first + 1;
    }
    for (const auto& each : traffic) steps += each->steps();
  }
  collecting.End();
  const LiveMap::Statistics values = map_->CountValues();
  const uint64_t by_index =
      counts_->packets + counts_->walked - counts_->spilled - counts_->without;
  std::printf("%lu by an index; ", by_index);
  std::printf(
      "%lu steps; compared %llu packets and %llu sockets (%llu spilled, %llu without a value, %llu "
      "not compared); %lu values written, %lu spilled\n",
      steps, counts_->packets, counts_->walked, counts_->spilled, counts_->without,
      counts_->changing, values.interned, values.spilled);
  std::printf(
      "%lu passes: complete %lu, and %lu while sockets came and went; freed %lu indexes, kept "
      "%lu; %lu sockets came home\n",
      collecting.passes(), collecting.complete(), collecting.complete_beside_births(),
      collecting.freed(), collecting.kept(), collecting.came_home());
  EXPECT_EQ(counts_->differed, 0u)
      << "seed " << seed << ", place " << counts_->place << std::hex << ", mark " << counts_->mark
      << ", in Inlay " << counts_->in_inlay << ", in the storage " << counts_->in_storage;
  EXPECT_EQ(counts_->failed, 0u);
  EXPECT_GT(counts_->packets, kFewestCompared);
  EXPECT_GT(counts_->walked, kFewestCompared);
  EXPECT_GT(counts_->spilled, 0u);
  EXPECT_GT(by_index, kFewestCompared);
  EXPECT_GT(values.interned, kFewestWritten);
}

}  // namespace
}  // namespace inlay::live_maps
