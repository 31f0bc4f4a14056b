// The programs that inlay_programs.bpf.h ships, on the running kernel.

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/live_kernel/embedded_object.h"
#include "engine/live_kernel/file_descriptor.h"
#include "engine/live_kernel/scratch_cgroup.h"
#include "inlay/live_map.h"
#include "tests/bpf/every_context.h"
#include "tests/bpf/test_object.h"
#include "tests/print_status.h"

INLAY_EMBED_OBJECT(inlay_ready_programs_object)

namespace inlay::live_maps {
namespace {

using live_kernel::FileDescriptor;

FileDescriptor OpenSocket(int type, int family = AF_INET) {
  return FileDescriptor(socket(family, type | SOCK_CLOEXEC, 0));
}

class ReadyProgramsTest : public testing::Test {
 protected:
  ReadyProgramsTest() {
    EXPECT_EQ(LiveMap::Prepare(object_.get(), {}), Status::kOk);
    EXPECT_EQ(object_.Load(), 0);
    EXPECT_EQ(LiveMap::Open(object_.get(), "kept", &kept_), Status::kOk);
    EXPECT_EQ(LiveMap::Open(object_.get(), "cloned", &cloned_), Status::kOk);
    exempt_ = static_cast<uint32_t*>(object_.Section(".data.guard"));
    next_ = static_cast<Policy*>(object_.Section(".bss"));
  }

  static uint64_t RateOf(const LiveMap& map, const FileDescriptor& fd) {
    Policy policy = {};
    const Status status = map.Get(fd.get(), std::as_writable_bytes(std::span(&policy, 1)));
    return status == Status::kOk ? policy.rate : 0;
  }
  static Status Set(LiveMap& map, const FileDescriptor& fd, uint64_t rate) {
    const Policy policy = {rate, 0};
    return map.Set(fd.get(), std::as_bytes(std::span(&policy, 1)));
  }
  // In a storage map, by descriptor.
  uint64_t StoredRate(const char* map, const FileDescriptor& fd) const {
    Policy policy = {};
    const int key = fd.get();
    const int storage = bpf_object__find_map_fd_by_name(object_.get(), map);
    return bpf_map_lookup_elem(storage, &key, &policy) == 0 ? policy.rate : 0;
  }

  live_kernel::ScratchCgroup cgroup_;
  TestObject object_{inlay_ready_programs_object()};
  std::unique_ptr<LiveMap> kept_;
  std::unique_ptr<LiveMap> cloned_;
  uint32_t* exempt_ = nullptr;
  Policy* next_ = nullptr;
};

// --- a mark that is shared with applications ---

class KeepBitsTest : public ReadyProgramsTest {
 protected:
  KeepBitsTest() {
    object_.Attach("guard_setsockopt", cgroup_.fd());
    object_.Attach("guard_getsockopt", cgroup_.fd());
    ours_ = kept_->field().bits() | cloned_->field().bits();
  }

  void SetByProcess(const FileDescriptor& fd, uint64_t rate) {
    *exempt_ = static_cast<uint32_t>(getpid());
    EXPECT_EQ(Set(*kept_, fd, rate), Status::kOk);
    *exempt_ = 0;
  }
  uint64_t RateByProcess(const FileDescriptor& fd) {
    *exempt_ = static_cast<uint32_t>(getpid());
    const uint64_t rate = RateOf(*kept_, fd);
    *exempt_ = 0;
    return rate;
  }
  static int SetMark(const FileDescriptor& fd, uint32_t mark, socklen_t bytes = sizeof(uint32_t)) {
    const std::array<uint32_t, 2> value = {mark, 0};
    return setsockopt(fd.get(), SOL_SOCKET, SO_MARK, value.data(), bytes) == 0 ? 0 : errno;
  }
  static uint32_t MarkOf(const FileDescriptor& fd, socklen_t bytes = sizeof(uint32_t)) {
    uint32_t mark = 0;
    EXPECT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, &bytes), 0);
    return mark;
  }

  uint32_t ours_ = 0;
};

