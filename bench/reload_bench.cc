// How many owners spill when a configuration is reloaded, and how long do they stay so? Of N owners
// each has one of D values. A reload gives every owner a new value, one owner after the other, and
// no old value comes back. Between two reloads the writers rest.
//
//   reload_bench [width_bits [reloads [owners [values [rest_ms]]]]]
//
// Prints for each reload: its time, the owners that have a private value at its end, and after the
// rest. Checks every owner's value.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "inlay/index_map.h"
#include "inlay/rcu.h"
#include "inlay/store.h"

namespace inlay::bench {
namespace {

struct Setting {
  uint64_t number = 0;
  char text[92] = {};
};
static_assert(sizeof(Setting) == 104);

struct Shape {
  uint32_t width_bits = 10;
  uint64_t reloads = 20;
  uint64_t owners = 100'000;
  uint64_t values = 500;
  uint64_t rest_ms = 100;
};

constexpr uint32_t kSettingBytes = 100;

class Reloads {
 public:
  explicit Reloads(const Shape& shape) : shape_(shape), owners_(shape.owners) {}

  // False, with a message, if an operation fails.
  bool Prepare() {
    MapOptions options;
    options.value_bytes = kSettingBytes;
    options.width_bits = shape_.width_bits;
    if (Store::Create({.reserved_bits = 16}, &store_) == Status::kOk &&
        IndexMap::Create(*store_, options, &map_) == Status::kOk && Reload(0)) {
      return true;
    }
    std::fprintf(stderr, "reload_bench: cannot make the map and its values\n");
    return false;
  }

  // True if no owner has a private value after any rest.
  bool Run() {
    std::printf("%llu owners, %llu values of %u bytes, %u bits, %llu ms of rest\n",
                static_cast<unsigned long long>(shape_.owners),
                static_cast<unsigned long long>(shape_.values), kSettingBytes, shape_.width_bits,
                static_cast<unsigned long long>(shape_.rest_ms));
    std::printf("%6s %8s %16s %16s\n", "reload", "ms", "spilled at end", "after the rest");
    bool all_home = true;
    for (uint64_t reload = 1; reload <= shape_.reloads; ++reload) {
      std::this_thread::sleep_for(std::chrono::milliseconds(shape_.rest_ms));
      const auto start = std::chrono::steady_clock::now();
      if (!Reload(reload)) return false;
      const std::chrono::duration<double, std::milli> taken =
          std::chrono::steady_clock::now() - start;
      const uint64_t at_end = map_->stats().spilled_now;
      std::this_thread::sleep_for(std::chrono::milliseconds(shape_.rest_ms));
      const uint64_t after_rest = map_->stats().spilled_now;
      std::printf("%6llu %8.1f %16llu %16llu\n", static_cast<unsigned long long>(reload),
                  taken.count(), static_cast<unsigned long long>(at_end),
                  static_cast<unsigned long long>(after_rest));
      all_home = all_home && after_rest == 0;
      if (!Check(reload)) return false;
    }
    return all_home;
  }

  void CloseAll() {
    for (InlineWords<16>& owner : owners_) store_->Close(owner);
  }

 private:
  Setting SettingOf(uint64_t owner, uint64_t reload) const {
    Setting setting;
    setting.number = owner % shape_.values + reload * shape_.values;
    return setting;
  }
  static std::span<const std::byte> BytesOf(const Setting& setting) {
    return std::as_bytes(std::span(&setting, 1)).first(kSettingBytes);
  }

  bool Reload(uint64_t reload) {
    for (uint64_t owner = 0; owner < shape_.owners; ++owner) {
      const Setting setting = SettingOf(owner, reload);
      if (map_->Update(owners_[owner], BytesOf(setting), UpdateFlag::kAny) != Status::kOk) {
        std::fprintf(stderr, "reload_bench: an update failed\n");
        return false;
      }
    }
    return true;
  }

  bool Check(uint64_t reload) const {
    const ReadSection section;
    for (uint64_t owner = 0; owner < shape_.owners; ++owner) {
      const Setting setting = SettingOf(owner, reload);
      const std::byte* const found = map_->Get(owners_[owner]);
      if (found == nullptr || std::memcmp(found, &setting, kSettingBytes) != 0) {
        std::fprintf(stderr, "reload_bench: owner %llu has not its value\n",
                     static_cast<unsigned long long>(owner));
        return false;
      }
    }
    return true;
  }

  const Shape shape_;
  std::vector<InlineWords<16>> owners_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<IndexMap> map_;
};

int Main(std::span<char*> arguments) {
  Shape shape;
  const auto number = [&](size_t at, uint64_t otherwise) {
    return at < arguments.size() ? std::strtoull(arguments[at], nullptr, 10) : otherwise;
  };
  shape.width_bits = static_cast<uint32_t>(number(1, shape.width_bits));
  shape.reloads = number(2, shape.reloads);
  shape.owners = number(3, shape.owners);
  shape.values = number(4, shape.values);
  shape.rest_ms = number(5, shape.rest_ms);
  if (shape.values == 0) {
    std::fprintf(stderr, "reload_bench: the number of values must not be 0\n");
    return 2;
  }
  Reloads reloads(shape);
  if (!reloads.Prepare()) return 1;
  const bool all_home = reloads.Run();
  reloads.CloseAll();
  return all_home ? 0 : 1;
}

}  // namespace
}  // namespace inlay::bench

int main(int argc, char** argv) { return inlay::bench::Main({argv, static_cast<size_t>(argc)}); }
