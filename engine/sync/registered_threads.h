// The threads that the library has registered with liburcu.
//
// A program may use liburcu itself, or two copies of the library: a thread that is registered
// already is left alone, also when it exits.

#ifndef INLAY_ENGINE_SYNC_REGISTERED_THREADS_H_
#define INLAY_ENGINE_SYNC_REGISTERED_THREADS_H_

namespace inlay::rcu_internal {

// Around fork(): nobody registers or unregisters meanwhile.
void LockRegistrations() noexcept;
void UnlockRegistrations() noexcept;
// In the child of a fork(), with the lock: makes liburcu forget all threads but the caller.
void ForgetOtherThreads() noexcept;

}  // namespace inlay::rcu_internal

#endif  // INLAY_ENGINE_SYNC_REGISTERED_THREADS_H_
