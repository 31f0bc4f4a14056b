// inlay/inlay.h: reader sections, and stores with their owners.

#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "engine/c_api/handles.h"
#include "engine/c_api/result.h"
#include "engine/c_api/sized_struct.h"
#include "engine/memory/allocate.h"
#include "inlay/inlay.h"
#include "inlay/rcu.h"
#include "inlay/store.h"

namespace {
using inlay::Status;
using inlay::c_api::Owner;
using inlay::c_api::Result;

size_t LimitOrNone(size_t limit_bytes) {
  return limit_bytes != 0 ? limit_bytes : inlay::Account::kUnlimited;
}

}  // namespace

extern "C" {

// As ReadSection does. C programs inline these two, and call those behind them.
void inlay_read_lock(void) noexcept {
#if defined(INLAY_TSAN)
  inlay::rcu_internal::ReadLock();
#else
  inlay::rcu_internal::EnterSection();
#endif
}
void inlay_read_unlock(void) noexcept {
#if defined(INLAY_TSAN)
  inlay::rcu_internal::ReadUnlock();
#else
  inlay::rcu_internal::LeaveSection(inlay::rcu_internal::inlay_thread_reader.sections);
#endif
}
void inlay_read_lock_slowly(void) noexcept { inlay::rcu_internal::ReadLock(); }
void inlay_read_unlock_slowly(void) noexcept { inlay::rcu_internal::ReadUnlock(); }
void inlay_wake_grace_period(void) noexcept { inlay::rcu_internal::WakeGracePeriod(); }
void inlay_synchronize(void) noexcept { inlay::Synchronize(); }

int inlay_store_create(const inlay_store_options* options, inlay_store** store) noexcept {
  inlay_store_options wishes;
  if (const int error = inlay::c_api::ReadSized<48>(options, &wishes)) return error;
  if (store == nullptr || (wishes.flags & ~INLAY_STORE_NO_SPILL) != 0 || wishes.zero != 0) {
    return -EINVAL;
  }
  inlay::StoreOptions made_with;
  if (wishes.reserved_bits != 0) made_with.reserved_bits = wishes.reserved_bits;
  made_with.word_bits = wishes.word_bits;
  made_with.table_limit_bytes = LimitOrNone(wishes.table_limit_bytes);
  made_with.spill_limit_bytes = LimitOrNone(wishes.spill_limit_bytes);
  if ((wishes.flags & INLAY_STORE_NO_SPILL) != 0) made_with.spill_limit_bytes = 0;
  made_with.pending_limit_bytes = LimitOrNone(wishes.pending_limit_bytes);

  auto handle = inlay::TryNew<inlay_store>();
  if (handle == nullptr) return Result(Status::kNoMemory);
  const Status status = inlay::Store::Create(made_with, &handle->store);
  if (status == Status::kOk) *store = handle.release();
  return Result(status);
}

void inlay_store_destroy(inlay_store* store) noexcept { delete store; }

int inlay_owner_close(inlay_store* store, inlay_owner owner) noexcept {
  Owner closed(owner);
  if (!closed.is_valid()) return -EINVAL;
  store->store->Close(closed);
  return 0;
}

int inlay_owner_clone(inlay_store* store, inlay_owner parent, inlay_owner child) noexcept {
  Owner from(parent);
  Owner to(child);
  if (!from.is_valid() || !to.is_valid()) return -EINVAL;
  return Result(store->store->Clone(from, to));
}

size_t inlay_store_trim(inlay_store* store) noexcept { return store->store->Trim(); }

}  // extern "C"
