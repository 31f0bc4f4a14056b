#include "inlay/account.h"

#include <cassert>
#include <utility>

#include "engine/sync/broken_rule.h"
#include "engine/sync/mutex.h"
#include "inlay/rcu.h"

namespace inlay {
namespace {

// Of the lists of children of all accounts, which seldom change.
constinit Mutex account_lists;

}  // namespace

Account::Account(AccountOptions options) noexcept
    : name_(std::move(options.name)), limit_bytes_(options.limit_bytes), parent_(options.parent) {
  if (parent_ == nullptr) return;
  MutexLock lock(&account_lists);
  next_sibling_ = std::exchange(parent_->first_child_, this);
}

Account::~Account() {
  // What waits for readers uncharges itself when it is freed. So does what a store leaves behind
  // with accounts of its own, which may be below this one.
  const auto has_users = [this] { return users_.load(std::memory_order_acquire) != 0; };
  if (used_bytes() != 0 || has_users() || HasChildren()) RetireBarrier();
  if (has_users()) {
    BrokenRule("account", name_.c_str(), "is destroyed before a map or table that it pays for");
  }
  if (HasChildren()) {
    BrokenRule("account", name_.c_str(), "is destroyed before an account below it, or a store");
  }
  assert(used_bytes() == 0 && "a charge outlives its account");
  if (parent_ == nullptr) return;
  MutexLock lock(&account_lists);
  Account** link = &parent_->first_child_;
  while (*link != this) link = &(*link)->next_sibling_;
  *link = next_sibling_;
}

bool Account::HasChildren() const noexcept {
  MutexLock lock(&account_lists);
  return first_child_ != nullptr;
}

void Account::ForEachChild(FunctionRef<void(const Account& child)> visit) const {
  MutexLock lock(&account_lists);
  for (const Account* child = first_child_; child != nullptr; child = child->next_sibling_) {
    visit(*child);
  }
}

}  // namespace inlay
