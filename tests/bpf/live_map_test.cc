// inlay.bpf.h and LiveMap on the running kernel, one function after the other.

#include "inlay/live_map.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "tests/bpf/every_context.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_every_context_object)

// Beside their type, where GoogleTest looks for it.
static bool operator==(const Policy& a, const Policy& b) {
  return a.rate == b.rate && a.priority == b.priority;
}

namespace inlay::live_maps {
namespace {

using live_kernel::FileDescriptor;

template <typename Value>
std::span<const std::byte> BytesOf(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

FileDescriptor OpenSocket(int type = SOCK_DGRAM, int family = AF_INET) {
  return FileDescriptor(socket(family, type | SOCK_CLOEXEC, 0));
}

uint32_t MarkOf(const FileDescriptor& fd) {
  uint32_t mark = 0;
  socklen_t bytes = sizeof(mark);
  EXPECT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, &bytes), 0);
  return mark;
}

// Two UDP sockets; what one sends, the other receives.
struct Pair {
  FileDescriptor sender = OpenSocket();
  FileDescriptor receiver = OpenSocket();

  Pair() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof(address);
    auto* const at = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(receiver.get(), at, bytes), 0);
    EXPECT_EQ(getsockname(receiver.get(), at, &bytes), 0);
    EXPECT_EQ(connect(sender.get(), at, bytes), 0);
  }
  void Send() const {
    char byte = 0;
    EXPECT_EQ(send(sender.get(), &byte, 1, 0), 1);
    EXPECT_EQ(recv(receiver.get(), &byte, 1, 0), 1);
  }
};

class LiveMapTest : public testing::Test {
 protected:
  void Load(const LiveMap::PrepareOptions& options = {}) {
    ASSERT_EQ(LiveMap::Prepare(object_.get(), options), Status::kOk);
    ASSERT_EQ(object_.Load(), 0);
    exchange_ = static_cast<Exchange*>(object_.Section(".bss"));
  }
  std::unique_ptr<LiveMap> Open(const std::string& name) {
    std::unique_ptr<LiveMap> map;
    EXPECT_EQ(LiveMap::Open(object_.get(), name, &map), Status::kOk) << name;
    return map;
  }
  // Runs in_setsockopt for a socket.
  int Ask(const FileDescriptor& fd, int what, const Policy& policy = {}, uint32_t index = 0) {
    exchange_->in_setsockopt = policy;
    exchange_->index = index;
    exchange_->result = -1000;
    const int unused = 0;
    EXPECT_EQ(setsockopt(fd.get(), kExchangeLevel, what, &unused, sizeof(unused)), 0);
    exchange_->index = 0;
    return exchange_->result;
  }

  live_kernel::ScratchCgroup cgroup_;
  TestObject object_{inlay_every_context_object()};
  Exchange* exchange_ = nullptr;
};

TEST_F(LiveMapTest, GetAddsAtMost24Instructions) {
  Load();
  const uint32_t none = object_.TranslatedInstructions("get_nothing");
  for (const char* const program : {"get_fixed", "get_allotted", "get_of_packets", "get_storage"}) {
    std::printf("%s adds %u instructions\n", program,
                object_.TranslatedInstructions(program) - none);
  }
  EXPECT_LE(object_.TranslatedInstructions("get_fixed") - none, 24u);
  EXPECT_LE(object_.TranslatedInstructions("get_of_packets") - none, 24u);
  EXPECT_LE(object_.TranslatedInstructions("get_allotted") - none, 28u);
}

TEST_F(LiveMapTest, AllotsBitsThatNobodyHas) {
  Load({.allowed_bits = 0xfff0});
  const auto policies = Open("policies");
  const auto kinds = Open("kinds");
  const auto owners = Open("owners");
  EXPECT_EQ(policies->field().bits(), 0x38u);
  EXPECT_EQ(kinds->field().bits(), 0x7c0u);
  EXPECT_EQ(owners->field().bits(), 0x3800u);
  EXPECT_EQ(LiveMap::NamesIn(object_.get()),
            (std::vector<std::string>{"kinds", "odd", "owners", "policies", "wide"}));
}

