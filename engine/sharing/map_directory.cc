#include "inlay/map_directory.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "engine/layouts/index_map_access.h"
#include "engine/memory/allocate.h"
#include "engine/sharing/value_migration.h"
#include "engine/snapshots/value_shape.h"
#include "engine/sync/mutex.h"

namespace inlay {

// A map of a directory. Guarded by the directory's mutex.
struct DirectoryEntry {
  std::string name;
  uint64_t schema = 0;
  std::unique_ptr<IndexMap> map;
  size_t handles = 0;
  bool keep = false;
  bool named = true;  // Open() finds it; else it is swept
  // Of a map that was replaced: where its values go, and how. Null: nowhere.
  DirectoryEntry* successor = nullptr;
  std::unique_ptr<ValueMigration> migration;
};

struct MapDirectory::State {
  explicit State(Store& of) : store(of) {}

  DirectoryEntry* FindNamed(const std::string& name) const EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    for (const auto& entry : entries) {
      if (entry->named && entry->name == name) return entry.get();
    }
    return nullptr;
  }
  Status Open(const OpenOptions& options, DirectoryEntry** entry, std::string* error,
              Opened* opened) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Takes it out of `entries`; nothing moves to it any more.
  std::unique_ptr<DirectoryEntry> Take(DirectoryEntry* entry) EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool IsSuccessor(const DirectoryEntry* entry) const EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return std::any_of(swept.begin(), swept.end(),
                       [entry](const DirectoryEntry* old) { return old->successor == entry; });
  }

  Store& store;
  mutable Mutex mutex;
  std::vector<std::unique_ptr<DirectoryEntry>> entries GUARDED_BY(mutex);
  std::vector<DirectoryEntry*> swept GUARDED_BY(mutex);  // those without a name, oldest first
};

namespace {

Status FailOpen(Status status, const OpenOptions& options, const std::string& what,
                std::string* error) {
  if (error != nullptr) *error = "map '" + options.map.name + "': " + what;
  return status;
}

// How the values of `old` become values of `options`. Runs for those that have an index now.
// kIncompatible: one cannot be migrated. Throws std::bad_alloc.
Status MakeMigration(const DirectoryEntry& old, const OpenOptions& options,
                     std::unique_ptr<ValueMigration>* migration, std::string* error) {
  const IndexMap& map = *old.map;
  const uint32_t value_bytes = map.value_bytes();
  std::vector<std::byte> values;
  if (map.is_interned()) {
    map.table().ForEach([&](ValueIndex, std::span<const std::byte> value, uint32_t owners) {
      if (owners > 0) values.insert(values.end(), value.begin(), value.end());
    });
  }
  const size_t count = values.size() / value_bytes;
  SnapshotHeader from{.name = old.name,
                      .schema = old.schema,
                      .value_bytes = value_bytes,
                      .width_bits = map.field().width_bits,
                      .values = count};
  auto made =
      std::make_unique<ValueMigration>(options.migrate, std::move(from), options.map.value_bytes);
  for (size_t at = 0; at < count; ++at) {
    if (!made->ValueFor({values.data() + at * value_bytes, value_bytes}).empty()) continue;
    return FailOpen(
        Status::kIncompatible, options,
        "value " + std::to_string(at + 1) + " of " + std::to_string(count) + " cannot be migrated",
        error);
  }
  *migration = std::move(made);
  return Status::kOk;
}

}  // namespace

// --- handles

MapHandle::MapHandle(const MapHandle& other) noexcept
    : directory_(other.directory_), entry_(other.entry_), map_(other.map_) {
  if (directory_ != nullptr) directory_->AddHandle(entry_);
}

void MapHandle::Close() noexcept {
  if (directory_ != nullptr) directory_->EndHandle(entry_);
  directory_ = nullptr;
  entry_ = nullptr;
  map_ = nullptr;
}

void MapDirectory::AddHandle(DirectoryEntry* entry) noexcept {
  MutexLock lock(&state_->mutex);
  ++entry->handles;
}

void MapDirectory::EndHandle(DirectoryEntry* entry) noexcept {
  std::unique_ptr<DirectoryEntry> freed;  // without the lock
  MutexLock lock(&state_->mutex);
  if (--entry->handles > 0 || entry->keep || !entry->named) return;
  freed = state_->Take(entry);
}

// --- the directory

Status MapDirectory::Create(Store& store, std::unique_ptr<MapDirectory>* directory) noexcept {
  auto state = TryNew<State>(store);
  if (state == nullptr || !AllocationAllowed()) return Status::kNoMemory;
  MapDirectory* const made = new (std::nothrow) MapDirectory(std::move(state));
  if (made == nullptr) return Status::kNoMemory;
  directory->reset(made);
  return Status::kOk;
}

MapDirectory::MapDirectory(std::unique_ptr<State> state) : state_(std::move(state)) {}

MapDirectory::~MapDirectory() {
  MutexLock lock(&state_->mutex);
  for ([[maybe_unused]] const auto& entry : state_->entries) {
    assert(entry->handles == 0 && "a handle outlives its directory");
  }
  state_->entries.clear();
}

std::unique_ptr<DirectoryEntry> MapDirectory::State::Take(DirectoryEntry* entry) {
  for (DirectoryEntry* const old : swept) {
    if (old->successor != entry) continue;
    old->successor = nullptr;
    old->migration.reset();
  }
  const auto at = std::find_if(entries.begin(), entries.end(),
                               [entry](const auto& each) { return each.get() == entry; });
  std::unique_ptr<DirectoryEntry> taken = std::move(*at);
  entries.erase(at);
  return taken;
}

