// Run-time constants: every Load() of the program returns the number of the last Set(), in every
// file and every copy of a function. Set() changes nothing else, and nothing at all on failure.
//
// Built several times: see CMakeLists.txt. Where Load() reads a variable there are no places, and
// only the tests of the first part run.

#include "inlay/runtime_constant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/memory/address_range.h"
#include "tests/engine/layouts/runtime_constant_units.h"
#include "tests/failing_allocations.h"
#include "tests/print_status.h"

namespace inlay {

// The next calls of mremap() and mprotect() by the library. -1: all succeed. Otherwise the first
// number succeed, then the second number fail with EPERM, then all succeed again.
int calls_before_failure = -1;
int failing_calls = 0;

bool SystemCallFails() {
  if (calls_before_failure < 0) return false;
  if (calls_before_failure != 0) {
    --calls_before_failure;
    return false;
  }
  if (failing_calls == 0) return false;
  --failing_calls;
  return true;
}

}  // namespace inlay

// They replace the C library's functions in this program.
extern "C" void* mremap(void* old_address, size_t old_size, size_t new_size, int flags,
                        ...) noexcept {
  va_list arguments;
  va_start(arguments, flags);
  void* const new_address = va_arg(arguments, void*);
  va_end(arguments);
  if (inlay::SystemCallFails()) {
    errno = EPERM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(
      syscall(SYS_mremap, old_address, old_size, new_size, flags, new_address));
}

extern "C" int mprotect(void* address, size_t size, int protection) noexcept {
  if (inlay::SystemCallFails()) {
    errno = EPERM;
    return -1;
  }
  return static_cast<int>(syscall(SYS_mprotect, address, size, protection));
}

namespace inlay {
namespace {

using testing::Each;

template <typename Constant>
std::vector<uint32_t> AllLoads() {
  std::vector<uint32_t> numbers = LoadsHere<Constant>();
  const std::vector<uint32_t> others = LoadsInOtherUnit<Constant>();
  numbers.insert(numbers.end(), others.begin(), others.end());
  numbers.push_back(Constant::Load());
  return numbers;
}

TEST(RuntimeConstantTest, BeforeSetIsARecognisableNumber) {
  static_assert(Untouched::kUnset == 0x5e7f1257);
  EXPECT_THAT(AllLoads<Untouched>(), Each(Untouched::kUnset));
}

TEST(RuntimeConstantTest, EveryLoadGivesWhatWasSetLast) {
  for (const uint32_t value : {1024U, 0U, 1U, 0xffffffffU, 0x80000000U, 0x12345678U, 0x10000U,
                               0xffffU, Repeated::kUnset, 0x12345678U}) {
    ASSERT_EQ(Repeated::Set(value), Status::kOk);
    ASSERT_THAT(AllLoads<Repeated>(), Each(value));
    ASSERT_EQ(Repeated::Set(value), Status::kOk);
    ASSERT_THAT(AllLoads<Repeated>(), Each(value));
  }
}

TEST(RuntimeConstantTest, LoadsAndSetsOfOneFunctionStayInOrder) {
  ASSERT_EQ(Neighbour::Set(1), Status::kOk);
  const uint32_t first = Neighbour::Load();
  ASSERT_EQ(Neighbour::Set(2), Status::kOk);
  const uint32_t second = Neighbour::Load();
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(second, 2U);
}

TEST(RuntimeConstantTest, AnotherConstantKeepsItsValue) {
  ASSERT_EQ(Neighbour::Set(77), Status::kOk);
  ASSERT_EQ(Repeated::Set(88), Status::kOk);
  EXPECT_THAT(AllLoads<Neighbour>(), Each(77U));
  EXPECT_THAT(AllLoads<Untouched>(), Each(Untouched::kUnset));
  ASSERT_EQ(Neighbour::Set(78), Status::kOk);
  EXPECT_THAT(AllLoads<Repeated>(), Each(88U));
}

TEST(RuntimeConstantTest, AThreadStartedAfterSetSeesTheValue) {
  for (uint32_t value = 1; value != 10; ++value) {
    ASSERT_EQ(Repeated::Set(value), Status::kOk);
    std::thread([&] { EXPECT_THAT(AllLoads<Repeated>(), Each(value)); }).join();
  }
}

TEST(RuntimeConstantTest, WithoutPlacesThereIsNothingToDo) {
  Placeless::ForEachPlace([](const std::byte*) { ADD_FAILURE(); });
  EXPECT_EQ(Placeless::Set(5), Status::kOk);
}

#ifndef INLAY_RUNTIME_CONSTANT_LOADS

#if defined(__x86_64__)
constexpr size_t kCodeBytes = 4;

uint32_t NumberAt(const std::byte* code) {
  uint32_t number;
  std::memcpy(&number, code, sizeof(number));
  return number;
}

// mov imm32, r32, whose first byte holds the register.
bool IsLoad(const std::byte* code) { return (static_cast<uint8_t>(code[-1]) & 0xf8) == 0xb8; }
#else
constexpr size_t kCodeBytes = 8;

std::array<uint32_t, 2> Instructions(const std::byte* code) {
  std::array<uint32_t, 2> instructions;
  std::memcpy(&instructions, code, sizeof(instructions));
  return instructions;
}

uint32_t NumberAt(const std::byte* code) {
  const auto [movz, movk] = Instructions(code);
  return (movz >> 5 & 0xffff) | (movk >> 5 & 0xffff) << 16;
}

bool IsLoad(const std::byte* code) {
  const auto [movz, movk] = Instructions(code);
  return (movz & 0xffe00000) == 0x52800000 && (movk & 0xffe00000) == 0x72a00000 &&
         (movz & 0x1f) == (movk & 0x1f);
}
#endif

template <typename Constant>
std::vector<const std::byte*> Places() {
  std::vector<const std::byte*> places;
  Constant::ForEachPlace([&](const std::byte* code) { places.push_back(code); });
  return places;
}

template <typename Constant>
std::vector<uint32_t> NumbersInCode() {
  std::vector<uint32_t> numbers;
  for (const std::byte* code : Places<Constant>()) numbers.push_back(NumberAt(code));
  return numbers;
}

uintptr_t PageOf(const std::byte* address) {
  return reinterpret_cast<uintptr_t>(address) / PageRoundUp(1) * PageRoundUp(1);
}

template <typename Constant>
std::set<uintptr_t> PagesOfPlaces() {
  std::set<uintptr_t> pages;
  for (const std::byte* code : Places<Constant>()) {
    pages.insert(PageOf(code));
    pages.insert(PageOf(code + kCodeBytes - 1));
  }
  return pages;
}

// Every byte of the pages that hold places, by its address.
template <typename Constant>
std::map<const std::byte*, std::byte> BytesOfPages() {
  std::map<const std::byte*, std::byte> bytes;
  for (const uintptr_t page : PagesOfPlaces<Constant>()) {
    const auto* const begin = reinterpret_cast<const std::byte*>(page);
    for (const std::byte* byte = begin; byte != begin + PageRoundUp(1); ++byte) {
      bytes.emplace(byte, *byte);
    }
  }
  return bytes;
}

struct Mapping {
  uintptr_t begin;
  uintptr_t end;
  std::string protection;  // as in "r-xp"
  std::string line;
};

std::vector<Mapping> Mappings() {
  std::vector<Mapping> mappings;
  std::ifstream file("/proc/self/maps");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Mapping mapping{.begin = 0, .end = 0, .protection = "", .line = line};
    char dash;
    words >> std::hex >> mapping.begin >> dash >> mapping.end >> mapping.protection;
    mappings.push_back(mapping);
  }
  return mappings;
}

// Calls `body` in a child process and returns what it returned, or -1 if the child was killed.
template <typename Body>
int InChild(Body&& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

TEST(RuntimeConstantPlacesTest, AreTheImmediatesOfMoves) {
  const std::vector<const std::byte*> places = Places<Untouched>();
  // The six functions of runtime_constant_units.h have seven places, and more in inlined copies.
  EXPECT_GE(places.size(), 9U);
  EXPECT_EQ(std::set(places.begin(), places.end()).size(), places.size());
  for (const std::byte* code : places) {
    EXPECT_TRUE(IsLoad(code));
    EXPECT_EQ(NumberAt(code), Untouched::kUnset);
  }
}

TEST(RuntimeConstantPlacesTest, LieInSeveralRunsOfPagesAndAcrossABoundary) {
  const std::set<uintptr_t> pages = PagesOfPlaces<Untouched>();
  int runs = 0;
  for (const uintptr_t page : pages) runs += pages.contains(page - PageRoundUp(1)) ? 0 : 1;
  EXPECT_GE(runs, 3);
  if (PageRoundUp(1) != 4096) GTEST_SKIP() << "the place at a boundary is made for 4 KiB pages";
  const std::vector<const std::byte*> places = Places<Untouched>();
  EXPECT_TRUE(std::any_of(places.begin(), places.end(), [](const std::byte* code) {
    return PageOf(code) != PageOf(code + kCodeBytes - 1);
  }));
}

TEST(RuntimeConstantPlacesTest, OnlyTheirBytesChange) {
  ASSERT_EQ(Repeated::Set(0x11111111), Status::kOk);
  EXPECT_THAT(NumbersInCode<Repeated>(), Each(0x11111111U));
  const auto before = BytesOfPages<Repeated>();
  ASSERT_EQ(Repeated::Set(0xeeeeeeee), Status::kOk);  // every byte of the number is another
  EXPECT_THAT(NumbersInCode<Repeated>(), Each(0xeeeeeeeeU));
  const auto after = BytesOfPages<Repeated>();

  std::set<const std::byte*> bytes_of_places;
  for (const std::byte* code : Places<Repeated>()) {
    EXPECT_TRUE(IsLoad(code));
    for (size_t i = 0; i != kCodeBytes; ++i) bytes_of_places.insert(code + i);
  }
  size_t changed = 0;
  for (const auto& [address, byte] : before) {
    if (after.at(address) == byte) continue;
    ++changed;
    EXPECT_TRUE(bytes_of_places.contains(address));
  }
  EXPECT_GE(changed, 4 * Places<Repeated>().size());

  ASSERT_EQ(Repeated::Set(0x11111111), Status::kOk);
  EXPECT_EQ(BytesOfPages<Repeated>(), before);
}

TEST(RuntimeConstantPlacesTest, AreNeverWritable) {
  for (const uint32_t value : {1U, 2U}) {
    ASSERT_EQ(Mapped::Set(value), Status::kOk);
    const std::vector<Mapping> mappings = Mappings();
    ASSERT_FALSE(mappings.empty());
    for (const Mapping& mapping : mappings) {
      EXPECT_FALSE(mapping.protection.find('w') != std::string::npos &&
                   mapping.protection.find('x') != std::string::npos)
          << mapping.line;
    }
    for (const uintptr_t page : PagesOfPlaces<Mapped>()) {
      const auto found = std::find_if(
          mappings.begin(), mappings.end(),
          [&](const Mapping& mapping) { return mapping.begin <= page && page < mapping.end; });
      ASSERT_NE(found, mappings.end());
      EXPECT_EQ(found->protection, "r-xp") << found->line;
    }
  }
}

TEST(RuntimeConstantPlacesTest, SettingAgainTakesNoMoreMappings) {
  // The first round also fills the allocators' caches.
  size_t mappings = 0;
  for (const uint32_t first : {0U, 50U}) {
    mappings = Mappings().size();
    for (uint32_t i = 0; i != 50; ++i) ASSERT_EQ(Mapped::Set(first + i), Status::kOk);
  }
  EXPECT_LE(Mappings().size(), mappings + 4) << "beyond the test's own allocations";
}

// Expects `value` in every place of a constant.
template <typename Constant>
void ExpectValueEverywhere(uint32_t value) {
  EXPECT_THAT(NumbersInCode<Constant>(), Each(value));
  EXPECT_THAT(AllLoads<Constant>(), Each(value));
}

TEST(RuntimeConstantFailureTest, WithoutMemoryNothingChanges) {
  const uint32_t before = Refused::Load();
  const int failures = FailEachAllocation([] { return Refused::Set(100); },
                                          [&] { ExpectValueEverywhere<Refused>(before); });
  EXPECT_GE(failures, 3);
  ExpectValueEverywhere<Refused>(100);
}

TEST(RuntimeConstantFailureTest, WhenASystemCallIsRefusedNothingChanges) {
  ASSERT_EQ(Refused::Set(200), Status::kOk);
  constexpr int kTooMany = 1000;
  int allowed = 0;
  for (; allowed != kTooMany; ++allowed) {
    SCOPED_TRACE(testing::Message() << "with " << allowed << " calls allowed");
    failing_calls = 1;
    calls_before_failure = allowed;
    const Status status = Refused::Set(201);
    calls_before_failure = -1;
    if (status == Status::kOk) break;
    ASSERT_EQ(status, Status::kNotPermitted);
    ExpectValueEverywhere<Refused>(200);
  }
  // Two mprotect() calls, and twice as many mremap() calls as there are runs of pages.
  EXPECT_GE(allowed, 2 + 2 * 3);
  EXPECT_LT(allowed, kTooMany);
  ExpectValueEverywhere<Refused>(201);
}

TEST(RuntimeConstantFailureTest, CodeThatHoldsSomethingElseIsLeftAlone) {
  EXPECT_EQ(Small<Damaged>(), Damaged::kUnset);
  const std::vector<const std::byte*> places = Places<Damaged>();
  ASSERT_FALSE(places.empty());
  // A child changes one bit of the number in one place without Set().
  const int result = InChild([&] {
    const size_t bytes = PageRoundUp(1);
    auto* const page = reinterpret_cast<std::byte*>(PageOf(places[0]));
    void* const copy =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) return 1;
    std::memcpy(copy, page, bytes);
    static_cast<std::byte*>(copy)[places[0] - page] ^= std::byte{0x20};
    if (mprotect(copy, bytes, PROT_READ | PROT_EXEC) != 0) return 2;
    if (mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED) return 3;
    const std::vector<uint32_t> before = NumbersInCode<Damaged>();
    if (Damaged::Set(1) != Status::kNotPermitted) return 4;
    return NumbersInCode<Damaged>() == before ? 0 : 5;
  });
  EXPECT_EQ(result, 0);
}

TEST(RuntimeConstantFailureTest, AProcessThatGaveUpNewCodeKeepsItsOwn) {
  constexpr int kSetMdwe = 65;  // PR_SET_MDWE, Linux 6.3
  constexpr uint64_t kRefuseExecGain = 1;
  constexpr int kNoPrctl = 100;
  ASSERT_EQ(Refused::Set(300), Status::kOk);
  const int result = InChild([] {
    if (prctl(kSetMdwe, kRefuseExecGain, 0UL, 0UL, 0UL) != 0) return kNoPrctl;
    if (Refused::Set(301) != Status::kNotPermitted) return 1;
    const std::vector<uint32_t> loads = AllLoads<Refused>();
    const std::vector<uint32_t> numbers = NumbersInCode<Refused>();
    const auto is_old = [](uint32_t number) { return number == 300; };
    if (!std::all_of(loads.begin(), loads.end(), is_old)) return 2;
    if (!std::all_of(numbers.begin(), numbers.end(), is_old)) return 3;
    return 0;
  });
  if (result == kNoPrctl) GTEST_SKIP() << "the system has no PR_SET_MDWE";
  EXPECT_EQ(result, 0);
}

#if defined(__has_feature)
#define INLAY_TEST_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define INLAY_TEST_SANITIZED 0
#endif

// A child uses up the mappings that a process may have, then frees one after the other.
TEST(RuntimeConstantFailureTest, WithTooManyMappingsNothingChanges) {
  constexpr int kUnlimited = 100;
  constexpr size_t kMostMappings = 200'000;
  if (INLAY_TEST_SANITIZED) GTEST_SKIP() << "a sanitizer's runtime needs mappings of its own";
  const int result = InChild([] {
    // Every other page of a range is a mapping of its own.
    const size_t page = PageRoundUp(1);
    void* const range = mmap(nullptr, 2 * kMostMappings * page, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return kUnlimited;
    size_t split = 0;
    const auto protect = [&](size_t index, int protection) {
      return mprotect(static_cast<std::byte*>(range) + 2 * index * page, page, protection) == 0;
    };
    while (split != kMostMappings && protect(split, PROT_READ)) ++split;
    if (split == kMostMappings) return kUnlimited;

    // A constant that was never set, so its pages have no mappings of their own yet.
    int refusals = 0;
    while (split != 0) {
      const Status status = Untouched::Set(42);
      bool all_new = true;
      bool all_old = true;
      Untouched::ForEachPlace([&](const std::byte* code) {
        all_new = all_new && NumberAt(code) == 42;
        all_old = all_old && NumberAt(code) == Untouched::kUnset;
      });
      if (status == Status::kOk) return all_new && refusals > 2 ? 0 : 1;
      if (!all_old) return 2;
      if (status != Status::kNoMemory) return 3;
      ++refusals;
      if (!protect(--split, PROT_NONE)) return 4;
    }
    return 5;
  });
  if (result == kUnlimited) GTEST_SKIP() << "the system lets a process have too many mappings";
  EXPECT_EQ(result, 0);
}

// Not a supported use of Set(); but other threads may run code in the same pages, which must never
// disappear.
TEST(RuntimeConstantConcurrentTest, CodeStaysInPlaceWhileItIsExchanged) {
  // Both numbers have one half in common, so every mixture of halves is one of the two.
  constexpr uint32_t kOne = 0x1234'0000;
  constexpr uint32_t kOther = 0x4321'0000;
  ASSERT_EQ(Raced::Set(kOne), Status::kOk);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> loads{0};
  std::atomic<uint64_t> strangers{0};
  std::thread reader([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      for (const uint32_t number :
           {Small<Raced>(), OnItsOwnPage<Raced, 0>(), AcrossPages<Raced>(), Raced::Load()}) {
        if (number != kOne && number != kOther) strangers.fetch_add(1);
      }
      loads.fetch_add(1, std::memory_order_relaxed);
    }
  });
  while (loads.load(std::memory_order_relaxed) == 0) std::this_thread::yield();
  for (int i = 0; i != 500; ++i) ASSERT_EQ(Raced::Set(i % 2 == 0 ? kOther : kOne), Status::kOk);
  stop.store(true);
  reader.join();
  EXPECT_EQ(strangers.load(), 0U);
  EXPECT_EQ(Raced::Load(), kOne);
}

TEST(RuntimeConstantConcurrentTest, SetsOfTwoConstantsWaitForEachOther) {
  std::thread other([] {
    for (uint32_t value = 1; value != 200; ++value) ASSERT_EQ(Neighbour::Set(value), Status::kOk);
  });
  for (uint32_t value = 1; value != 200; ++value) ASSERT_EQ(Mapped::Set(value), Status::kOk);
  other.join();
  ExpectValueEverywhere<Neighbour>(199);
  ExpectValueEverywhere<Mapped>(199);
}

#endif  // INLAY_RUNTIME_CONSTANT_LOADS

}  // namespace
}  // namespace inlay