TEST_F(LiveMapTest, RefusesFieldsThatOverlap) {
  EXPECT_EQ(LiveMap::Prepare(object_.get(), {.taken_bits = 0x20}), Status::kExists);
  EXPECT_EQ(LiveMap::Prepare(object_.get(), {.allowed_bits = 0x3}), Status::kNoMemory);
  EXPECT_EQ(LiveMap::Prepare(object_.get(), {}), Status::kOk);
}

TEST_F(LiveMapTest, RefusesAMapWithoutBits) {
  ASSERT_EQ(object_.Load(), 0);
  std::unique_ptr<LiveMap> map;
  EXPECT_EQ(LiveMap::Open(object_.get(), "owners", &map), Status::kInvalid);
  EXPECT_EQ(LiveMap::Open(object_.get(), "nobody", &map), Status::kNotFound);
  EXPECT_EQ(map, nullptr);
}

TEST_F(LiveMapTest, ProgramsSeeWhatAProcessSets) {
  Load();
  const auto map = Open("policies");
  Pair pair;
  object_.Attach("in_packet", cgroup_.fd());
  const uint32_t foreign = 0x80000001;  // the bits of others stay
  ASSERT_EQ(setsockopt(pair.receiver.get(), SOL_SOCKET, SO_MARK, &foreign, sizeof(foreign)), 0);
  for (uint64_t rate = 1; rate <= uint64_t{3} * kMostPolicies; ++rate) {  // the last ones spill
    const Policy policy = {rate, 100 + rate};
    ASSERT_EQ(map->Set(pair.receiver.get(), BytesOf(policy)), Status::kOk);
    pair.Send();
    EXPECT_EQ(exchange_->seen, policy);
    Policy read = {};
    ASSERT_EQ(map->Get(pair.receiver.get(), std::as_writable_bytes(std::span(&read, 1))),
              Status::kOk);
    EXPECT_EQ(read, policy);
    EXPECT_EQ(map->field().Put(MarkOf(pair.receiver), 0), foreign);
  }
  const LiveMap::Statistics counts = map->CountValues();
  EXPECT_EQ(counts.values, uint32_t{kMostPolicies});
  EXPECT_EQ(counts.spilled, 2u * kMostPolicies);
  EXPECT_EQ(map->Delete(pair.receiver.get()), Status::kOk);
  EXPECT_EQ(map->Delete(pair.receiver.get()), Status::kNotFound);
  EXPECT_EQ(MarkOf(pair.receiver), foreign);
}

TEST_F(LiveMapTest, AProcessSeesWhatProgramsSet) {
  Load();
  const auto map = Open("policies");
  object_.Attach("in_setsockopt", cgroup_.fd());
  object_.Attach("at_create", cgroup_.fd());
  exchange_->at_create = {1, 1};
  const FileDescriptor fd = OpenSocket();
  Policy read = {};
  const auto get = [&] { return map->Get(fd.get(), std::as_writable_bytes(std::span(&read, 1))); };
  ASSERT_EQ(get(), Status::kOk);
  EXPECT_EQ(read, (Policy{1, 1}));
  for (uint64_t rate = 2; rate <= uint64_t{2} * kMostPolicies; ++rate) {
    ASSERT_EQ(Ask(fd, kSet, {rate, 5}), 0);
    ASSERT_EQ(get(), Status::kOk);
    EXPECT_EQ(read, (Policy{rate, 5}));
  }
  ASSERT_EQ(Ask(fd, kSet, {1, 1}), 0);  // back from its own storage to the index
  EXPECT_EQ(map->field().CodeIn(MarkOf(fd)), 1u);
  EXPECT_EQ(Ask(fd, kDelete), 0);
  EXPECT_EQ(get(), Status::kNotFound);
  EXPECT_EQ(Ask(fd, kDelete), -ENOENT);
}