TEST_F(KeepBitsTest, AnApplicationHasTheOtherBits) {
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const FileDescriptor fd = OpenSocket(type, family);
      SetByProcess(fd, 7);
      EXPECT_EQ(MarkOf(fd), 0u);
      for (const uint32_t mark : {~0u, 0u, 0x12345678u}) {
        ASSERT_EQ(SetMark(fd, mark), 0);
        EXPECT_EQ(MarkOf(fd), mark & ~ours_);
        EXPECT_EQ(RateByProcess(fd), 7u);
      }
    }
  }
}

TEST_F(KeepBitsTest, AnApplicationCannotReadAPart) {
  const FileDescriptor fd = OpenSocket(SOCK_DGRAM);
  SetByProcess(fd, 7);
  ASSERT_EQ(SetMark(fd, ~0u), 0);
  for (socklen_t bytes = 1; bytes <= 3; ++bytes) {
    EXPECT_EQ(MarkOf(fd, bytes), ~ours_ & ((1u << 8 * bytes) - 1)) << bytes;
  }
}

TEST_F(KeepBitsTest, TheKernelsOwnErrorsStay) {
  const FileDescriptor fd = OpenSocket(SOCK_DGRAM);
  SetByProcess(fd, 7);
  EXPECT_EQ(SetMark(fd, 1, 2), EINVAL);
  EXPECT_EQ(SetMark(fd, 1, 8), 0);  // the kernel takes the first four
  EXPECT_EQ(MarkOf(fd), 1u);
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(1);
    _exit(SetMark(fd, 2) == EPERM ? 0 : 2);
  }
  int ended = 0;
  ASSERT_EQ(waitpid(child, &ended, 0), child);
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(RateByProcess(fd), 7u);
}

TEST_F(KeepBitsTest, AProcessThatIsNotExemptIsTold) {
  const FileDescriptor fd = OpenSocket(SOCK_DGRAM);
  EXPECT_EQ(Set(*kept_, fd, 7), Status::kUnsupported);
  EXPECT_EQ(RateByProcess(fd), 0u);
  SetByProcess(fd, 8);
  EXPECT_EQ(Set(*kept_, fd, 9), Status::kUnsupported);
  EXPECT_EQ(RateOf(*kept_, fd), 0u);
  EXPECT_EQ(RateByProcess(fd), 8u);
}

// --- children ---

// A listener whose client has sent its SYN, was answered, and waits to send data: until then there
// is no child (TCP_DEFER_ACCEPT).
class FollowListenersTest : public ReadyProgramsTest, public testing::WithParamInterface<bool> {
 protected:
  bool by_program() const { return GetParam(); }
  void SetUp() override {
    object_.Attach("set_policy", cgroup_.fd());
    object_.Attach("cloned_sockops", cgroup_.fd());
  }
  // 0: takes the value away. In Inlay and in a storage of the kernel's.
  void Give(const FileDescriptor& fd, uint64_t rate) {
    *next_ = {rate, 0};
    const int unused = 0;
    if (by_program()) {
      ASSERT_EQ(setsockopt(fd.get(), kExchangeLevel, 1, &unused, sizeof(unused)), 0);
      return;
    }
    const int key = fd.get();
    const int kernels = bpf_object__find_map_fd_by_name(object_.get(), "kernels");
    if (rate == 0) {
      EXPECT_EQ(cloned_->Delete(fd.get()), Status::kOk);
      EXPECT_EQ(bpf_map_delete_elem(kernels, &key), 0);
    } else {
      EXPECT_EQ(Set(*cloned_, fd, rate), Status::kOk);
      EXPECT_EQ(bpf_map_update_elem(kernels, &key, next_, BPF_ANY), 0);
    }
  }
  void Listen() {
    const int seconds = 30;
    ASSERT_EQ(setsockopt(listener_.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)),
              0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const at = reinterpret_cast<sockaddr*>(&address);
    socklen_t bytes = sizeof(address);
    ASSERT_EQ(bind(listener_.get(), at, bytes), 0);
    ASSERT_EQ(listen(listener_.get(), 16), 0);
    ASSERT_EQ(getsockname(listener_.get(), at, &bytes), 0);
    address_ = address;
  }
  void Connect() {
    client_ = OpenSocket(SOCK_STREAM);
    ASSERT_EQ(
        connect(client_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)), 0);
  }
  FileDescriptor Accept() {
    const char byte = 0;
    EXPECT_EQ(send(client_.get(), &byte, 1, 0), 1);
    return FileDescriptor(accept(listener_.get(), nullptr, nullptr));
  }

  FileDescriptor listener_ = OpenSocket(SOCK_STREAM);
  FileDescriptor client_;
  sockaddr_in address_ = {};
};
INSTANTIATE_TEST_SUITE_P(Ready, FollowListenersTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "ByProgram" : "ByProcess"; });

