// Measures what a restart costs: how long it takes to give N new owners their values.
//
//   update             Update() for each owner, with the value at hand
//   update_from_file   reads the keys and values from a file that holds them one after the other,
//                      as a program writes it that has no snapshots, and updates
//   load               LoadSnapshot() with LoadOptions::owners_are_new; the keys are an order
//   load_listed        the same, with keys that do not follow each other, which the file lists
//   load_in_use        as load, but owners may be in use: a compare-and-swap for each
//   save               SaveSnapshot(), with its two fsync()
//
// The owners are new, the map is empty, and files are in the page cache, at each round. Checks
// every owner's value.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/program/progress.h"
#include "bench/program/result_table.h"
#include "engine/workload/bar.h"
#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/snapshot.h"
#include "inlay/store.h"

namespace inlay::bench {
namespace {

constexpr uint64_t kSnapshotValues = 500;
constexpr double kMostOfAnUpdate = 0.1;

struct SavedValue {
  uint64_t number = 0;
  char text[92] = {};
};
constexpr uint32_t kSavedValueBytes = 100;

SavedValue ValueOfOwner(uint64_t owner) {
  SavedValue value;
  value.number = owner % kSnapshotValues;
  return value;
}
std::span<const std::byte> BytesOf(const SavedValue& value) {
  return std::as_bytes(std::span(&value, 1)).first(kSavedValueBytes);
}

// One owner's part of the file of update_from_file.
struct Record {
  OwnerKey key = 0;
  std::byte value[kSavedValueBytes] = {};
  uint32_t unused = 0;
};

// The files, made once, in a folder that goes with the program.
class Files {
 public:
  Files() {
    std::string folder = (std::filesystem::temp_directory_path() / "inlay_XXXXXX").string();
    if (mkdtemp(folder.data()) != nullptr) folder_ = folder;
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  std::string Path(const char* name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

// New owners, and an empty map of theirs.
class NewOwners {
 public:
  explicit NewOwners(size_t owners) : owners_(owners) {
    ready_ = Store::Create({.reserved_bits = 16}, &store_) == Status::kOk &&
             IndexMap::Create(*store_,
                              {.name = "saved", .value_bytes = kSavedValueBytes, .width_bits = 10},
                              &map_) == Status::kOk;
  }
  ~NewOwners() {
    for (InlineWords<16>& owner : owners_) store_->Close(owner);
    map_.reset();
  }
  NewOwners(const NewOwners&) = delete;
  NewOwners& operator=(const NewOwners&) = delete;

  bool ready() const { return ready_; }

  bool Update(uint64_t owner, std::span<const std::byte> value) {
    return map_->Update(owners_[owner], value, UpdateFlag::kAny) == Status::kOk;
  }
  bool UpdateAll(std::span<const SavedValue> values) {
    for (uint64_t owner = 0, of = 0; owner < owners_.size(); ++owner, ++of) {
      if (of == values.size()) of = 0;
      if (!Update(owner, BytesOf(values[of]))) return false;
    }
    return true;
  }
  bool UpdateFrom(const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return false;
    std::vector<Record> some(1024);
    bool done = true;
    for (size_t got = some.size(); done && got == some.size();) {
      got = std::fread(some.data(), sizeof(Record), some.size(), file);
      for (size_t i = 0; done && i < got; ++i) done = Update(some[i].key, some[i].value);
    }
    std::fclose(file);
    return done;
  }
  // Keys are an order, or with a `shift` of 1 every second number.
  bool Save(const std::string& path, int shift) {
    return SaveSnapshot(
               *map_, path, {},
               [&](SnapshotSaver& save) {
                 for (size_t i = 0; i < owners_.size(); ++i) save(uint64_t{i} << shift, owners_[i]);
               },
               nullptr) == Status::kOk;
  }
  bool Load(const std::string& path, int shift, bool owners_are_new) {
    LoadResult result;
    const auto find = [&](OwnerKey key) { return &owners_[key >> shift]; };
    return LoadSnapshot(*map_, path, {.owners_are_new = owners_are_new}, find, &result, nullptr) ==
               Status::kOk &&
           result.owners == owners_.size();
  }

  bool HasAll() const {
    const ReadSection section;
    for (uint64_t owner = 0; owner < owners_.size(); ++owner) {
      const SavedValue value = ValueOfOwner(owner);
      const std::byte* const found = map_->Get(owners_[owner]);
      if (found == nullptr || std::memcmp(found, &value, kSavedValueBytes) != 0) return false;
    }
    return true;
  }
  bool WriteRecords(const std::string& path) const {
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return false;
    bool done = true;
    for (uint64_t owner = 0; done && owner < owners_.size(); ++owner) {
      Record record;
      record.key = owner;
      const SavedValue value = ValueOfOwner(owner);
      std::memcpy(record.value, &value, kSavedValueBytes);
      done = std::fwrite(&record, sizeof(record), 1, file) == 1;
    }
    return std::fclose(file) == 0 && done;
  }

 private:
  std::vector<InlineWords<16>> owners_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
  bool ready_ = false;
};

enum class How { kUpdate, kUpdateFromFile, kLoad, kLoadListed, kLoadInUse, kSave };

bool Run(How how, NewOwners* owners, std::span<const SavedValue> values, const Files& files) {
  switch (how) {
    case How::kUpdate:
      return owners->UpdateAll(values);
    case How::kUpdateFromFile:
      return owners->UpdateFrom(files.Path("records"));
    case How::kLoad:
      return owners->Load(files.Path("ordered"), 0, true);
    case How::kLoadListed:
      return owners->Load(files.Path("listed"), 1, true);
    case How::kLoadInUse:
      return owners->Load(files.Path("ordered"), 0, false);
    case How::kSave:
      return owners->Save(files.Path("saved"), 0);
  }
  return false;
}

void Restart(benchmark::State& state, How how, const Files& files) {
  const auto count = static_cast<size_t>(state.range(0));
  std::vector<SavedValue> values;
  for (uint64_t n = 0; n < kSnapshotValues; ++n) values.push_back(ValueOfOwner(n));
  for (auto _ : state) {
    NewOwners owners(count);
    if (!owners.ready()) return state.SkipWithError("cannot make the map");
    if (how == How::kSave && !owners.UpdateAll(values)) return state.SkipWithError("an update");
    const auto start = std::chrono::steady_clock::now();
    const bool done = Run(how, &owners, values, files);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (!done) return state.SkipWithError("an operation failed");
    if (!owners.HasAll()) return state.SkipWithError("an owner has not its value");
    // The time for each owner: a benchmark's time is that of an operation.
    state.SetIterationTime(taken.count() / static_cast<double>(count));
  }
}

int Main(int argc, char** argv) {
  Results results;
  if (!results.Initialize(argc, argv)) return 1;
  const Files files;
  {
    NewOwners owners(static_cast<size_t>(results.sockets()));
    std::vector<SavedValue> values;
    for (uint64_t n = 0; n < kSnapshotValues; ++n) values.push_back(ValueOfOwner(n));
    if (!owners.ready() || !owners.UpdateAll(values) || !owners.Save(files.Path("ordered"), 0) ||
        !owners.Save(files.Path("listed"), 1) || !owners.WriteRecords(files.Path("records"))) {
      std::fprintf(stderr, "snapshot_bench: cannot make the files\n");
      return 1;
    }
  }
  const std::string size = "/owners:" + std::to_string(results.sockets());
  for (const auto& [name, how] :
       {std::pair{"update", How::kUpdate}, std::pair{"update_from_file", How::kUpdateFromFile},
        std::pair{"load", How::kLoad}, std::pair{"load_listed", How::kLoadListed},
        std::pair{"load_in_use", How::kLoadInUse}, std::pair{"save", How::kSave}}) {
    RegisterRun(std::string("Restart/") + name,
                [how = how, &files](benchmark::State& state) { Restart(state, how, files); })
        ->ArgName("owners")
        ->Arg(results.sockets())
        ->Iterations(3)
        ->UseManualTime();
  }
  const auto measured = [&](const char* name) {
    return std::string("Restart/") + name + size + "/iterations:3/manual_time";
  };
  results.AddBar(workload::Bar::AtMost(measured("load"), measured("update"), kMostOfAnUpdate));
  return results.Run();
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main(argc, argv); }