TEST_F(LiveMapTest, ProgramsTakeIndexesOfAProcess) {
  Load({.read_only_values = false});
  const auto map = Open("owners");
  object_.Attach("in_setsockopt", cgroup_.fd());
  uint32_t index = 0;
  const Policy policy = {9, 9};
  ASSERT_EQ(map->Intern(BytesOf(policy), &index), Status::kOk);
  const FileDescriptor fd = OpenSocket();
  EXPECT_EQ(Ask(fd, kSetIndex, {}, index), 0);
  Policy read = {};
  const auto bytes = std::as_writable_bytes(std::span(&read, 1));
  EXPECT_EQ(map->Get(fd.get(), bytes), Status::kOk);
  EXPECT_EQ(read, policy);
  EXPECT_EQ(Ask(fd, kSetIndex, {}, kMostPolicies + 1), -EINVAL);
  EXPECT_EQ(Ask(fd, kSetIndex, {}, 0), -EINVAL);

  const Policy other = {10, 10};
  ASSERT_EQ(map->Replace(index, BytesOf(other)), Status::kOk);
  EXPECT_EQ(map->Get(fd.get(), bytes), Status::kOk);
  EXPECT_EQ(read, other);
  uint32_t found = 0;
  EXPECT_EQ(map->Find(BytesOf(policy), &found), Status::kNotFound);
  EXPECT_EQ(map->Find(BytesOf(other), &found), Status::kOk);
  EXPECT_EQ(found, index);
  EXPECT_EQ(map->Release(index), Status::kOk);
  EXPECT_EQ(map->Release(index), Status::kInvalid);
}

TEST_F(LiveMapTest, ReplacesInAFullTable) {
  Load();
  const auto map = Open("policies");
  std::vector<uint32_t> indexes;
  for (uint64_t rate = 1; rate <= kMostPolicies; ++rate) {
    ASSERT_EQ(map->Intern(BytesOf(Policy{rate, 0}), &indexes.emplace_back()), Status::kOk);
  }
  uint32_t none = 0;
  EXPECT_EQ(map->Intern(BytesOf(Policy{100, 0}), &none), Status::kNoMemory);
  EXPECT_EQ(map->Replace(indexes[0], BytesOf(Policy{100, 0})), Status::kOk);
  EXPECT_EQ(map->Replace(indexes[1], BytesOf(Policy{100, 0})), Status::kExists);
  EXPECT_EQ(map->Find(BytesOf(Policy{2, 0}), &none), Status::kOk);
  EXPECT_EQ(none, indexes[1]);
}

TEST_F(LiveMapTest, PacketsCreateInTheStorage) {
  Load();
  const auto kinds = Open("kinds");
  object_.Attach("in_packet", cgroup_.fd());
  object_.Attach("in_setsockopt", cgroup_.fd());
  Pair pair;
  exchange_->create_in_packet = {3, 4};
  pair.Send();
  EXPECT_EQ(exchange_->kind, (Policy{3, 4}));
  Policy read = {};
  const auto bytes = std::as_writable_bytes(std::span(&read, 1));
  EXPECT_EQ(kinds->Get(pair.receiver.get(), bytes), Status::kOk);
  EXPECT_EQ(read, (Policy{3, 4}));
  EXPECT_EQ(Ask(pair.receiver, kSetKind, {5, 6}), 0);  // from the storage to an index
  exchange_->create_in_packet = {7, 8};
  pair.Send();
  EXPECT_EQ(exchange_->kind, (Policy{5, 6}));
  EXPECT_EQ(Ask(pair.receiver, kDeleteKind), 0);
  EXPECT_EQ(kinds->Get(pair.receiver.get(), bytes), Status::kNotFound);
}

TEST_F(LiveMapTest, WalksReadAndSet) {
  Load();
  const auto map = Open("policies");
  const FileDescriptor listener = OpenSocket(SOCK_STREAM, AF_INET6);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  object_.Walk("in_tcp_walk");
  EXPECT_EQ(exchange_->result, 0);
  Policy read = {};
  EXPECT_EQ(map->Get(listener.get(), std::as_writable_bytes(std::span(&read, 1))), Status::kOk);
  EXPECT_EQ(read, (Policy{7, 7}));
  Pair pair;
  ASSERT_EQ(map->Set(pair.receiver.get(), BytesOf(Policy{8, 8})), Status::kOk);
  object_.Walk("in_udp_walk");
  EXPECT_EQ(exchange_->seen, (Policy{8, 8}));
}

