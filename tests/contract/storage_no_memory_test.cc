// Guarantee V4 on every layout: an operation that returns kNoMemory changes nothing.

#include <gtest/gtest.h>

#include <cstring>

#include "tests/contract/contract_fixture.h"
#include "tests/failing_allocations.h"

namespace inlay {
namespace {

// So large that every layout needs memory from the system for it.
constexpr uint32_t kLargeBytes = 9000;

template <typename L>
class StorageNoMemoryTest : public ContractTest<L> {
 protected:
  using Map = typename L::Map;
  void SetUp() override {
    ContractTest<L>::SetUp();
    ASSERT_EQ(this->CreateMap(kLargeBytes, true, &large_), Status::kOk);
  }
  void TearDown() override {
    std::string reason;
    EXPECT_TRUE(large_->CheckInvariants(&reason)) << reason;
    EXPECT_TRUE(this->table_->store().CheckInvariants(&reason)) << reason;
    large_.reset();
    ContractTest<L>::TearDown();
    RetireBarrier();
    EXPECT_EQ(this->MapBytes(), 0U);
  }
  static Bytes Large(uint64_t n) { return NumberedValue(n, kLargeBytes); }
  Status PutLarge(Socket& socket, uint64_t n, UpdateFlag flag = UpdateFlag::kAny) {
    return large_->Update(socket, Large(n), flag);
  }
  Bytes HeldLarge(const Socket& socket) { return this->Held(*large_, socket); }

  std::unique_ptr<Map> large_;
};
TYPED_TEST_SUITE(StorageNoMemoryTest, AllLayouts, LayoutName);

TYPED_TEST(StorageNoMemoryTest, CreateOfAMap) {
  const size_t before = this->MapBytes();
  std::unique_ptr<typename TypeParam::Map> map;
  const int failures = FailEachAllocation([&] { return this->CreateMap(100, true, &map); },
                                          [&] {
                                            EXPECT_EQ(map, nullptr);
                                            EXPECT_EQ(this->MapBytes(), before);
                                          });
  EXPECT_GE(failures, 1);
  Socket& socket = this->OpenSocket();
  EXPECT_EQ(map->Update(socket, this->Value(1), UpdateFlag::kAny), Status::kOk);
}

TYPED_TEST(StorageNoMemoryTest, UpdateOfAbsent) {
  Socket& socket = this->OpenSocket();
  const int failures =
      FailEachAllocation([&] { return this->PutLarge(socket, 1); },
                         [&] {
                           EXPECT_TRUE(this->HeldLarge(socket).empty());
                           EXPECT_EQ(this->Charged(socket), 0);
                           EXPECT_EQ(this->large_->Delete(socket), Status::kNotFound);
                         });
  EXPECT_GE(failures, 1);
  EXPECT_EQ(this->HeldLarge(socket), this->Large(1));
}

// Uses many values, so that each structure of the engine has to grow at some step.
TYPED_TEST(StorageNoMemoryTest, UpdatesOfManyOwners) {
  int failures = 0;
  for (uint64_t n = 0; n < 300; ++n) {
    Socket& socket = this->OpenSocket();
    failures += FailEachAllocation([&] { return this->PutLarge(socket, n); },
                                   [&] { EXPECT_TRUE(this->HeldLarge(socket).empty()); });
    ASSERT_EQ(this->HeldLarge(socket), this->Large(n));
  }
  EXPECT_GE(failures, 2);
}

TYPED_TEST(StorageNoMemoryTest, UpdateOfPresent) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->PutLarge(socket, 0), Status::kOk);
  for (uint64_t n = 1; n < 100; ++n) {
    const int32_t charged = socket.sk_omem_alloc.load();
    FailEachAllocation([&] { return this->PutLarge(socket, n, UpdateFlag::kExist); },
                       [&] {
                         EXPECT_EQ(this->HeldLarge(socket), this->Large(n - 1));
                         EXPECT_EQ(socket.sk_omem_alloc.load(), charged);
                       });
    ASSERT_EQ(this->HeldLarge(socket), this->Large(n));
  }
}

