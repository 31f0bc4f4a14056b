// Keeps the object that holds the library's code in memory: it may be a plugin, and dlclose() would
// take the code from the library's thread, and from the destructor that each thread runs when it
// exits.

#ifndef INLAY_ENGINE_SYNC_KEEP_LOADED_H_
#define INLAY_ENGINE_SYNC_KEEP_LOADED_H_

namespace inlay::rcu_internal {

// Thread-safe. Later calls do nothing. REQUIRES: the caller holds no lock that a constructor of a
// plugin may wait for: the dynamic linker runs those under a lock of its own.
void KeepLoaded() noexcept;

}  // namespace inlay::rcu_internal

#endif  // INLAY_ENGINE_SYNC_KEEP_LOADED_H_