TEST_P(FollowListenersTest, AChildHasTheValueOfItsAck) {
  Give(listener_, 1);
  Listen();
  Connect();
  Give(listener_, 2);
  const FileDescriptor child = Accept();
  Give(listener_, 3);
  EXPECT_EQ(RateOf(*cloned_, child), 2u);
  EXPECT_EQ(StoredRate("kernels", child), 2u);
  EXPECT_EQ(StoredRate("cloned", child), 0u);  // takes no memory
  EXPECT_EQ(RateOf(*cloned_, listener_), 3u);
  Connect();
  EXPECT_EQ(RateOf(*cloned_, Accept()), 3u);
}

// The value comes after listen(), and after the SYN.
TEST_P(FollowListenersTest, AListenerMayGetItsFirstValueLate) {
  Listen();
  Connect();
  Give(listener_, 2);
  const FileDescriptor child = Accept();
  EXPECT_EQ(RateOf(*cloned_, child), 2u);
  EXPECT_EQ(StoredRate("kernels", child), 2u);
}

// Here both differ, as inlay_programs.bpf.h says.
TEST_P(FollowListenersTest, AValueThatWasTakenAwayIsThatOfTheSyn) {
  Give(listener_, 1);
  Listen();
  Connect();
  Give(listener_, 0);
  const FileDescriptor child = Accept();
  EXPECT_EQ(RateOf(*cloned_, child), 1u);
  EXPECT_EQ(StoredRate("kernels", child), 0u);
  Connect();
  EXPECT_EQ(RateOf(*cloned_, Accept()), 0u);
}

// From an index to a spilled value and back.
TEST_P(FollowListenersTest, SpilledValues) {
  for (uint64_t rate = 1; rate <= kMostPolicies; ++rate) {
    const Policy policy = {rate, 0};
    uint32_t index = 0;
    ASSERT_EQ(cloned_->Intern(std::as_bytes(std::span(&policy, 1)), &index), Status::kOk);
  }
  Give(listener_, 1);
  Listen();
  Connect();
  Give(listener_, 100);
  const FileDescriptor first = Accept();
  EXPECT_EQ(RateOf(*cloned_, first), 100u);
  EXPECT_EQ(StoredRate("cloned", first), 100u);
  Connect();
  Give(listener_, 2);
  const FileDescriptor second = Accept();
  EXPECT_EQ(RateOf(*cloned_, second), 2u);
  EXPECT_EQ(StoredRate("cloned", second), 0u);
  Give(listener_, 0);
  EXPECT_EQ(StoredRate("cloned", listener_), 0u);
}

// What a child has without the program: the value of its SYN.
TEST_P(FollowListenersTest, WithoutTheProgramItIsTheValueOfTheSyn) {
  object_.Detach();
  object_.Attach("set_policy", cgroup_.fd());
  Give(listener_, 1);
  Listen();
  Connect();
  Give(listener_, 2);
  const FileDescriptor child = Accept();
  EXPECT_EQ(RateOf(*cloned_, child), 1u);
  EXPECT_EQ(StoredRate("kernels", child), 2u);
}

}  // namespace
}  // namespace inlay::live_maps
