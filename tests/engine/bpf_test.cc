// Flags, return values and the order of checks of inlay/bpf.h, on the two layouts that differ most.

#include "inlay/bpf.h"

#include <gtest/gtest.h>

#include "tests/numbered_value.h"
#include "tests/print_status.h"

namespace inlay::bpf {
namespace {

constexpr uint32_t kBytes = 16;
constexpr uint64_t kHighBit = uint64_t{1} << 63;

template <typename Map>
class BpfTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(SocketTable::Create({}, &table_), Status::kOk);
    MapOptions options;
    options.value_bytes = kBytes;
    ASSERT_EQ(Map::Create(*table_, options, &map_), Status::kOk);
    ASSERT_EQ(table_->Open(SocketFamily::kTcp, &fd_), Status::kOk);
    ASSERT_EQ(table_->OpenFile(&file_), Status::kOk);
    ReadSection section;
    ASSERT_EQ(table_->Find(fd_, &socket_), Status::kOk);
  }
  int Update(uint64_t n, uint64_t flags, int fd) {
    return map_update_elem(*map_, *table_, fd, NumberedValue(n, kBytes).data(), flags);
  }
  int Update(uint64_t n, uint64_t flags) { return Update(n, flags, fd_); }
  Bytes Lookup() {
    Bytes value(kBytes);
    return map_lookup_elem(*map_, *table_, fd_, value.data()) == 0 ? value : Bytes();
  }
  Bytes Get(SocketCommon* sk, const void* init, uint64_t flags) {
    ReadSection section;
    return Copied(static_cast<const std::byte*>(sk_storage_get(*map_, sk, init, flags)), kBytes);
  }
  static Bytes Value(uint64_t n) { return NumberedValue(n, kBytes); }

  std::unique_ptr<SocketTable> table_;
  std::unique_ptr<Map> map_;
  Socket* socket_ = nullptr;
  int fd_ = -1;
  int file_ = -1;
};
using BothLayouts = testing::Types<PointerMap, IndexMap>;
TYPED_TEST_SUITE(BpfTest, BothLayouts);

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

TYPED_TEST(BpfTest, GetWithAndWithoutCreate) {
  SocketCommon* const sk = &this->socket_->common;
  const Bytes init = this->Value(1);
  EXPECT_TRUE(this->Get(sk, nullptr, 0).empty());
  EXPECT_TRUE(this->Get(sk, init.data(), 0).empty()) << "a value without the flag makes nothing";
  EXPECT_EQ(this->Get(sk, nullptr, BPF_SK_STORAGE_GET_F_CREATE), Zeroes(kBytes));
  EXPECT_EQ(this->Get(sk, init.data(), BPF_SK_STORAGE_GET_F_CREATE), Zeroes(kBytes)) << "ignored";
  EXPECT_EQ(sk_storage_delete(*this->map_, sk), 0);
  EXPECT_EQ(this->Get(sk, init.data(), BPF_SK_STORAGE_GET_F_CREATE), init);
  EXPECT_EQ(this->Get(sk, nullptr, 0), init);
  EXPECT_EQ(sk->skc_refcnt.load(), 1) << "references come back";
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
  EXPECT_EQ(this->Get(sk, nullptr, 0), this->Value(1)) << "the old value can still be read";
  EXPECT_EQ(sk_storage_delete(*this->map_, sk), -ENOENT) << "although present";
  sk->skc_refcnt.store(1);
  EXPECT_EQ(this->Lookup(), this->Value(1));
}

TEST(BpfPointerTest, WithoutRoomUpdateSaysSoAndGetIsNull) {
  std::unique_ptr<SocketTable> table;
  ASSERT_EQ(SocketTable::Create({.optmem_max_bytes = 100}, &table), Status::kOk);
  MapOptions options;
  options.value_bytes = kBytes;
  std::unique_ptr<PointerMap> map;
  ASSERT_EQ(PointerMap::Create(*table, options, &map), Status::kOk);
  int fd = -1;
  ASSERT_EQ(table->Open(SocketFamily::kTcp, &fd), Status::kOk);
  const Bytes value = NumberedValue(1, kBytes);
  EXPECT_EQ(map_update_elem(*map, *table, fd, value.data(), BPF_ANY), -ENOMEM);
  EXPECT_EQ(map_update_elem(*map, *table, fd, value.data(), BPF_EXIST), -ENOENT);
  ReadSection section;
  Socket* socket = nullptr;
  ASSERT_EQ(table->Find(fd, &socket), Status::kOk);
  EXPECT_EQ(sk_storage_get(*map, &socket->common, nullptr, BPF_SK_STORAGE_GET_F_CREATE), nullptr);
}

}  // namespace
}  // namespace inlay::bpf
