// W2: a get makes no store to shared memory. Gets run in a process whose owners, table and heap are
// mapped read-only: the first store would end it.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "tests/numbered_value.h"
#include "tests/print_status.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INLAY_READ_ONLY_TEST_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define INLAY_READ_ONLY_TEST_ASAN 1
#endif

namespace inlay {
namespace {

constexpr uint32_t kReadOnlyValueBytes = 40;
// Two of each: absent, interned and spilled, in this order.
constexpr size_t kReadOnlyOwners = 6;

struct ReadOnlyOwner {
  InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// Separate pages for a test's objects.
class OwnPages {
 public:
  OwnPages() {
    at_ = mmap(nullptr, PageBytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(at_, MAP_FAILED);
  }
  ~OwnPages() { munmap(at_, PageBytes()); }
  void* at() const { return at_; }

 private:
  void* at_ = nullptr;
};

bool ProtectRange(uintptr_t begin, uintptr_t end) {
  return mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_READ) == 0;
}

// Makes the calling process's anonymous memory read-only, except its stack and its thread's memory.
// Under AddressSanitizer, which writes to memory of its own, only the given range. The process can
// do little but read afterwards. False on failure.
bool ProtectSharedMemory(const void* range, size_t range_bytes) {
#ifdef INLAY_READ_ONLY_TEST_ASAN
  const uintptr_t from = reinterpret_cast<uintptr_t>(range) / PageBytes() * PageBytes();
  return ProtectRange(from, reinterpret_cast<uintptr_t>(range) + range_bytes);
#else
  struct Range {
    uintptr_t begin;
    uintptr_t end;
  };
  static std::array<Range, 1024> ranges;
  size_t count = 0;
  const auto own = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  if (maps == nullptr) return false;
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char mode[5] = {};
    uint64_t inode = 0;
    char name[256] = {};
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %" SCNu64 " %255s", &begin, &end,
                    mode, &inode, name) < 4) {
      return false;
    }
    const bool anonymous = inode == 0 && (name[0] == '\0' || std::string_view(name) == "[heap]");
    if (!anonymous || mode[1] != 'w' || (own >= begin && own < end)) continue;
    if (count == ranges.size()) return false;
    ranges[count++] = {begin, end};
  }
  std::fclose(maps);
  bool covers = false;
  const auto wanted = reinterpret_cast<uintptr_t>(range);
  for (size_t i = 0; i < count; ++i) {
    covers = covers || (wanted >= ranges[i].begin && wanted + range_bytes <= ranges[i].end);
    if (!ProtectRange(ranges[i].begin, ranges[i].end)) return false;
  }
  return covers;
#endif
}

// Whether `what` returns true in a child process with this thread only.
template <typename What>
bool TrueInChild(const What& what) {
  const pid_t child = fork();
  if (child == 0) {
    // A store to read-only memory must end the child silently.
    signal(SIGSEGV, SIG_DFL);
    _exit(what() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A map with two indexes, and owners in each state.
template <typename Owner>
void FillReadOnly(IndexMap& map, std::span<Owner* const> owners) {
  for (size_t i = 2; i < owners.size(); ++i) {
    ASSERT_EQ(map.Update(*owners[i], NumberedValue(i, kReadOnlyValueBytes), UpdateFlag::kAny),
              Status::kOk);
  }
  ASSERT_EQ(map.stats().table.live, 2U);
  ASSERT_EQ(map.stats().spilled_now, 2U);
}

template <typename Owner>
bool GetsAreRight(IndexMap& map, std::span<Owner* const> owners, std::span<const Bytes> expected) {
  const ReadSection section;
  // The two of them that have an index.
  const auto expected_index = [](size_t i) {
    return i == 2 || i == 3 ? static_cast<ValueIndex>(i - 1) : kNoIndex;
  };
  std::array<const std::byte*, kReadOnlyOwners> many;
  map.GetMany(owners, std::span<const std::byte*>(many));
  for (size_t i = 0; i < owners.size(); ++i) {
    const std::byte* const found = map.Get(*owners[i]);
    if (found != many[i] || (found == nullptr) != expected[i].empty()) return false;
    if (found != nullptr && std::memcmp(found, expected[i].data(), expected[i].size()) != 0) {
      return false;
    }
    // Of a value that exists; and the search of the table by the bytes.
    if (found != nullptr && map.GetOrCreate(*owners[i], {}) != found) return false;
    if (found != nullptr && map.table().Find({found, kReadOnlyValueBytes}) != expected_index(i)) {
      return false;
    }
  }
  return true;
}

template <typename Owner>
void ExpectGetsDoNotStore(IndexMap& map, std::span<Owner* const> owners, const void* range,
                          size_t range_bytes) {
  std::vector<Bytes> expected(owners.size());
  for (size_t i = 2; i < owners.size(); ++i) expected[i] = NumberedValue(i, kReadOnlyValueBytes);
  const auto gets = [&] {
    return ProtectSharedMemory(range, range_bytes) && GetsAreRight<Owner>(map, owners, expected);
  };
  EXPECT_TRUE(TrueInChild(gets));
  // Proof of the protection: a store to an owner ends the process.
  const auto stores = [&] {
    if (ProtectSharedMemory(range, range_bytes)) static_cast<void>(map.Delete(*owners[2]));
    return true;
  };
  EXPECT_FALSE(TrueInChild(stores));
}

std::unique_ptr<IndexMap> MakeReadOnlyMap(Store& store) {
  MapOptions options;
  options.value_bytes = kReadOnlyValueBytes;
  options.width_bits = 2;
  std::unique_ptr<IndexMap> map;
  EXPECT_EQ(IndexMap::Create(store, options, &map), Status::kOk);
  return map;
}

TEST(ReadOnlyGetTest, W2PlainOwnersWithASideTable) {
  std::unique_ptr<Store> store;
  ASSERT_EQ(Store::Create({.reserved_bits = 16}, &store), Status::kOk);
  const std::unique_ptr<IndexMap> map = MakeReadOnlyMap(*store);
  ASSERT_NE(map, nullptr);
  const OwnPages pages;
  std::vector<ReadOnlyOwner*> owners;
  for (size_t i = 0; i < kReadOnlyOwners; ++i) {
    owners.push_back(new (static_cast<ReadOnlyOwner*>(pages.at()) + i) ReadOnlyOwner);
  }
  FillReadOnly<ReadOnlyOwner>(*map, owners);
  ExpectGetsDoNotStore<ReadOnlyOwner>(*map, owners, pages.at(), PageBytes());
  for (ReadOnlyOwner* const owner : owners) store->Close(*owner);
}

TEST(ReadOnlyGetTest, W2SocketsWithPrivateValuesInTheirSlots) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.inline_bits = 16}, &table), Status::kOk);
  const std::unique_ptr<IndexMap> map = MakeReadOnlyMap(table->store());
  ASSERT_NE(map, nullptr);
  std::vector<Socket*> owners;
  for (size_t i = 0; i < kReadOnlyOwners; ++i) {
    int fd = -1;
    ASSERT_EQ(table->Open(SocketFamily::kUdp, &fd), Status::kOk);
    const ReadSection section;
    Socket* socket = nullptr;
    ASSERT_EQ(table->Find(fd, &socket), Status::kOk);
    owners.push_back(socket);
  }
  FillReadOnly<Socket>(*map, owners);
  ExpectGetsDoNotStore<Socket>(*map, owners, owners[2], sizeof(Socket));
}

}  // namespace
}  // namespace inlay
