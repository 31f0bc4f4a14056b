// Loads the values of a map's owners from a file.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/layouts/index_map_access.h"
#include "engine/memory/allocate.h"
#include "engine/memory/value_bytes.h"
#include "engine/snapshots/atomic_file.h"
#include "engine/snapshots/snapshot_format.h"
#include "engine/snapshots/value_shape.h"
#include "inlay/snapshot.h"

namespace inlay {
// A file that was read and checked: whatever it says of sizes and numbers holds.
class SnapshotReader {
 public:
  // Throws std::bad_alloc.
  Status Read(const std::string& path, std::string* error) {
    Status status = ReadWholeFile(path, &file_, error);
    if (status != Status::kOk) return status;
    const auto damaged = [&](const std::string& what) {
      return FailFile(Status::kDamaged, path, what, error);
    };
    const std::string size = std::to_string(file_.size);
    if (file_.size < sizeof(head_)) return damaged("ends in its head, after " + size + " bytes");
    std::memcpy(&head_, file_.data(), sizeof(head_));
    if (std::memcmp(head_.magic, SnapshotHead::kMagic, sizeof(head_.magic)) != 0) {
      return damaged("is no snapshot of a map");
    }
    if (head_.checksum != head_.ComputedChecksum()) return damaged("its head is damaged");
    if (head_.version != SnapshotHead::kVersion) {
      return damaged("has version " + std::to_string(head_.version) + ", and this program reads " +
                     std::to_string(SnapshotHead::kVersion));
    }
    if (!head_.HasPossibleCounts() || head_.file_bytes != head_.FileBytes()) {
      return damaged("its head contradicts itself");
    }
    if (file_.size < head_.file_bytes) {
      return damaged("ends after " + size + " of " + std::to_string(head_.file_bytes) + " bytes");
    }
    if (file_.size > head_.file_bytes) {
      return damaged("goes on after its " + std::to_string(head_.file_bytes) + " bytes");
    }
    uint64_t checksum = 0;
    std::memcpy(&checksum, At(head_.ChecksumAt()), sizeof(checksum));
    if (checksum != XXH3_64bits_withSeed(At(sizeof(head_)), head_.ChecksumAt() - sizeof(head_),
                                         head_.checksum)) {
      return damaged("its contents are damaged");
    }
    if (!CountOwners()) return damaged("an owner has a value that is not there");
    header_ = {std::string(reinterpret_cast<const char*>(At(sizeof(head_))), head_.name_bytes),
               head_.schema,
               head_.value_bytes,
               head_.width_bits,
               head_.values,
               head_.owners};
    return Status::kOk;
  }

  const SnapshotHead& head() const { return head_; }
  const SnapshotHeader& header() const { return header_; }
  std::span<const std::byte> value(size_t number) const {
    return {At(head_.ValuesAt() + number * head_.value_bytes), head_.value_bytes};
  }
  // How many owners have the value.
  uint32_t owners_of(size_t number) const { return owners_of_[number]; }
  // Null: the keys follow each other.
  const OwnerKey* keys() const {
    if ((head_.flags & SnapshotHead::kKeysListed) == 0) return nullptr;
    return reinterpret_cast<const OwnerKey*>(At(head_.KeysAt()));
  }
  // The numbers of the owners' values: one of the two is null.
  const uint32_t* wide_numbers() const {
    if ((head_.flags & SnapshotHead::kWideNumbers) == 0) return nullptr;
    return reinterpret_cast<const uint32_t*>(At(head_.NumbersAt()));
  }
  const uint16_t* numbers() const {
    if (wide_numbers() != nullptr) return nullptr;
    return reinterpret_cast<const uint16_t*>(At(head_.NumbersAt()));
  }

 private:
  const std::byte* At(uint64_t offset) const { return file_.data() + offset; }

  // False if an owner has the number of no value.
  bool CountOwners() {
    owners_of_.resize(head_.values + 1);  // the last: owners of values that are not there
    uint32_t* const owners_of = owners_of_.data();
    const auto last = static_cast<uint32_t>(head_.values);
    const auto count = [&](const auto* numbers) {
      for (uint64_t i = 0; i < head_.owners; ++i) {
        ++owners_of[std::min<uint32_t>(numbers[i], last)];
      }
    };
    wide_numbers() != nullptr ? count(wide_numbers()) : count(numbers());
    return owners_of_.back() == 0;
  }

  FileBytes file_;
  SnapshotHead head_ = {};
  SnapshotHeader header_;
  std::vector<uint32_t> owners_of_;
};

Status ReadSnapshotHeader(const std::string& path, SnapshotHeader* header,
                          std::string* error) noexcept {
  try {
    SnapshotReader reader;
    const Status status = reader.Read(path, error);
    if (status == Status::kOk) *header = reader.header();
    return status;
  } catch (const std::bad_alloc&) {
    return FailFile(Status::kNoMemory, path, "no memory", error);
  }
}

struct SnapshotLoad::State {
  explicit State(IndexMap& of) : map(of) {}

  std::span<const std::byte> ValueOf(size_t number) const {
    if (migrated.empty()) return reader.value(number);
    return {migrated.data() + number * map.value_bytes(), map.value_bytes()};
  }

  // Whether the file is one of this map, or can be made one.
  Status Check(const std::string& path, const LoadOptions& options, std::string* error) const {
    const SnapshotHeader& from = reader.header();
    if (!options.any_name && from.name != map.options().name) {
      return FailFile(Status::kIncompatible, path,
                      "is of a map named '" + from.name + "', and not '" + map.options().name + "'",
                      error);
    }
    if (IsOfThisSchema(options) || options.migrate != nullptr) return Status::kOk;
    return FailFile(Status::kIncompatible, path,
                    "has " + ShapeOf(from.value_bytes, from.schema) + ", and the map has " +
                        ShapeOf(map.value_bytes(), options.schema),
                    error);
  }
  bool IsOfThisSchema(const LoadOptions& options) const {
    const SnapshotHeader& from = reader.header();
    return from.value_bytes == map.value_bytes() && from.schema == options.schema;
  }

