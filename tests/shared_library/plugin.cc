// A plugin with a store of its own. The library is another shared one, or part of the plugin.

#include <inlay/rcu.h>
#include <inlay/shared_map.h>

#include <memory>
#include <thread>

namespace {

struct PluginPolicy {
  uint64_t number;
};

struct Connection {
  inlay::InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

std::unique_ptr<inlay::Store> store;
std::unique_ptr<inlay::SharedMap<PluginPolicy>> policies;
Connection one;
Connection other;

}  // namespace

extern "C" {

// True if both connections have a value, and it is one.
__attribute__((visibility("default"))) bool plugin_begin(uint64_t number) {
  using inlay::Status;
  return inlay::Store::Create({.reserved_bits = 16}, &store) == Status::kOk &&
         inlay::SharedMap<PluginPolicy>::Create(*store, {.width_bits = 4}, &policies) ==
             Status::kOk &&
         policies->Update(one, {number}) == Status::kOk &&
         policies->Update(other, {number}) == Status::kOk &&
         policies->bytes().stats().table.live == 1;
}

// Replaces the value often, so that many wait for readers, and returns the number of one's value.
__attribute__((visibility("default"))) uint64_t plugin_use() {
  const inlay::ReadSection section;
  const uint64_t number = policies->Get(section, one)->number;
  for (uint64_t n = 0; n < 100; ++n) {
    if (policies->Update(other, {number + n}) != inlay::Status::kOk) return 0;
  }
  return policies->Get(section, one)->number;
}

// Waits for the library's thread to run a function.
__attribute__((visibility("default"))) bool plugin_thread_runs() {
  const inlay::GracePeriod grace = inlay::GracePeriod::Start();
  while (!grace.Elapsed()) std::this_thread::yield();
  return true;
}

__attribute__((visibility("default"))) void plugin_end() {
  store->Close(one);
  store->Close(other);
  policies.reset();
  store.reset();
}

}  // extern "C"
