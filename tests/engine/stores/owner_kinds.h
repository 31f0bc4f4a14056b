// The kinds of owners for tests of index maps: emulated sockets, which have a storage pointer for
// private values, and plain structs of every word size, which have none. Each kind is a class with
// `store()`, `Add()`, which returns a new owner, and `CloseAll()`.

#ifndef INLAY_TESTS_ENGINE_STORES_OWNER_KINDS_H_
#define INLAY_TESTS_ENGINE_STORES_OWNER_KINDS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "inlay/emulated/socket.h"
#include "inlay/rcu.h"
#include "inlay/store.h"
#include "tests/print_status.h"

namespace inlay {

class SocketOwners {
 public:
  using Owner = Socket;
  static constexpr const char* kName = "socket";

  SocketOwners() { EXPECT_EQ(SocketTable::Create({}, &table_), Status::kOk); }

  Store& store() { return table_->store(); }
  SocketTable& table() { return *table_; }
  Owner& Add() {
    int fd = -1;
    EXPECT_EQ(table_->Open(SocketFamily::kUnix, &fd), Status::kOk);
    fds_.push_back(fd);
    ReadSection section;
    Socket* socket = nullptr;
    EXPECT_EQ(table_->Find(fd, &socket), Status::kOk);
    return *socket;
  }
  void CloseAll() {
    for (const int fd : fds_) EXPECT_EQ(table_->Close(fd), Status::kOk);
    fds_.clear();
  }

 private:
  std::unique_ptr<SocketTable> table_;
  std::vector<int> fds_;
};

// An embedder's class.
template <size_t kBits>
struct PlainOwner {
  InlineWords<kBits> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

template <size_t kBits>
class PlainOwners {
 public:
  using Owner = PlainOwner<kBits>;
  static constexpr const char* kName = kBits == 16   ? "words16"
                                       : kBits == 32 ? "words32"
                                       : kBits == 64 ? "words64"
                                                     : "words128";

  PlainOwners() { EXPECT_EQ(Store::Create({.reserved_bits = kBits}, &store_), Status::kOk); }

  Store& store() { return *store_; }
  Owner& Add() { return owners_.emplace_back(); }
  void CloseAll() {
    for (Owner& owner : owners_) store_->Close(owner);
  }

 private:
  std::unique_ptr<Store> store_;
  std::deque<Owner> owners_;
};

using AllOwnerKinds = testing::Types<SocketOwners, PlainOwners<16>, PlainOwners<32>,
                                     PlainOwners<64>, PlainOwners<128>>;

struct OwnerKindName {
  template <typename Owners>
  static std::string GetName(int /*position*/) {
    return Owners::kName;
  }
};

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_STORES_OWNER_KINDS_H_
