#include "engine/stores/open_owners.h"

#include <execinfo.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "engine/sync/mutex.h"

namespace inlay {

void OpenOwners::Change(const void* words, bool more) noexcept {
  Shard& shard = ShardOf(words);
  {
    MutexLock lock(&shard.mutex);
    const auto found = shard.records.find(words);
    if (found != shard.records.end()) {
      found->second.values += more ? 1 : -1;
      if (found->second.values == 0) shard.records.erase(found);
      return;
    }
  }
  // Outside of the lock: the first walk over a stack loads a library.
  Record record;
  record.values = more ? 1 : -1;
  if (more) record.frames = backtrace(record.call_site, kMostFrames);
  Add(words, record);
}

// Adds the values of `record` to the owner's, which may have got a record meanwhile.
void OpenOwners::Add(const void* words, const Record& record) noexcept {
  Shard& shard = ShardOf(words);
  MutexLock lock(&shard.mutex);
  try {
    const auto [at, is_new] = shard.records.emplace(words, record);
    if (is_new) return;
    at->second.values += record.values;
    if (at->second.values == 0) shard.records.erase(at);
  } catch (const std::bad_alloc&) {
    not_recorded_.fetch_add(1, std::memory_order_relaxed);
  }
}

void OpenOwners::Move(const void* from, const void* to) noexcept {
  Record record;
  {
    Shard& shard = ShardOf(from);
    MutexLock lock(&shard.mutex);
    const auto found = shard.records.find(from);
    if (found == shard.records.end()) return;
    record = found->second;
    shard.records.erase(found);
  }
  Add(to, record);
}

void OpenOwners::ForEach(FunctionRef<void(const OpenOwner& owner)> visit) const {
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    for (const auto& [words, record] : shard.records) {
      if (record.values <= 0) continue;
      // The first frame is Change().
      const std::span<void* const> frames(record.call_site, static_cast<size_t>(record.frames));
      visit({.words = words,
             .values = static_cast<uint64_t>(record.values),
             .call_site = frames.subspan(std::min<size_t>(1, frames.size()))});
    }
  }
}

std::string OpenOwners::Describe(size_t most_call_sites) const {
  struct Site {
    uint64_t owners = 0;
    uint64_t values = 0;
    const void* example = nullptr;
  };
  std::map<std::vector<void*>, Site> sites;
  uint64_t owners = 0;
  ForEach([&](const OpenOwner& owner) {
    Site& site = sites[std::vector<void*>(owner.call_site.begin(), owner.call_site.end())];
    ++owners;
    ++site.owners;
    site.values += owner.values;
    site.example = owner.words;
  });
  std::vector<std::pair<std::vector<void*>, Site>> sorted(sites.begin(), sites.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& one, const auto& other) {
    return one.second.owners > other.second.owners;
  });
  std::string text = std::to_string(owners) + " owners have values";
  if (const uint64_t missing = not_recorded_.load(std::memory_order_relaxed); missing > 0) {
    text += ", and " + std::to_string(missing) + " changes were not recorded for want of memory";
  }
  text += "\n";
  for (size_t at = 0; at < std::min(most_call_sites, sorted.size()); ++at) {
    const auto& [frames, site] = sorted[at];
    char example[32];
    std::snprintf(example, sizeof(example), "%p", site.example);
    text += std::to_string(site.owners) + " owners with " + std::to_string(site.values) +
            " values, such as the one with words at " + example + ", got their first value in\n";
    const std::unique_ptr<char*, void (*)(void*)> names(
        backtrace_symbols(frames.data(), static_cast<int>(frames.size())), &std::free);
    for (size_t frame = 0; names != nullptr && frame < frames.size(); ++frame) {
      text += std::string("  ") + names.get()[frame] + "\n";
    }
  }
  if (sorted.size() > most_call_sites) {
    text += "and " + std::to_string(sorted.size() - most_call_sites) + " more places\n";
  }
  return text;
}

}  // namespace inlay
