// Flags, return values and the order of checks of inlay/emulated/bpf.h, on every layout.

#include "inlay/emulated/bpf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>

#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay::bpf {
namespace {

constexpr uint32_t kBpfValueBytes = 16;
constexpr uint64_t kHighBit = uint64_t{1} << 63;

template <typename Layout>
class BpfTest : public testing::Test {
 protected:
  using Storage = SkStorage<Layout>;

  void SetUp() override {
    ASSERT_EQ(SocketTable::Create({.inline_bits = 64, .tail_bytes = 256}, &table_), Status::kOk);
    ASSERT_EQ(Create({.value_bytes = kBpfValueBytes}, &map_), 0);
    ASSERT_EQ(Create({.value_bytes = kBpfValueBytes, .spin_lock = true}, &locked_), 0);
    ASSERT_EQ(table_->Open(SocketFamily::kTcp, &fd_), Status::kOk);
    ASSERT_EQ(table_->OpenFile(&file_), Status::kOk);
    ReadSection section;
    ASSERT_EQ(table_->Find(fd_, &socket_), Status::kOk);
  }
  int Create(const MapOptions& options, std::unique_ptr<Storage>* storage) {
    return map_create(*table_, options, storage);
  }
  int Update(Storage& storage, uint64_t n, uint64_t flags, int fd) {
    return map_update_elem(storage, *table_, fd, NumberedValue(n, kBpfValueBytes).data(), flags);
  }
  int Update(uint64_t n, uint64_t flags, int fd) { return Update(*map_, n, flags, fd); }
  int Update(uint64_t n, uint64_t flags) { return Update(n, flags, fd_); }
  int UpdateLocked(uint64_t n, uint64_t flags) { return Update(*locked_, n, flags, fd_); }
  Bytes Lookup(const Storage& storage, uint64_t flags = 0) {
    Bytes value(kBpfValueBytes);
    return map_lookup_elem(storage, *table_, fd_, value.data(), flags) == 0 ? value : Bytes();
  }
  Bytes Lookup() { return Lookup(*map_); }
  Bytes Get(Storage& storage, SocketCommon* sk, const void* init, uint64_t flags) {
    ReadSection section;
    return Copied(static_cast<const std::byte*>(sk_storage_get(storage, sk, init, flags)),
                  kBpfValueBytes);
  }
  Bytes Get(SocketCommon* sk, const void* init, uint64_t flags) {
    return Get(*map_, sk, init, flags);
  }
  static Bytes Value(uint64_t n) { return NumberedValue(n, kBpfValueBytes); }
  // The value as a map with a lock returns it.
  static Bytes LockedValue(uint64_t n) {
    Bytes value = Value(n);
    std::fill_n(value.begin(), kSpinLockBytes, std::byte{});
    return value;
  }

