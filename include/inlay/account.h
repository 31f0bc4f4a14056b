// Account: who pays for memory. A limit, and a count of what is charged against it.
//
// Accounts nest, as the kernel's memory cgroups do: a charge goes to an account and to all its
// ancestors, or to none of them.
//
//   inlay::Account machine({.name = "machine", .limit_bytes = 64 << 20});
//   inlay::Account tenant({.name = "tenant", .limit_bytes = 8 << 20, .parent = &machine});
//   inlay::IndexMap::Create(store, {.value_bytes = 64, .account = &tenant}, &map);
//   ...
//   if (status == inlay::Status::kAccountLimit) log(tenant.last_refusal());  // "machine"
//
// Whoever holds an account sees its numbers and those of the accounts below it. There is no way up
// to its parent's numbers, nor to its siblings, and no list of all accounts. Of an ancestor one
// learns its name when it refuses, and from the refusal that it is full: who must not learn how
// much others hold needs an account with no ancestor that has a limit and other children.
//
// Thread-safety: all functions may run concurrently, except the destructor.

#ifndef INLAY_ACCOUNT_H_
#define INLAY_ACCOUNT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "inlay/export.h"
#include "inlay/function_ref.h"

namespace inlay {

class Account;

struct AccountOptions {
  std::string name = {};  // what last_refusal() says; need not be unique
  size_t limit_bytes = SIZE_MAX;
  Account* parent = nullptr;  // must outlive the account
};

class Account {
 public:
  static constexpr size_t kUnlimited = SIZE_MAX;

  explicit Account(size_t limit_bytes = kUnlimited) noexcept
      : Account(AccountOptions{.limit_bytes = limit_bytes}) {}
  INLAY_API explicit Account(AccountOptions options) noexcept;
  // REQUIRES: the maps, tables and stores that it pays for, and its children, are destroyed. If
  // not, says so on standard error and aborts, in every build: they would use the freed account.
  // What they left for readers may still be charged: then waits until that is freed.
  // Reader section: REQUIRES none (may wait for grace periods).
  INLAY_API ~Account();
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // Adds `bytes` to the account and its ancestors. False if that would exceed the limit of one of
  // them; then nothing changed, and last_refusal() says whose. A charge that an ancestor refuses
  // may count in the accounts below it for a moment.
  [[nodiscard]] bool Charge(size_t bytes) noexcept {
    for (Account* account = this; account != nullptr; account = account->parent_) {
      if (account->ChargeHere(bytes)) [[likely]]
        continue;
      for (Account* charged = this; charged != account; charged = charged->parent_) {
        charged->UnchargeHere(bytes);
      }
      NoteRefusalBy(account);
      return false;
    }
    return true;
  }

  // Adds `bytes` although that may exceed a limit: for what cannot be refused any more.
  void ChargeBeyondLimit(size_t bytes) noexcept {
    for (Account* account = this; account != nullptr; account = account->parent_) {
      account->used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
  }

  // Whether Charge() of so many would succeed now. If not, it counts as a refusal.
  [[nodiscard]] bool HasRoomFor(size_t bytes) noexcept {
    for (Account* account = this; account != nullptr; account = account->parent_) {
      if (account->HasRoomHere(account->used_bytes(), bytes)) [[likely]]
        continue;
      NoteRefusalBy(account);
      return false;
    }
    return true;
  }

  // Subtracts what an earlier charge added, here and in all ancestors.
  // REQUIRES: the bytes are charged.
  void Uncharge(size_t bytes) noexcept {
    // The parent first: who waits until this account is empty may free it.
    if (parent_ != nullptr) parent_->Uncharge(bytes);
    UnchargeHere(bytes);
  }

  std::string_view name() const noexcept { return name_; }
  // Charged here and in the accounts below.
  size_t used_bytes() const noexcept { return used_bytes_.load(std::memory_order_acquire); }
  size_t limit_bytes() const noexcept { return limit_bytes_; }

  // The name of the account, this one or an ancestor, that refused the last charge of this account
  // that was refused. Empty if none was. Valid as long as this account.
  std::string_view last_refusal() const noexcept {
    const Account* const refuser = last_refuser_.load(std::memory_order_acquire);
    return refuser != nullptr ? refuser->name() : std::string_view();
  }
  // How many charges the limit of this account itself has refused, of its own and of those below.
  uint64_t refusals() const noexcept { return refusals_.load(std::memory_order_relaxed); }

  // Calls `visit` for each child. `visit` must not make or destroy an account.
  INLAY_API void ForEachChild(FunctionRef<void(const Account& child)> visit) const;

 private:
  friend class AccountUse;

  bool HasRoomHere(size_t used, size_t bytes) const noexcept {
    return bytes <= limit_bytes_ && used <= limit_bytes_ - bytes;
  }
  bool ChargeHere(size_t bytes) noexcept {
    size_t used = used_bytes_.load(std::memory_order_relaxed);
    do {
      if (!HasRoomHere(used, bytes)) return false;
    } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void UnchargeHere(size_t bytes) noexcept {
    used_bytes_.fetch_sub(bytes, std::memory_order_release);
  }
  void NoteRefusalBy(Account* account) noexcept {
    account->refusals_.fetch_add(1, std::memory_order_relaxed);
    last_refuser_.store(account, std::memory_order_release);
  }
  INLAY_API bool HasChildren() const noexcept;

  const std::string name_;
  const size_t limit_bytes_;
  Account* const parent_;
  std::atomic<size_t> used_bytes_{0};
  std::atomic<uint64_t> refusals_{0};
  std::atomic<uint32_t> users_{0};  // maps and tables that it pays for
  std::atomic<const Account*> last_refuser_{nullptr};
  // The list of children, guarded by one mutex of all accounts.
  Account* first_child_ = nullptr;
  Account* next_sibling_ = nullptr;
};

// For maps and tables: says that they use an account, as long as it exists. Null: none.
class AccountUse {
 public:
  explicit AccountUse(Account* account) noexcept : account_(account) {
    if (account_ != nullptr) account_->users_.fetch_add(1, std::memory_order_relaxed);
  }
  ~AccountUse() {
    if (account_ != nullptr) account_->users_.fetch_sub(1, std::memory_order_release);
  }
  AccountUse(const AccountUse&) = delete;
  AccountUse& operator=(const AccountUse&) = delete;

 private:
  Account* const account_;
};

}  // namespace inlay

#endif  // INLAY_ACCOUNT_H_