// Throws std::bad_alloc; then nothing has changed.
Status MapDirectory::State::Open(const OpenOptions& options, DirectoryEntry** entry,
                                 std::string* error, Opened* opened) {
  DirectoryEntry* const old = FindNamed(options.map.name);
  if (old != nullptr && old->map->value_bytes() == options.map.value_bytes &&
      old->schema == options.schema) {
    old->keep = options.keep;
    ++old->handles;
    *entry = old;
    *opened = Opened::kFound;
    return Status::kOk;
  }
  if (old != nullptr && !options.replace && options.migrate == nullptr) {
    return FailOpen(Status::kIncompatible, options,
                    "has " + ShapeOf(old->map->value_bytes(), old->schema) +
                        ", and is opened with " + ShapeOf(options.map.value_bytes, options.schema),
                    error);
  }
  if (!AllocationAllowed()) throw std::bad_alloc();
  auto made = std::make_unique<DirectoryEntry>();
  made->name = options.map.name;
  made->schema = options.schema;
  made->keep = options.keep;
  made->handles = 1;
  const Status status = IndexMap::Create(store, options.map, &made->map);
  if (status != Status::kOk) {
    return FailOpen(status, options,
                    std::string("cannot be made: ") + std::string(StatusName(status)), error);
  }
  std::unique_ptr<ValueMigration> migration;
  if (old != nullptr && options.migrate != nullptr) {
    const Status migrated = MakeMigration(*old, options, &migration, error);
    if (migrated != Status::kOk) return migrated;
  }
  swept.reserve(entries.size() + 1);
  entries.push_back(std::move(made));
  *entry = entries.back().get();
  *opened = old != nullptr ? Opened::kReplaced : Opened::kMade;
  if (old == nullptr) return Status::kOk;
  old->named = false;
  if (migration != nullptr) old->successor = *entry;
  old->migration = std::move(migration);
  swept.push_back(old);
  return Status::kOk;
}

Status MapDirectory::Open(const OpenOptions& options, MapHandle* handle, std::string* error,
                          Opened* opened) noexcept {
  DirectoryEntry* entry = nullptr;
  Opened how = Opened::kMade;
  IndexMap* map = nullptr;
  try {
    MutexLock lock(&state_->mutex);
    const Status status = state_->Open(options, &entry, error, &how);
    if (status != Status::kOk) return status;
    map = entry->map.get();
  } catch (const std::bad_alloc&) {
    if (error != nullptr) error->clear();
    return Status::kNoMemory;
  }
  handle->Close();
  handle->directory_ = this;
  handle->entry_ = entry;
  handle->map_ = map;
  if (opened != nullptr) *opened = how;
  return Status::kOk;
}

size_t MapDirectory::AbandonUnopened() noexcept {
  MutexLock lock(&state_->mutex);
  size_t abandoned = 0;
  for (const auto& entry : state_->entries) {
    if (!entry->named || entry->handles > 0) continue;
    entry->named = false;
    state_->swept.push_back(entry.get());  // Open() has reserved room for all entries
    ++abandoned;
  }
  return abandoned;
}

void MapDirectory::Visit(const OwnerRef& owner, SweepResult* result) noexcept {
  MutexLock lock(&state_->mutex);
  for (DirectoryEntry* const old : state_->swept) {
    const ReadSection section;
    ValueIndex index = kNoIndex;
    const std::byte* const found = IndexMapAccess::Find(*old->map, owner, &index);
    if (found == nullptr) continue;
    Status status = Status::kNotFound;  // nowhere to go
    if (old->successor != nullptr) {
      try {
        const std::span<const std::byte> value =
            old->migration->ValueFor({found, old->map->value_bytes()});
        if (!value.empty()) {
          status = IndexMapAccess::Update(*old->successor->map, owner, value, UpdateFlag::kNoExist);
        }
      } catch (const std::bad_alloc&) {
        status = Status::kNoMemory;
      }
    }
    if (IsNoMemory(status)) {
      ++result->failed;
      continue;
    }
    // After the new value is there, so that the owner has one of them at any time.
    if (IndexMapAccess::Delete(*old->map, owner) != Status::kOk) continue;
    ++(status == Status::kOk ? result->moved : result->dropped);
  }
}

size_t MapDirectory::FreeEmptyMaps() noexcept {
  std::vector<std::unique_ptr<DirectoryEntry>> freed;  // without the lock
  MutexLock lock(&state_->mutex);
  for (size_t at = 0; at < state_->swept.size();) {
    DirectoryEntry* const old = state_->swept[at];
    if (old->handles > 0 || state_->IsSuccessor(old) || !IndexMapAccess::IsEmpty(*old->map)) {
      ++at;
      continue;
    }
    try {
      freed.reserve(freed.size() + 1);
    } catch (const std::bad_alloc&) {
      break;  // the next walk frees it
    }
    state_->swept.erase(state_->swept.begin() + static_cast<ptrdiff_t>(at));
    freed.push_back(state_->Take(old));
  }
  return freed.size();
}

size_t MapDirectory::named_maps() const noexcept {
  MutexLock lock(&state_->mutex);
  return static_cast<size_t>(std::count_if(state_->entries.begin(), state_->entries.end(),
                                           [](const auto& entry) { return entry->named; }));
}

size_t MapDirectory::maps() const noexcept {
  MutexLock lock(&state_->mutex);
  return state_->entries.size();
}

}  // namespace inlay