  std::unique_ptr<SocketTable> table_;
  std::unique_ptr<Storage> map_;
  std::unique_ptr<Storage> locked_;  // its values hold a bpf_spin_lock
  Socket* socket_ = nullptr;
  int fd_ = -1;
  int file_ = -1;
};
using Layouts = testing::Types<PointerMap, InlineMap, SinglePointerMap, SharedPointerMap, IndexMap>;
TYPED_TEST_SUITE(BpfTest, Layouts);

TYPED_TEST(BpfTest, CreateRefusesWhatTheKernelDoes) {
  typename TestFixture::Storage* const before = this->map_.get();
  const auto create = [this](uint32_t value_bytes, bool spin_lock) {
    return this->Create({.value_bytes = value_bytes, .spin_lock = spin_lock}, &this->map_);
  };
  EXPECT_EQ(create(0, false), -EINVAL);
  EXPECT_EQ(create(0, true), -EINVAL);
  EXPECT_EQ(create(kSpinLockBytes - 1, true), -EINVAL);
  EXPECT_EQ(create(kMaxValueBytes + 1, false), -E2BIG);
  EXPECT_EQ(create(kMaxValueBytes + 1, true), -E2BIG);
  EXPECT_EQ(create(~uint32_t{0}, false), -E2BIG);
  EXPECT_EQ(this->map_.get(), before) << "unchanged on failure";
}

TYPED_TEST(BpfTest, CreateAllowsTheSmallestAndTheLargest) {
  std::unique_ptr<typename TestFixture::Storage> made;
  EXPECT_EQ(this->Create({.value_bytes = 1}, &made), 0);
  EXPECT_EQ(this->Create({.value_bytes = kMaxValueBytes}, &made), 0);
  EXPECT_EQ(this->Create({.value_bytes = kSpinLockBytes, .spin_lock = true}, &made), 0);
  EXPECT_EQ(this->Create({.value_bytes = kMaxValueBytes, .spin_lock = true}, &made), 0);
}

TYPED_TEST(BpfTest, UpdateFlagsOnAbsentAndPresent) {
  EXPECT_EQ(this->Update(1, BPF_EXIST), -ENOENT);
  EXPECT_EQ(this->Update(1, BPF_NOEXIST), 0);
  EXPECT_EQ(this->Update(2, BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(this->Lookup(), this->Value(1));
  EXPECT_EQ(this->Update(2, BPF_EXIST), 0);
  EXPECT_EQ(this->Update(3, BPF_ANY), 0);
  EXPECT_EQ(this->Lookup(), this->Value(3));
}

TYPED_TEST(BpfTest, UpdateWithOtherFlagsIsInvalidInEveryState) {
  for (int present = 0; present < 2; ++present) {
    for (const uint64_t flags :
         {uint64_t{3}, uint64_t{4}, uint64_t{5}, uint64_t{6}, uint64_t{7}, uint64_t{8},
          uint64_t{1} << 32, uint64_t{1} << 32 | 1, kHighBit, ~uint64_t{0}}) {
      EXPECT_EQ(this->Update(9, flags), -EINVAL) << flags;
    }
    EXPECT_EQ(this->Lookup(), present == 0 ? Bytes() : this->Value(1));
    ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  }
}

TYPED_TEST(BpfTest, UpdateChecksTheLockFlagThenTheKeyThenTheFlags) {
  EXPECT_EQ(this->Update(1, BPF_F_LOCK, -1), -EINVAL);
  EXPECT_EQ(this->Update(1, BPF_F_LOCK, this->file_), -EINVAL);
  EXPECT_EQ(this->Update(1, 3, -1), -EBADF);
  EXPECT_EQ(this->Update(1, 8, 1000), -EBADF);
  EXPECT_EQ(this->Update(1, 3, this->file_), -ENOTSOCK);
  EXPECT_EQ(this->Update(1, BPF_ANY, this->file_), -ENOTSOCK);
}

TYPED_TEST(BpfTest, LockedUpdateOnAbsentAndPresent) {
  EXPECT_EQ(this->UpdateLocked(1, BPF_F_LOCK | BPF_EXIST), -ENOENT);
  EXPECT_EQ(this->UpdateLocked(1, BPF_F_LOCK | BPF_NOEXIST), 0);
  EXPECT_EQ(this->UpdateLocked(2, BPF_F_LOCK | BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(this->Lookup(*this->locked_), this->LockedValue(1));
  EXPECT_EQ(this->UpdateLocked(2, BPF_F_LOCK | BPF_EXIST), 0);
  EXPECT_EQ(this->Lookup(*this->locked_), this->LockedValue(2));
  EXPECT_EQ(this->UpdateLocked(3, BPF_F_LOCK), 0);
  EXPECT_EQ(this->Lookup(*this->locked_, BPF_F_LOCK), this->LockedValue(3));
  ASSERT_EQ(map_delete_elem(*this->locked_, *this->table_, this->fd_), 0);
  EXPECT_EQ(this->Lookup(*this->locked_, BPF_F_LOCK), Bytes());
  EXPECT_EQ(this->UpdateLocked(4, BPF_F_LOCK), 0);
  EXPECT_EQ(this->UpdateLocked(5, BPF_ANY), 0);
  EXPECT_EQ(this->Lookup(*this->locked_), this->LockedValue(5));
}

TYPED_TEST(BpfTest, LockedUpdateWithOtherFlagsIsInvalidInEveryState) {
  for (int present = 0; present < 2; ++present) {
    for (const uint64_t flags : {uint64_t{7}, uint64_t{12}, BPF_F_LOCK | kHighBit}) {
      EXPECT_EQ(this->UpdateLocked(9, flags), -EINVAL) << flags;
      EXPECT_EQ(this->Update(*this->locked_, 9, flags, -1), -EBADF) << flags;
      EXPECT_EQ(this->Update(*this->locked_, 9, flags, this->file_), -ENOTSOCK) << flags;
    }
    ASSERT_EQ(this->UpdateLocked(1, BPF_ANY), 0);
  }
  EXPECT_EQ(this->Lookup(*this->locked_), this->LockedValue(1));
}

TYPED_TEST(BpfTest, TheLockItselfReadsZeroWhateverIsStored) {
  SocketCommon* const sk = &this->socket_->common;
  const Bytes ones(kBpfValueBytes, std::byte{0xff});
  Bytes expected = ones;
  std::fill_n(expected.begin(), kSpinLockBytes, std::byte{});
  EXPECT_EQ(this->Get(*this->locked_, sk, ones.data(), BPF_SK_STORAGE_GET_F_CREATE), expected);
  EXPECT_EQ(sk_storage_modify(*this->locked_, sk,
                              [&](std::span<std::byte> value) {
                                EXPECT_EQ(Bytes(value.begin(), value.end()), expected);
                                std::ranges::copy(ones, value.begin());
                              }),
            0);
  EXPECT_EQ(this->Lookup(*this->locked_), expected);
  ASSERT_EQ(map_update_elem(*this->locked_, *this->table_, this->fd_, ones.data(), BPF_F_LOCK), 0);
  EXPECT_EQ(this->Get(*this->locked_, sk, nullptr, 0), expected);
}

TYPED_TEST(BpfTest, LookupChecksFlagsThenTheKeyThenTheState) {
  Bytes value = this->Value(77);
  const auto lookup = [&](int fd, uint64_t flags) {
    return map_lookup_elem(*this->map_, *this->table_, fd, value.data(), flags);
  };
  EXPECT_EQ(lookup(-1, 1), -EINVAL);
  EXPECT_EQ(lookup(this->fd_, BPF_F_LOCK), -EINVAL);
  EXPECT_EQ(lookup(this->fd_, kHighBit), -EINVAL);
  EXPECT_EQ(lookup(-1, 0), -EBADF);
  EXPECT_EQ(lookup(1000, 0), -EBADF);
  EXPECT_EQ(lookup(this->file_, 0), -ENOTSOCK);
  EXPECT_EQ(lookup(this->fd_, 0), -ENOENT);
  EXPECT_EQ(value, this->Value(77)) << "written to without a value";
  ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  EXPECT_EQ(lookup(this->fd_, 0), 0);
  EXPECT_EQ(value, this->Value(1));
}

TYPED_TEST(BpfTest, DeleteElem) {
  const auto remove = [&](int fd) { return map_delete_elem(*this->map_, *this->table_, fd); };
  EXPECT_EQ(remove(-1), -EBADF);
  EXPECT_EQ(remove(this->file_), -ENOTSOCK);
  EXPECT_EQ(remove(this->fd_), -ENOENT);
  ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  EXPECT_EQ(remove(this->fd_), 0);
  EXPECT_EQ(remove(this->fd_), -ENOENT);
}

TYPED_TEST(BpfTest, LookupOfAMapWithALockTakesTheLockFlagOnly) {
  Bytes value(kBpfValueBytes);
  const auto lookup = [&](int fd, uint64_t flags) {
    return map_lookup_elem(*this->locked_, *this->table_, fd, value.data(), flags);
  };
  EXPECT_EQ(lookup(this->fd_, BPF_F_LOCK), -ENOENT);
  EXPECT_EQ(lookup(-1, BPF_F_LOCK), -EBADF);
  EXPECT_EQ(lookup(this->file_, BPF_F_LOCK), -ENOTSOCK);
  for (const uint64_t flags : {uint64_t{1}, uint64_t{2}, uint64_t{5}, uint64_t{8}, kHighBit}) {
    EXPECT_EQ(lookup(-1, flags), -EINVAL) << flags;
  }
}

TYPED_TEST(BpfTest, WhatTheMapCannotDoWhateverTheKey) {
  for (int present = 0; present < 2; ++present) {
    EXPECT_EQ(map_get_next_key(*this->map_), -ENOTSUPP);
    EXPECT_EQ(map_lookup_and_delete_elem(*this->map_), -ENOTSUPP);
    EXPECT_EQ(map_lookup_and_delete_elem(*this->map_, BPF_EXIST), -EINVAL);
    EXPECT_EQ(map_lookup_and_delete_elem(*this->map_, BPF_F_LOCK), -EINVAL);
    EXPECT_EQ(map_lookup_and_delete_elem(*this->locked_, BPF_F_LOCK), -ENOTSUPP);
    EXPECT_EQ(map_lookup_and_delete_elem(*this->locked_, BPF_F_LOCK | BPF_NOEXIST), -EINVAL);
    ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  }
  EXPECT_EQ(this->Lookup(), this->Value(1)) << "not deleted";
}

TYPED_TEST(BpfTest, AFrozenMapIsReadOnlyForTheSystemCall) {
  ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  EXPECT_FALSE(this->map_->frozen());
  EXPECT_EQ(map_freeze(*this->map_), 0);
  EXPECT_TRUE(this->map_->frozen());
  EXPECT_EQ(map_freeze(*this->map_), -EPERM);
  EXPECT_EQ(this->Update(2, BPF_ANY), -EPERM);
  EXPECT_EQ(this->Update(2, BPF_F_LOCK), -EPERM) << "before the flags";
  EXPECT_EQ(this->Update(2, BPF_ANY, -1), -EPERM) << "before the key";
  EXPECT_EQ(map_delete_elem(*this->map_, *this->table_, this->fd_), -EPERM);
  EXPECT_EQ(map_delete_elem(*this->map_, *this->table_, -1), -EPERM);
  EXPECT_EQ(map_lookup_and_delete_elem(*this->map_), -EPERM);
  EXPECT_EQ(map_lookup_and_delete_elem(*this->map_, BPF_NOEXIST), -EINVAL) << "before the rest";
  EXPECT_EQ(map_lookup_and_delete_elem(*this->map_, BPF_F_LOCK), -EPERM) << "before the lock";
  EXPECT_EQ(map_get_next_key(*this->map_), -ENOTSUPP);
  EXPECT_EQ(this->Lookup(), this->Value(1));
}

TYPED_TEST(BpfTest, AFrozenMapIsWritableForPrograms) {
  SocketCommon* const sk = &this->socket_->common;
  ASSERT_EQ(map_freeze(*this->map_), 0);
  EXPECT_EQ(this->Get(sk, nullptr, BPF_SK_STORAGE_GET_F_CREATE), Zeroes(kBpfValueBytes));
  const Bytes stored = this->Value(7);
  EXPECT_EQ(sk_storage_modify(
                *this->map_, sk,
                [&](std::span<std::byte> value) { std::ranges::copy(stored, value.begin()); }),
            0);
  EXPECT_EQ(this->Lookup(), stored);
  EXPECT_EQ(sk_storage_delete(*this->map_, sk), 0);
  EXPECT_EQ(this->Lookup(), Bytes());
}

TYPED_TEST(BpfTest, AMapWithALockCannotBeFrozen) {
  EXPECT_EQ(map_freeze(*this->locked_), -ENOTSUPP);
  EXPECT_FALSE(this->locked_->frozen());
  EXPECT_EQ(this->UpdateLocked(1, BPF_ANY), 0);
}

TYPED_TEST(BpfTest, GetWithAndWithoutCreate) {
  SocketCommon* const sk = &this->socket_->common;
  const Bytes init = this->Value(1);
  EXPECT_TRUE(this->Get(sk, nullptr, 0).empty());
  EXPECT_TRUE(this->Get(sk, init.data(), 0).empty()) << "a value without the flag creates nothing";
  EXPECT_EQ(this->Get(sk, nullptr, BPF_SK_STORAGE_GET_F_CREATE), Zeroes(kBpfValueBytes));
  EXPECT_EQ(this->Get(sk, init.data(), BPF_SK_STORAGE_GET_F_CREATE), Zeroes(kBpfValueBytes))
      << "ignored";
  EXPECT_EQ(sk_storage_delete(*this->map_, sk), 0);
  EXPECT_EQ(this->Get(sk, init.data(), BPF_SK_STORAGE_GET_F_CREATE), init);
  EXPECT_EQ(this->Get(sk, nullptr, 0), init);
  EXPECT_EQ(sk->skc_refcnt.load(), 1) << "every reference is dropped";
}

TYPED_TEST(BpfTest, GetWithOtherFlagsIsNullInEveryState) {
  SocketCommon* const sk = &this->socket_->common;
  for (int present = 0; present < 2; ++present) {
    for (const uint64_t flags :
         {uint64_t{2}, uint64_t{3}, uint64_t{4}, uint64_t{5}, uint64_t{8}, uint64_t{1} << 32,
          uint64_t{1} << 32 | 1, kHighBit, ~uint64_t{0}}) {
      EXPECT_TRUE(this->Get(sk, nullptr, flags).empty()) << flags;
    }
    EXPECT_EQ(this->Lookup().empty(), present == 0);
    ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  }
}

TYPED_TEST(BpfTest, HelpersOnWhatIsNotAFullSocket) {
  int listener = -1;
  ASSERT_EQ(this->table_->Open(SocketFamily::kTcp, &listener), Status::kOk);
  ASSERT_EQ(this->table_->Listen(listener), Status::kOk);
  SocketCommon* request = nullptr;
  SocketCommon* timewait = nullptr;
  ASSERT_EQ(this->table_->OpenRequest(listener, &request), Status::kOk);
  ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  ASSERT_EQ(this->table_->EnterTimeWait(this->fd_, &timewait), Status::kOk);
  for (SocketCommon* const sk : {static_cast<SocketCommon*>(nullptr), request, timewait}) {
    EXPECT_TRUE(this->Get(sk, nullptr, 0).empty());
    EXPECT_TRUE(this->Get(sk, nullptr, BPF_SK_STORAGE_GET_F_CREATE).empty());
    EXPECT_EQ(sk_storage_delete(*this->map_, sk), -EINVAL);
    EXPECT_EQ(sk_storage_modify(*this->map_, sk, [](std::span<std::byte>) { FAIL(); }), -EINVAL);
  }
  SocketTable::Put(*request);
  SocketTable::Put(*timewait);
}

TYPED_TEST(BpfTest, HelpersOnASocketWithoutAReference) {
  SocketCommon* const sk = &this->socket_->common;
  sk->skc_refcnt.store(0);
  EXPECT_TRUE(this->Get(sk, nullptr, BPF_SK_STORAGE_GET_F_CREATE).empty());
  EXPECT_EQ(sk_storage_delete(*this->map_, sk), -ENOENT);
  sk->skc_refcnt.store(1);
  ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  sk->skc_refcnt.store(0);
  EXPECT_EQ(this->Get(sk, nullptr, 0), this->Value(1)) << "readers can still see the old value";
  EXPECT_EQ(sk_storage_delete(*this->map_, sk), -ENOENT) << "although present";
  EXPECT_EQ(sk_storage_modify(*this->map_, sk, [](std::span<std::byte>) { FAIL(); }), -ENOENT);
  sk->skc_refcnt.store(1);
  EXPECT_EQ(this->Lookup(), this->Value(1));
}

TYPED_TEST(BpfTest, ModifyAbsentAndPresent) {
  SocketCommon* const sk = &this->socket_->common;
  EXPECT_EQ(sk_storage_modify(*this->map_, sk, [](std::span<std::byte>) { FAIL(); }), -ENOENT);
  ASSERT_EQ(this->Update(1, BPF_ANY), 0);
  EXPECT_EQ(sk_storage_modify(*this->map_, sk,
                              [](std::span<std::byte> value) { value[1] = std::byte{0x42}; }),
            0);
  Bytes expected = this->Value(1);
  expected[1] = std::byte{0x42};
  EXPECT_EQ(this->Lookup(), expected);
  EXPECT_EQ(sk->skc_refcnt.load(), 1) << "every reference is dropped";
}

// The pointer layout charges as the kernel does; other tests cover the other layouts.
class BpfLimitTest : public BpfTest<PointerMap> {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    table_->set_optmem_max_bytes(static_cast<int32_t>(table_->reserved_bytes()));
  }
};

TEST_F(BpfLimitTest, WithoutRoomUpdateSaysSoAndGetIsNull) {
  EXPECT_EQ(Update(1, BPF_ANY), -ENOMEM);
  EXPECT_EQ(Update(1, BPF_EXIST), -ENOENT);
  EXPECT_TRUE(Get(&socket_->common, nullptr, BPF_SK_STORAGE_GET_F_CREATE).empty());
}

TEST_F(BpfLimitTest, OverAValueALockedUpdateNeedsNoRoom) {
  const int32_t limit = table_->reserved_bytes();
  table_->set_optmem_max_bytes(limit + 1000);
  ASSERT_EQ(UpdateLocked(1, BPF_ANY), 0);
  table_->set_optmem_max_bytes(limit);
  EXPECT_EQ(UpdateLocked(2, BPF_ANY), -ENOMEM);
  EXPECT_EQ(UpdateLocked(2, BPF_F_LOCK | BPF_NOEXIST), -ENOMEM);
  EXPECT_EQ(UpdateLocked(2, BPF_F_LOCK), 0);
  EXPECT_EQ(UpdateLocked(3, BPF_F_LOCK | BPF_EXIST), 0);
  EXPECT_EQ(Lookup(*locked_), LockedValue(3));
  EXPECT_EQ(sk_storage_modify(*locked_, &socket_->common, [](std::span<std::byte>) {}), 0);
}

}  // namespace
}  // namespace inlay::bpf
