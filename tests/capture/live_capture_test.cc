// Captures from the running kernel: a capture has every value once, while other processes do
// anything.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"
#include "tests/capture/held_sockets.h"
#include "tests/capture/proving_value.h"
#include "tests/capture/refused_calls.h"
#include "tests/capture/test_map.h"
#include "tools/capture/capture_source.h"
#include "tools/capture/value_schema.h"

namespace inlay::capture {
namespace {

constexpr SocketKind kKinds[] = {
    {AF_INET, SOCK_STREAM, "tcp"},  {AF_INET6, SOCK_STREAM, "tcp6"}, {AF_INET, SOCK_DGRAM, "udp"},
    {AF_INET6, SOCK_DGRAM, "udp6"}, {AF_UNIX, SOCK_STREAM, "unix"},
};
constexpr Method kMethods[] = {Method::kAuto, Method::kFd, Method::kMap, Method::kFold};

struct Taken {
  std::map<std::vector<uint8_t>, uint64_t> copies;
  SnapshotResult result;
  CaptureDescription description;
};

std::unique_ptr<CaptureSource> Open(uint32_t map_id, Method method,
                                    size_t buffer_bytes = CaptureOptions().buffer_bytes) {
  CaptureOptions options;
  options.buffer_bytes = buffer_bytes;
  options.target = CaptureOptions::Target::kMapId;
  options.id = map_id;
  options.method = method;
  absl::StatusOr<std::unique_ptr<CaptureSource>> source = OpenCapture(options);
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? *std::move(source) : nullptr;
}

Taken Take(CaptureSource& source) {
  Taken taken;
  taken.description = source.description();
  std::vector<std::pair<std::vector<uint8_t>, uint64_t>> values;
  const absl::StatusOr<SnapshotResult> result =
      source.Take([&](std::span<const uint8_t> value, uint64_t copies) {
        values.emplace_back(std::vector<uint8_t>(value.begin(), value.end()), copies);
        return absl::OkStatus();
      });
  EXPECT_TRUE(result.ok()) << result.status();
  if (result.ok()) taken.result = *result;
  for (const auto& [value, copies] : values) taken.copies[value] += copies;
  return taken;
}

Taken TakeOnce(uint32_t map_id, Method method) {
  const std::unique_ptr<CaptureSource> source = Open(map_id, method);
  return source == nullptr ? Taken() : Take(*source);
}

// Every number below `count` occurs once, every value proves itself, and all other values are of
// sockets that come and go.
void ExpectAll(const Taken& taken, size_t count) {
  std::vector<uint64_t> seen(count);
  uint64_t values = 0;
  for (const auto& [value, copies] : taken.copies) {
    values += copies;
    const std::optional<uint64_t> number = ProvenNumber(value);
    ASSERT_TRUE(number.has_value());
    if (*number < count) {
      seen[*number] += copies;
    } else {
      ASSERT_GE(*number, kFirstPassingNumber);
      ASSERT_EQ(copies, 1u);
    }
  }
  EXPECT_EQ(values, taken.result.values);
  size_t wrong = 0;
  for (const uint64_t times : seen) wrong += times == 1 ? 0 : 1;
  EXPECT_EQ(wrong, 0u) << "of " << count << " values are missing or there several times";
}

// The read() calls of this process so far.
uint64_t Reads() {
  std::ifstream io("/proc/self/io");
  std::string name;
  uint64_t number = 0;
  while (io >> name >> number) {
    if (name == "syscr:") return number;
  }
  ADD_FAILURE() << "/proc/self/io has no syscr";
  return 0;
}

// This thread's CPU time, which does not depend on other processes.
double CpuSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Cost {
  double ns_per_socket;
  uint64_t reads;
};

Cost CostOfTake(uint32_t map_id, Method method, size_t sockets) {
  const std::unique_ptr<CaptureSource> source = Open(map_id, method);
  if (source == nullptr) return {};
  uint64_t bytes = 0;
  const uint64_t reads = Reads();
  const double begin = CpuSeconds();
  const absl::StatusOr<SnapshotResult> result =
      source->Take([&](std::span<const uint8_t> value, uint64_t) {
        bytes += value.size();
        return absl::OkStatus();
      });
  const double seconds = CpuSeconds() - begin;
  EXPECT_TRUE(result.ok() && result->values == sockets && bytes == 100 * sockets);
  return {seconds * 1e9 / static_cast<double>(sockets), Reads() - reads};
}

// A walk over a map takes quadratic time if it pauses, since the kernel then starts over: it must
// be one read() for any number of sockets. The walk over descriptors pauses at no cost, so that its
// reads grow with the sockets. Times are printed, not judged.
//
// One test does both, since opening the sockets takes longest.
TEST(LiveCapture, EveryFamilyInLinearTimeWhileSocketsComeAndGo) {
  const size_t of_each = ScaledDown(20'000);
  const size_t few_sockets = ScaledDown(10'000);
  constexpr Method kTimed[] = {Method::kAuto, Method::kFd, Method::kMap};
  const TestMap map = MakeTestMap({.value_bytes = 100});
  HeldSockets sockets;
  size_t count = 0;
  const auto open = [&](const SocketKind& kind, size_t more) {
    sockets.Open(kind, more, count, map.fd.get(), 100);
    count += more;
  };
  for (const SocketKind& kind : kKinds) open(kind, few_sockets / std::size(kKinds));
  std::map<Method, Cost> of_few;
  for (const Method method : kTimed) of_few[method] = CostOfTake(map.id, method, count);
  for (const SocketKind& kind : kKinds) open(kind, of_each - few_sockets / std::size(kKinds));
  for (const Method method : kTimed) {
    const Cost few = of_few[method];
    const Cost many = CostOfTake(map.id, method, count);
    std::printf("method %d: %zu sockets: %.0f ns each, %zu reads; %zu: %.0f ns each, %zu reads\n",
                static_cast<int>(method), few_sockets, few.ns_per_socket, size_t{few.reads}, count,
                many.ns_per_socket, size_t{many.reads});
    constexpr uint64_t kOther = 8;  // of /proc and of the end of a walk
    const uint64_t growth = method == Method::kMap ? 0 : few.reads * count / few_sockets;
    EXPECT_LE(many.reads, growth + kOther);
  }
  sockets.StartPassing(kKinds[0], map.fd.get(), 100);
  sockets.StartPassing(kKinds[4], map.fd.get(), 100);
  for (const Method method : kMethods) {
    SCOPED_TRACE(static_cast<int>(method));
    const Taken taken = TakeOnce(map.id, method);
    EXPECT_TRUE(taken.result.complete);
    ExpectAll(taken, count);
  }
}

TEST(LiveCapture, ValuesThatAreReplacedMeanwhile) {
  const size_t held = ScaledDown(20'000);
  const size_t replaced = ScaledDown(3'000);
  const TestMap map = MakeTestMap({.value_bytes = 100});
  HeldSockets sockets;
  sockets.Open(kKinds[2], held, 0, map.fd.get(), 100);
  sockets.StartReplacing(kKinds[0], replaced, held, map.fd.get(), 100);
  for (int i = 0; i < 5; ++i) {
    ExpectAll(TakeOnce(map.id, Method::kAuto), held + replaced);
    ExpectAll(TakeOnce(map.id, Method::kFd), held + replaced);
  }
}

TEST(LiveCapture, ValuesOfAnySize) {
  constexpr size_t kSockets = 40;
  for (const uint32_t bytes : {1u, 3u, 7u, 8u, 9u, 100u, 513u, 4095u, 4096u, 32761u, 65407u}) {
    SCOPED_TRACE(bytes);
    const TestMap map = MakeTestMap({.value_bytes = bytes});
    HeldSockets sockets;
    sockets.Open(kKinds[2], kSockets, 0, map.fd.get(), bytes);
    std::map<std::vector<uint8_t>, uint64_t> expected;
    for (size_t i = 0; i < kSockets; ++i) ++expected[ProvingValue(i, bytes)];
    for (const Method method : kMethods) {
      SCOPED_TRACE(static_cast<int>(method));
      EXPECT_TRUE(TakeOnce(map.id, method).copies == expected);
    }
  }
}

TEST(LiveCapture, AFullBufferPausesTheWalk) {
  constexpr size_t kSockets = 3'000;
  constexpr uint32_t kBytes = 100;
  const TestMap map = MakeTestMap({.value_bytes = kBytes});
  HeldSockets sockets;
  sockets.Open(kKinds[2], kSockets, 0, map.fd.get(), kBytes);
  for (const Method method : {Method::kFd, Method::kMap, Method::kAuto}) {
    const std::unique_ptr<CaptureSource> source = Open(map.id, method, 20'000);
    ASSERT_NE(source, nullptr);
    std::vector<uint64_t> numbers;
    const absl::StatusOr<SnapshotResult> result =
        source->Take([&](std::span<const uint8_t> value, uint64_t) {
          numbers.push_back(ProvenNumber(value).value_or(kSockets));
          return absl::OkStatus();
        });
    ASSERT_TRUE(result.ok()) << result.status();
    std::sort(numbers.begin(), numbers.end());
    ASSERT_EQ(numbers.size(), kSockets);
    for (size_t i = 0; i < kSockets; ++i) ASSERT_EQ(numbers[i], i);
    EXPECT_EQ(result->complete, method == Method::kFd) << "a pause is told of";
    EXPECT_EQ(result->why_incomplete.empty(), method == Method::kFd);
  }
}

TEST(LiveCapture, SocketsThatManyDescriptorsLeadTo) {
  const TestMap map = MakeTestMap({.value_bytes = 16});
  const live_kernel::FileDescriptor one(socket(AF_INET, SOCK_DGRAM, 0));
  const live_kernel::FileDescriptor dup_of_one(dup(one.get()));
  const std::vector<uint8_t> value = ProvingValue(0, 16);
  const int key = one.get();
  ASSERT_EQ(bpf_map_update_elem(map.fd.get(), &key, value.data(), BPF_ANY), 0);
  HeldSockets children;  // which inherit both sockets
  children.Open(kKinds[2], 1, 1, map.fd.get(), 16);
  ExpectAll(TakeOnce(map.id, Method::kFd), 2);
}

TEST(LiveCapture, ValuesWithALockAreNeverTorn) {
  struct Shape {
    uint32_t bytes, lock_offset;
    // Captures one socket under constant writes to its value; a large value would soon be torn.
    int takes;
  };
  for (const auto& [bytes, lock_offset, takes] :
       {Shape{8, 4, 20}, Shape{64, 0, 20}, Shape{8192, 4096, 500}, Shape{32768, 32764, 500}}) {
    SCOPED_TRACE(bytes);
    const TestMap map = MakeTestMap({.value_bytes = bytes, .lock_offset = lock_offset});
    HeldSockets sockets;
    sockets.StartRewritingLocked(kKinds[2], 1, map.fd.get(), bytes);
    const int scaled_takes = IsScaledDown() ? std::max(takes / 10, 20) : takes;
    for (const Method method : {Method::kFd, Method::kMap}) {
      const std::unique_ptr<CaptureSource> source = Open(map.id, method);
      ASSERT_NE(source, nullptr);
      ASSERT_EQ(source->description().notes.size(), 1u) << "the lock, and that it could be taken";
      for (int i = 0; i < scaled_takes; ++i) {
        const Taken taken = Take(*source);
        ASSERT_EQ(taken.result.values, 1u);
        const std::vector<uint8_t>& value = taken.copies.begin()->first;
        const uint8_t byte = value[lock_offset == 0 ? 4 : 0];
        for (uint32_t at = 0; at < bytes; ++at) {
          ASSERT_EQ(value[at], at - lock_offset < 4 ? 0 : byte) << at << " in capture " << i;
        }
      }
    }
  }
}

TEST(LiveCapture, FoldRefusesValuesWithALock) {
  const TestMap map = MakeTestMap({.value_bytes = 64, .lock_offset = 0});
  CaptureOptions options;
  options.target = CaptureOptions::Target::kMapId;
  options.id = map.id;
  options.method = Method::kFold;
  const auto source = OpenCapture(options);
  ASSERT_TRUE(absl::IsInvalidArgument(source.status())) << source.status();
  EXPECT_NE(source.status().message().find("bpf_spin_lock"), std::string::npos);
}

TEST(LiveCapture, LargeValuesOfATable) {
  constexpr uint32_t kLarge = 60'000;
  const TestMap map =
      MakeTestMap({.type = BPF_MAP_TYPE_HASH, .value_bytes = kLarge, .max_entries = 200});
  for (uint64_t i = 0; i < 200; ++i) {
    const std::vector<uint8_t> value = ProvingValue(i, kLarge);
    ASSERT_EQ(bpf_map_update_elem(map.fd.get(), &i, value.data(), BPF_ANY), 0);
  }
  ExpectAll(TakeOnce(map.id, Method::kAuto), 200);
}

TEST(LiveCapture, FieldsAreNamedByTheMapsBtf) {
  const TestMap map = MakeTestMap({.value_bytes = 24});
  const std::unique_ptr<CaptureSource> source = Open(map.id, Method::kAuto);
  ASSERT_NE(source, nullptr);
  const CaptureDescription& what = source->description();
  EXPECT_EQ(what.map_name, "inlay_cap_test");
  EXPECT_EQ(what.map_type, "sk_storage");
  EXPECT_EQ(what.value_type, "struct cap_value");
  ASSERT_EQ(what.fields.size(), 17u);
  EXPECT_EQ(what.fields[0].name, "id");
  EXPECT_EQ(what.fields[16].name, "fill[15]");
}

// 300 entries with the values of their numbers.
void Fill(const TestMap& map, bpf_map_type type, size_t cpus) {
  constexpr size_t kStride = 24;  // 20 bytes, at multiples of 8 per CPU
  const bool is_array = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
  for (uint64_t i = 0; i < 300; ++i) {
    std::vector<uint8_t> values(kStride * cpus);
    for (size_t cpu = 0; cpu < cpus; ++cpu) {
      const std::vector<uint8_t> value = ProvingValue(i * cpus + cpu, 20);
      std::copy(value.begin(), value.end(), values.data() + cpu * kStride);
    }
    const uint32_t index = static_cast<uint32_t>(i);
    const void* const key = is_array ? static_cast<const void*>(&index) : &i;
    ASSERT_EQ(bpf_map_update_elem(map.fd.get(), key, values.data(), BPF_ANY), 0);
  }
}

TEST(LiveCapture, Tables) {
  const size_t all_cpus = static_cast<size_t>(libbpf_num_possible_cpus());
  for (const bpf_map_type type :
       {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_HASH,
        BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY}) {
    SCOPED_TRACE(type);
    const bool per_cpu = type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
                         type == BPF_MAP_TYPE_PERCPU_ARRAY;
    const bool is_array = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
    const size_t cpus = per_cpu ? all_cpus : 1;
    const TestMap map =
        MakeTestMap({.type = type, .value_bytes = 20, .max_entries = is_array ? 300u : 5000u});
    Fill(map, type, cpus);
    const Taken taken = TakeOnce(map.id, Method::kAuto);
    ExpectAll(taken, 300 * cpus);
    EXPECT_EQ(taken.description.value_type, "struct cap_value");
  }
}

TEST(LiveCapture, TablesKeyByKeyWithoutBatches) {
  const auto no_batches = [](uint32_t command, const bpf_attr&) {
    return command == BPF_MAP_LOOKUP_BATCH ? EINVAL : 0;
  };
  const size_t all_cpus = static_cast<size_t>(libbpf_num_possible_cpus());
  for (const bpf_map_type type :
       {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY}) {
    SCOPED_TRACE(type);
    const size_t cpus = type == BPF_MAP_TYPE_HASH ? 1 : all_cpus;
    const TestMap map =
        MakeTestMap({.type = static_cast<uint32_t>(type),
                     .value_bytes = 20,
                     .max_entries = type == BPF_MAP_TYPE_PERCPU_ARRAY ? 300u : 5000u});
    Fill(map, type, cpus);
    WithRefusedCalls(no_batches, [&] {
      const Taken taken = TakeOnce(map.id, Method::kAuto);
      ExpectAll(taken, 300 * cpus);
      EXPECT_EQ(taken.result.notes.size(), 1u) << "it read key by key";
    });
  }
}

TEST(LiveCapture, AnEmptyTableHasNoValues) {
  const TestMap map = MakeTestMap({.type = BPF_MAP_TYPE_HASH, .max_entries = 10});
  EXPECT_EQ(TakeOnce(map.id, Method::kAuto).result.values, 0u);
}

TEST(ValueSchema, ClearsWhatTheKernelOwnsAndNothingElse) {
  ValueSchema schema;
  schema.kernel_owned = {{"lock", "struct bpf_spin_lock", 0, 4}, {"task", "kptr", 8, 8}};
  std::vector<uint8_t> value(20, 7);
  ClearKernelOwned(schema, value);
  for (size_t at = 0; at < value.size(); ++at) {
    EXPECT_EQ(value[at], at < 4 || (at >= 8 && at < 16) ? 0 : 7) << at;
  }
}

}  // namespace
}  // namespace inlay::capture