TYPED_TEST(StorageNoMemoryTest, Modify) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->PutLarge(socket, 0), Status::kOk);
  for (uint64_t n = 1; n < 100; ++n) {
    const auto change = [n](std::span<std::byte> value) {
      const Bytes next = NumberedValue(n, kLargeBytes);
      std::memcpy(value.data(), next.data(), next.size());
    };
    FailEachAllocation([&] { return this->large_->Modify(socket, change); },
                       [&] { EXPECT_EQ(this->HeldLarge(socket), this->Large(n - 1)); });
    ASSERT_EQ(this->HeldLarge(socket), this->Large(n));
  }
}

TYPED_TEST(StorageNoMemoryTest, GetOrCreate) {
  for (uint64_t n = 0; n < 100; ++n) {
    Socket& socket = this->OpenSocket();
    const Bytes init = n % 2 == 0 ? this->Large(n) : Bytes();
    Status status = Status::kOk;
    FailEachAllocation(
        [&] {
          const bool made = !this->Created(*this->large_, socket, init, &status).empty();
          EXPECT_EQ(made, status == Status::kOk);
          return status;
        },
        [&] { EXPECT_TRUE(this->HeldLarge(socket).empty()); });
    ASSERT_EQ(this->HeldLarge(socket), n % 2 == 0 ? this->Large(n) : Zeroes(kLargeBytes));
  }
}

TYPED_TEST(StorageNoMemoryTest, Clone) {
  Socket& parent = this->OpenSocket();
  for (uint64_t n = 0; n < 100; ++n) {
    ASSERT_EQ(this->PutLarge(parent, n), Status::kOk);
    Socket& child = this->OpenSocket();
    FailEachAllocation([&] { return this->large_->Clone(parent, child); },
                       [&] { EXPECT_TRUE(this->HeldLarge(child).empty()); });
    ASSERT_EQ(this->HeldLarge(child), this->Large(n));
  }
}

TYPED_TEST(StorageNoMemoryTest, Accept) {
  std::unique_ptr<typename TypeParam::Map> second;
  ASSERT_EQ(this->CreateMap(kLargeBytes, true, &second), Status::kOk);
  const int listener = this->OpenListener();
  for (uint64_t n = 0; n < 50; ++n) {
    ASSERT_EQ(this->PutLarge(this->SocketOf(listener), n), Status::kOk);
    ASSERT_EQ(second->Update(this->SocketOf(listener), this->Large(n + 1), UpdateFlag::kAny),
              Status::kOk);
    const size_t sockets = this->table_->sockets();
    int fd = -1;
    FailEachAllocation([&] { return this->table_->Accept(listener, &fd); },
                       [&] {
                         EXPECT_EQ(fd, -1);
                         EXPECT_EQ(this->table_->sockets(), sockets);
                       });
    ASSERT_EQ(this->HeldLarge(this->SocketOf(fd)), this->Large(n));
    ASSERT_EQ(this->Held(*second, this->SocketOf(fd)), this->Large(n + 1));
  }
}

TYPED_TEST(StorageNoMemoryTest, DeleteNeedsNone) {
  Socket& socket = this->OpenSocket();
  ASSERT_EQ(this->PutLarge(socket, 1), Status::kOk);
  SetAllocationsLeftForTest(0);
  EXPECT_EQ(this->large_->Delete(socket), Status::kOk);
  EXPECT_EQ(this->large_->Delete(socket), Status::kNotFound);
  SetAllocationsLeftForTest(-1);
}

TYPED_TEST(StorageNoMemoryTest, GetNeedsNone) {
  Socket& present = this->OpenSocket();
  Socket& absent = this->OpenSocket();
  ASSERT_EQ(this->PutLarge(present, 1), Status::kOk);
  SetAllocationsLeftForTest(0);
  {
    ReadSection section;
    EXPECT_NE(this->large_->Get(present), nullptr);
    EXPECT_EQ(this->large_->Get(absent), nullptr);
  }
  SetAllocationsLeftForTest(-1);
}

}  // namespace
}  // namespace inlay
