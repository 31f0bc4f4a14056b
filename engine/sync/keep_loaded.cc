#include "engine/sync/keep_loaded.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>

// Weak: a program that is linked statically has neither, and unloads nothing.
#pragma weak dladdr1
#pragma weak dlopen

namespace inlay::rcu_internal {
namespace {

constinit std::atomic<bool> is_kept{false};

}  // namespace

void KeepLoaded() noexcept {
  if (is_kept.load(std::memory_order_relaxed)) return;
  if (dladdr1 != nullptr && dlopen != nullptr) {
    Dl_info unused;
    void* found = nullptr;
    if (dladdr1(&is_kept, &unused, &found, RTLD_DL_LINKMAP) == 0) return;
    const char* const name = static_cast<const link_map*>(found)->l_name;
    // The program itself has no name. The handle is never closed.
    const bool is_plugin = *name != '\0';
    if (is_plugin && dlopen(name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == nullptr) return;
  }
  is_kept.store(true, std::memory_order_relaxed);
}

}  // namespace inlay::rcu_internal