TEST_F(LiveMapTest, ValuesOfOddSizesAreCompared) {
  Load();
  const auto odd = Open("odd");
  const auto wide = Open("wide");
  object_.Attach("of_sizes", cgroup_.fd());
  exchange_->wide.words[63] = 1;
  Pair first;
  exchange_->wide.words[63] = 2;
  Pair second;
  EXPECT_EQ(exchange_->result, 0);
  EXPECT_EQ(odd->CountValues().values, 1u);
  EXPECT_EQ(wide->CountValues().values, 2u);
  Wide read = {};
  const auto bytes = std::as_writable_bytes(std::span(&read, 1));
  ASSERT_EQ(wide->Get(first.sender.get(), bytes), Status::kOk);
  EXPECT_EQ(read.words[63], 1u);
  ASSERT_EQ(wide->Get(second.sender.get(), bytes), Status::kOk);
  EXPECT_EQ(read.words[63], 2u);
}

// Only these programs: they write no values.
TEST_F(LiveMapTest, ValuesCanBeReadOnlyForPrograms) {
  const std::vector<std::string> readers = {"get_fixed", "get_allotted", "in_tc", "in_udp_walk"};
  const auto load_only = [&](const std::vector<std::string>& wanted) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_.get()) {
      bpf_program__set_autoload(program, std::find(wanted.begin(), wanted.end(),
                                                   bpf_program__name(program)) != wanted.end());
    }
  };
  load_only(readers);
  Load({.read_only_values = true});
  const auto map = Open("policies");
  uint32_t first = 0;
  uint32_t second = 0;
  ASSERT_EQ(map->Intern(BytesOf(Policy{1, 1}), &first), Status::kOk);
  ASSERT_EQ(map->Intern(BytesOf(Policy{2, 2}), &second), Status::kOk);
  Policy read = {};
  ASSERT_EQ(map->Read(first, std::as_writable_bytes(std::span(&read, 1))), Status::kOk);
  EXPECT_EQ(read, (Policy{1, 1}));

  TestObject writer(inlay_every_context_object());
  libbpf_set_print(nullptr);  // the verifier's complaint
  ASSERT_EQ(LiveMap::Prepare(writer.get(), {.read_only_values = true}), Status::kOk);
  EXPECT_EQ(writer.Load(), -EACCES);
}

// A BPF file system of its own, in a mount namespace of its own.
TEST_F(LiveMapTest, PinsAndShares) {
  Load();
  const auto map = Open("policies");
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr), 0);
  const std::string folder = "/sys/fs/bpf/maps";
  ASSERT_TRUE(std::filesystem::create_directory(folder));
  ASSERT_EQ(map->Pin(folder), Status::kOk);
  EXPECT_EQ(map->Pin(folder), Status::kExists);
  EXPECT_EQ(LiveMap::NamesIn(folder), std::vector<std::string>{"policies"});
  uint32_t index = 0;
  ASSERT_EQ(map->Intern(BytesOf(Policy{1, 2}), &index), Status::kOk);

  std::unique_ptr<LiveMap> pinned;
  ASSERT_EQ(LiveMap::Open(folder, "policies", &pinned), Status::kOk);
  uint32_t found = 0;
  EXPECT_EQ(pinned->Find(BytesOf(Policy{1, 2}), &found), Status::kOk);
  EXPECT_EQ(found, index);

  // Programs that are loaded later see the same values.
  TestObject later(inlay_every_context_object());
  ASSERT_EQ(pinned->ShareWith(later.get()), Status::kOk);
  ASSERT_EQ(LiveMap::Prepare(later.get(), {}), Status::kOk);
  ASSERT_EQ(later.Load(), 0);
  Pair pair;
  ASSERT_EQ(map->Set(pair.receiver.get(), BytesOf(Policy{1, 2})), Status::kOk);
  auto* const seen = static_cast<Exchange*>(later.Section(".bss"));
  later.Attach("in_packet", cgroup_.fd());
  pair.Send();
  EXPECT_EQ(seen->seen, (Policy{1, 2}));
  EXPECT_EQ(LiveMap::Unpin(folder, "policies"), Status::kOk);
  EXPECT_EQ(LiveMap::Open(folder, "policies", &pinned), Status::kNotFound);
  umount2("/sys/fs/bpf", MNT_DETACH);
}

}  // namespace
}  // namespace inlay::live_maps