  Status Migrate(const std::string& path, const LoadOptions& options, std::string* error) {
    if (IsOfThisSchema(options)) return Status::kOk;
    const size_t values = reader.header().values;
    migrated.resize(values * map.value_bytes());
    for (size_t number = 0; number < values; ++number) {
      const std::span<std::byte> to(migrated.data() + number * map.value_bytes(),
                                    map.value_bytes());
      if (!options.migrate(reader.header(), reader.value(number), to)) {
        return FailFile(Status::kIncompatible, path,
                        "value " + std::to_string(number + 1) + " of " + std::to_string(values) +
                            " cannot be migrated",
                        error);
      }
    }
    result.migrated = values;
    return Status::kOk;
  }

  // Takes a reference for each owner, as far as the table has room. Values that most owners have
  // come first.
  void InternValues() {
    std::vector<uint32_t> by_owners(indexes.size());
    std::iota(by_owners.begin(), by_owners.end(), 0);
    std::stable_sort(by_owners.begin(), by_owners.end(), [this](uint32_t one, uint32_t other) {
      return reader.owners_of(one) > reader.owners_of(other);
    });
    ValueTable& table = IndexMapAccess::TableOf(map);
    for (const uint32_t number : by_owners) {
      const uint32_t owners = reader.owners_of(number);
      ValueIndex index = kNoIndex;
      if (owners == 0 || table.Intern(ValueOf(number), &index) != Status::kOk) continue;
      if (!IndexMapAccess::TryRefMany(table, index, owners - 1)) {
        table.Release(index);
        continue;
      }
      indexes[number] = index;
    }
  }

  IndexMap& map;
  SnapshotReader reader;
  std::vector<std::byte> migrated;   // the values, if the file is of another schema
  std::vector<uint32_t> indexes;     // by number
  std::vector<uint32_t> no_indexes;  // likewise; all kNoIndex
  std::vector<uint32_t> unused;      // by number: references that no owner took
  LoadResult result;
  Status failure = Status::kOk;
};

SnapshotLoad::SnapshotLoad(std::unique_ptr<State> state)
    : owners_{state->reader.head().owners, state->reader.keys(), state->reader.head().first_key,
              state->reader.numbers(), state->reader.wide_numbers()},
      field_(state->map.field()),
      state_(std::move(state)) {}

SnapshotLoad::~SnapshotLoad() {
  for (size_t number = 0; number < state_->indexes.size(); ++number) {
    if (state_->indexes[number] == kNoIndex || state_->unused[number] == 0) continue;
    IndexMapAccess::ReleaseMany(IndexMapAccess::TableOf(state_->map), state_->indexes[number],
                                state_->unused[number]);
  }
}

Status SnapshotLoad::Begin(IndexMap& map, const std::string& path, const LoadOptions& options,
                           std::unique_ptr<SnapshotLoad>* load, std::string* error) noexcept {
  try {
    if (!AllocationAllowed()) throw std::bad_alloc();
    auto state = std::make_unique<State>(map);
    if (Status status = state->reader.Read(path, error); status != Status::kOk) return status;
    if (Status status = state->Check(path, options, error); status != Status::kOk) return status;
    if (!AllocationAllowed()) throw std::bad_alloc();
    if (Status status = state->Migrate(path, options, error); status != Status::kOk) return status;
    state->indexes.resize(state->reader.header().values);
    state->no_indexes.resize(state->indexes.size());
    state->unused.resize(state->indexes.size());
    state->result.header = state->reader.header();
    State& made = *state;
    load->reset(new SnapshotLoad(std::move(state)));
    (*load)->no_indexes_ = made.no_indexes.data();
    const bool plain = options.owners_are_new && IndexMapAccess::AllowsPlainStores(map);
    (*load)->stored_ = plain ? made.indexes.data() : made.no_indexes.data();
    // Last, since it takes references.
    if (map.is_interned()) made.InternValues();
    return Status::kOk;
  } catch (const std::bad_alloc&) {
    load->reset();
    return FailFile(Status::kNoMemory, path, "no memory", error);
  }
}

void SnapshotLoad::Skip(uint32_t number) noexcept {
  ++state_->result.unknown;
  ++state_->unused[number];
}

void SnapshotLoad::GiveOwner(const OwnerRef& owner, uint32_t number) noexcept {
  State& state = *state_;
  const ValueIndex index = state.indexes[number];
  Status status = Status::kInvalid;
  if (index == kNoIndex) {
    status = IndexMapAccess::Update(state.map, owner, state.ValueOf(number), UpdateFlag::kAny);
    if (status == Status::kOk && state.map.is_interned() &&
        owner.words().Load(field_) == field_.spilled_code()) {
      ++state.result.spilled;
    }
  } else if (owner.words().Holds(field_)) {
    status = IndexMapAccess::Give(state.map, owner, index);
  } else {
    ++state.unused[number];
  }
  if (status == Status::kOk) return;
  if (!IsNoMemory(status)) {
    ++state.result.unfit;
    return;
  }
  ++state.result.failed;
  if (state.failure == Status::kOk) state.failure = status;
}

Status SnapshotLoad::End(LoadResult* result) noexcept {
  LoadResult& own = state_->result;
  own.owners = own.header.owners - own.unknown - own.unfit - own.failed;
  if (result != nullptr) *result = std::move(own);
  return state_->failure;
}

}  // namespace inlay
